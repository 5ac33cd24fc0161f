/** What is known of the piece on the desk: seed, settings, level, clock, the command line, and its downloads. */

import { ApiError, readInfo, readSound } from "./api.js";
import { clockOf } from "./clock.js";
import { commandLines, fileName } from "./command.js";
import { $, clockTime, complain, copy, el } from "./dom.js";
import { titled } from "./fields.js";
import { keep, on, rootOf, state, tell } from "./state.js";
import { attributesOf } from "./piece.js";
import { followWords, followsOf } from "./follows.js";
import { blobOf, fileOf, levelName, levelOf } from "./sound.js";
import { hasBlob } from "./store.js";
import { readWords } from "./words.js";

const APART = ["mousai", "prompt", "command", "regions", "beside_prompt", "inpaint_audio", "init_audio"];
/** What a file stores, and is shown elsewhere or is no setting. */

/** Begins to show them. */
export function startDetails() {
  on("current", draw);
  on("sound", drawSound);
  on("clock", draw);
  on("kept", ({ id }) => id === state.current?.id && drawKept(state.current));
  $("copy").addEventListener("click", () => copy($("command").textContent, $("copy")));
  $("clock").addEventListener("submit", setClock);
}

function draw() {
  const piece = state.current;
  $("desk").hidden = !piece;
  $("empty").hidden = Boolean(piece);
  $("gone").hidden = true;
  if (!piece) return;
  const clock = clockOf(piece);
  $("piece-title").textContent = rootOf(piece).title;
  $("piece-version").textContent = piece.note || (piece.verb === "upload" ? "recording" : "first version");
  drawFacts(piece, clock);
  const made = Object.entries({ ...piece.made, ...tuneFacts(piece) }).filter(([name]) => !APART.includes(name));
  const rows = piece.made?.prompt ? [["prompt", piece.input?.prompt ?? piece.made.prompt], ...made] : made;
  if (piece.verb === "upload") rows.push(["sample rate", `${piece.rate} Hz`], ["channels", piece.channels]);
  if (piece.took) rows.push(["seconds of work", piece.took.toFixed(1)]);
  $("made").replaceChildren(...rows.flatMap(([name, value]) => [el("dt", { textContent: titled(name) }), el("dd", { textContent: value })]));
  const commands = commandLines(piece);
  $("command").textContent = commands?.join("\n") ?? "";
  $("command-row").hidden = !commands;
  $("command-note").textContent =
    commands?.length === 1 ? "The command line that makes it:" : "The command lines that make it, one after the other:";
  $("clock-tempo").value = clock?.tempo ?? "";
  $("clock-downbeat").value = clock ? Number(clock.downbeat.toFixed(4)) : "";
  $("clock-fold").open = clock === null;
  drawDownloads(piece);
  $("kept").textContent = "";
  drawKept(piece);
}

/** What the file says of the tune, which names it by its id on the server, with the name that it was given here. */
function tuneFacts(piece) {
  const tune = piece.follows?.tune;
  return tune ? { melody: tune.name } : {};
}

function drawFacts(piece, clock, more = []) {
  const { made } = piece;
  const words = readWords(made?.prompt ?? "", { leads: state.model?.leads ?? [] });
  const facts = [clockTime(piece.seconds), clock && `${Number(clock.tempo.toFixed(2))} bpm`];
  const { key, lead } = attributesOf(piece, words);
  facts.push(key, lead);
  facts.push(...followWords(followsOf(piece)));
  if (piece.seed !== null && piece.seed !== undefined) facts.push(`seed ${piece.seed}`);
  $("piece-remark").textContent = piece.remark ?? "";
  $("piece-remark").hidden = !piece.remark;
  $("piece-facts").replaceChildren(...[...facts, ...more].filter(Boolean).map((text) => el("li", { textContent: text })));
}

function drawSound({ gone }) {
  const piece = state.current;
  $("work").hidden = Boolean(gone);
  $("gone").hidden = !gone;
  drawKept(piece); // a copy may have come meanwhile
  if (gone) {
    $("gone").textContent =
      "The sound of this piece is gone: the server has it no longer, and this browser has no copy. " +
      "The same sentence, seed and settings make it again.";
    return;
  }
  const { peak, rms } = levelOf(state.buffer);
  drawFacts(piece, clockOf(piece), [`peak ${levelName(peak)}`, `mean ${levelName(rms)}`]);
}

function drawDownloads(piece) {
  const formats = state.model?.formats ?? [piece.container];
  const buttons = formats.map((format) => {
    const button = el("button.quiet", { type: "button", textContent: format.toUpperCase(), data: { format } });
    button.addEventListener("click", () => download(piece, format, button));
    return button;
  });
  $("downloads").replaceChildren(...buttons);
}

async function download(piece, format, button) {
  button.disabled = true;
  try {
    const own = format === piece.container ? await blobOf(piece) : null;
    const address = URL.createObjectURL(own ?? (await readSound(await fileOf(piece), format)));
    el("a", { href: address, download: fileName(piece, format) }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
  }
}

let looks = 0; // counts looks at the copies, so that an earlier one does not overwrite a later one

async function drawKept(piece) {
  const turn = ++looks;
  let words;
  try {
    const until = await keptUntil(piece.file);
    words = keptWords(until, await hasBlob(piece.id));
  } catch (error) {
    words = error.message;
  }
  if (turn === looks) $("kept").textContent = words;
}

/** Time of day until which the server keeps a file; null where it has it no longer. */
async function keptUntil(file) {
  try {
    const { expires_at } = await readInfo(file);
    return new Date(expires_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Words for who has the sound of a piece: the server until a time of day or not (null), this browser or not. */
export function keptWords(until, here) {
  if (until === null) {
    if (!here) return "Neither the server nor this browser has its sound any more.";
    return "The server has it no longer. This browser keeps a copy, and sends it again when you work on it.";
  }
  const there = `The server keeps it until ${until}, longer if it is used.`;
  return `${there} ${here ? "This browser keeps a copy." : "This browser has no copy: download it to keep it."}`;
}

async function setClock(event) {
  event.preventDefault();
  const piece = state.current;
  const tempo = Number($("clock-tempo").value);
  if (tempo && (tempo < 30 || tempo > 300)) return complain("The tempo must be from 30 to 300 beats per minute.");
  piece.clock = tempo ? { tempo, downbeat: Number($("clock-downbeat").value) || 0 } : null;
  await keep(piece);
  tell("clock", {});
}
