/** The field of a tune: a MIDI file or a hum, sent to the server, shown by name, and sent again where it is gone. */

import { ApiError, readInfo, upload } from "./api.js";
import { el, icon, say } from "./dom.js";
import { labelled, markInput } from "./fields.js";
import { on, state } from "./state.js";
import { readBlob, writeBlob } from "./store.js";

const TAKEN = ".mid,.midi,audio/midi,audio/*,.wav,.flac,.ogg,.mp3,.aiff,.aif";
const HINT = "A MIDI file, or a recording of one voice that hums or sings. It can be dropped here too.";

/** Returns the tune that a piece was made with, or null: `{key, file, name, kind, start}`, with `track` if given. */
export const tuneOf = (piece) => piece?.follows?.tune ?? null;

/** Name under which this browser keeps the file of a tune. */
export const keptAs = (tune) => `tune.${tune.key}`;

/**
 * Makes the field of a tune.
 * @param {string} prefix of the ids
 * @param {{begins: function(): number, words: string, stays?: boolean}} how second at which the tune begins where
 *   nothing is given, what that is called, and whether the tune of the piece on the desk stays where it is in the piece
 * @returns {{row: Element, take: function, show: function, tune: function, read: function}} `take` uploads a file,
 *   `show` shows a tune that is uploaded or null, `tune` returns the one that is shown with its start and track,
 *   `read` the fields of an input
 */
export function tuneField(prefix, { begins, words, stays = true }) {
  let tune = null;
  let turn = 0; // counts tunes that were shown, so that one that is still sent does not come after a later one
  let blob = null; // of a tune that was taken here: kept in this browser once a piece is asked for with it
  const id = `${prefix}-melody`;
  const label = el("label", { htmlFor: id, id: `${id}-label`, textContent: "Tune" });
  const picker = el("input", { type: "file", accept: TAKEN, hidden: true, aria: { label: "File of the tune" } });
  const pick = el("button.quiet", { id, name: "melody", type: "button", textContent: "Choose a file" });
  pick.setAttribute("aria-labelledby", `${label.id} ${id}`);
  const hint = el("small", { id: `${id}-hint`, textContent: HINT });
  pick.setAttribute("aria-describedby", hint.id);
  const again = el("button.quiet", { type: "button", hidden: true });
  const name = el("span.tune-name");
  const remove = el("button.icon-button", { type: "button" }, icon("close"));
  const chosen = el("p.tune-chosen", { hidden: true }, name, remove);
  const start = el("input", { id: `${prefix}-melody_start`, name: "melody_start", type: "number", step: "any" });
  start.placeholder = words;
  const track = el("input", { id: `${prefix}-melody_track`, name: "melody_track", type: "text", maxLength: 200 });
  track.placeholder = "the highest";
  const places = el("div.span", { hidden: true }, labelled("Tune begins at, s", start), labelled("Track", track));
  const row = el("div.field.tune", {}, label, el("div.actions", {}, pick, again, picker), chosen, hint, places);

  function show(next) {
    turn++;
    tune = next;
    blob = null;
    start.value = next?.start ?? "";
    track.value = next?.track ?? "";
    draw();
  }

  function draw() {
    const known = tuneOf(state.current);
    chosen.hidden = places.hidden = !tune;
    track.closest(".field").hidden = tune?.kind !== "midi";
    hint.hidden = Boolean(tune);
    pick.textContent = tune ? "Choose another" : "Choose a file";
    again.hidden = !known || known.key === tune?.key;
    again.textContent = known ? `This piece’s: ${known.name}` : "";
    name.textContent = tune?.name ?? "";
    remove.setAttribute("aria-label", `Remove the tune ${tune?.name ?? ""}`);
  }

  async function take(file) {
    const begun = ++turn;
    markInput(pick, null);
    pick.disabled = true;
    pick.textContent = "Sending";
    try {
      const info = await upload(file, file.name);
      if (begun !== turn) return;
      show({ key: info.id, file: info.id, name: file.name, kind: info.kind === "midi" ? "midi" : "hum" });
      blob = file;
      say(`Tune: ${file.name}`);
    } catch (error) {
      markInput(pick, `${error.message} (${file.name})`);
    } finally {
      pick.disabled = false;
      draw();
    }
  }

  pick.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    const [file] = picker.files;
    picker.value = "";
    if (file) take(file);
  });
  again.addEventListener("click", () => {
    const known = tuneOf(state.current);
    show(stays ? known : { ...known, start: undefined });
    pick.focus();
    say(`Tune: ${tune.name}`);
  });
  remove.addEventListener("click", () => {
    show(null);
    pick.focus();
    say("No tune");
  });
  row.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault(); // which tells open.js that it is taken
    take(file);
  });
  on("current", draw);
  draw();

  const given = () => {
    if (!tune) return null;
    const second = start.value === "" ? begins() : Number(start.value);
    const found = { ...tune, start: Number(second.toFixed(4)) };
    delete found.track;
    if (track.value.trim() && tune.kind === "midi") found.track = track.value.trim();
    return found;
  };

  async function read() {
    const wanted = given();
    if (!wanted) return {};
    const own = tune; // another may be chosen meanwhile
    if (blob) await writeBlob(keptAs(wanted), blob);
    own.file = await fileOf(wanted);
    const input = { melody: own.file };
    if (wanted.start) input.melody_start = wanted.start;
    if (wanted.track) input.melody_track = wanted.track;
    return input;
  }

  return { row, take, show, tune: given, read };
}

/** Returns the id under which the server has a tune; one that it removed meanwhile is uploaded again. */
async function fileOf(tune) {
  try {
    return (await readInfo(tune.file)).id;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  const own = await readBlob(keptAs(tune));
  const gone = `The server has ${tune.name} no longer, and this browser has no copy. Choose the file again.`;
  if (!own) throw new ApiError(gone, { field: "melody" });
  return (await upload(own, tune.name)).id;
}
