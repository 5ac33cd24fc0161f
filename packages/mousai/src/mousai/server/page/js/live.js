/** Live: music without end out of the sentence, changed while it plays, and kept afterwards if wanted. */

import { $, clockTime, complain, say } from "./dom.js";
import { markField } from "./fields.js";
import { keepRecording } from "./open.js";
import { Player } from "./player.js";
import { on, state } from "./state.js";
import { followIn, followWords } from "./follows.js";
import { liveFollows, settingsFor } from "./write.js";

let player = null; // of the session that is shown; what an earlier one still says is not for it
let heard = ""; // the sentence that is heard
let seed = null;
let sentences = [];
let follow = null; // fields of chords and section
let follows = {}; // chords and section that are heard
let asked = new Map(); // changes that were sent and not answered yet, by the ids of their messages
let changes = 0; // that were asked for
let coming = []; // changes that were answered and are not heard yet

/** Begins to listen to its buttons. */
export function startLive() {
  follow = followIn($("live-follow"), "live", { names: ["chords", "section"] });
  on("model", () => ($("go-live").hidden = !state.model.live));
  $("go-live").addEventListener("click", begin);
  $("live-stop").addEventListener("click", stop);
  $("live-form").addEventListener("submit", change);
  $("live-save").addEventListener("click", save);
  $("live-drop").addEventListener("click", close);
  addEventListener("pagehide", () => player?.stop());
}

function begin() {
  const prompt = $("prompt").value.trim();
  markField($("write"), null);
  if (!prompt) return markField($("write"), "prompt", "Write what the music is like first.");
  complain("");
  $("audio").pause();
  const { given, left } = liveFollows();
  const input = { prompt, ...settingsFor("generate"), ...given };
  if ($("seed").value) input.seed = Number($("seed").value);
  if ($("negative_prompt").value.trim()) input.negative_prompt = $("negative_prompt").value.trim();
  heard = "";
  sentences = [prompt];
  follows = given;
  asked = new Map();
  coming = [];
  follow.fields.fill(given);
  player?.stop(); // one that is over, and was not kept
  player = new Player(input, told, state.model.max_duration - 1);
  $("live").hidden = false;
  $("live-form").hidden = $("live-stop").hidden = $("live-beats").hidden = $("live-bar").hidden = false;
  $("live-keep").hidden = true;
  $("live-title").textContent = prompt;
  $("live-prompt").value = prompt;
  $("go-live").disabled = true;
  tellState("Waiting for the model");
  $("live").scrollIntoView({ block: "nearest" });
  $("live-prompt").focus();
  $("live-note").textContent = left.length ? "Live music takes chords and a section; tune and form are left out." : "";
  draw(player);
}

function tellState(words) {
  if ($("live-state").textContent !== words) $("live-state").textContent = words;
}

function told(message, session) {
  if (session !== player) return;
  if (message.type === "queue" && message.place) tellState(`Waiting, ${message.place} before it`);
  else if (message.type === "start") {
    seed = message.seed;
    tellState("Composing the first bars");
  }
  else if (message.type === "changed") {
    const from = message.bar === null ? `second ${Math.round(message.seconds)}` : `bar ${message.bar}`;
    $("live-note").textContent = `Changes from ${from} on.`;
    const change = asked.get(message.id);
    asked.delete(message.id);
    if (change) coming.push({ ...change, seconds: message.seconds });
  } else if (message.type === "error") {
    const form = asked.delete(message.id) ? "live-form" : "write"; // what it began with was asked for there
    $("live-note").textContent = "";
    if (!markField($(form), message.param, message.message)) complain(message.message);
  } else if (message.type === "end" && message.message) complain(message.message);
  else if (message.type === "closed" && !$("live-stop").hidden) {
    const silent = player.framesHeard() === 0;
    stop();
    if (silent && $("error").hidden && !$("write").querySelector("[aria-invalid]")) complain("The live session could not be begun.");
  }
}

function change(event) {
  event.preventDefault();
  const prompt = $("live-prompt").value.trim();
  if (!prompt || !player) return;
  markField($("live-form"), null);
  const wanted = { prompt, ...follow.fields.given() };
  const id = String(++changes);
  asked.set(id, wanted);
  player.send({ type: "update", id, ...wanted });
  $("live-note").textContent = "Asked for.";
}

function draw(session) {
  if (session !== player || $("live-stop").hidden) return;
  const place = player.place();
  if (place) {
    tellState(`Live, seed ${seed}`);
    $("live-bar").textContent = place.bar === null ? clockTime(player.now()) : `bar ${place.bar}`;
    [...$("live-beats").children].forEach((dot, index) => dot.classList.toggle("on", index + 1 === place.beat));
    hear(place);
  }
  requestAnimationFrame(() => draw(session));
}

/** Tells what is new in what is heard now: another sentence, other chords, another section. */
function hear(place) {
  const due = coming.filter((one) => one.seconds <= player.now() + 1e-3);
  const news = [];
  if (place.prompt !== heard) {
    if (heard) {
      news.push(`“${place.prompt}”`);
      sentences.push(place.prompt);
    }
    heard = place.prompt;
    $("live-title").textContent = heard;
  }
  coming = coming.filter((one) => !due.includes(one));
  for (const { chords = follows.chords, section = follows.section } of due) {
    if (chords !== follows.chords) news.push(chords);
    if (section !== follows.section) news.push(section);
    follows = { ...(chords && { chords }), ...(section && { section }) };
  }
  if (news.length) {
    const since = place.bar === null ? "" : `, since bar ${place.bar}`;
    $("live-note").textContent = `${news.join(", ")} plays now${since}.`;
  }
}

function stop() {
  player.stop();
  $("live-stop").hidden = $("live-form").hidden = $("live-beats").hidden = $("live-bar").hidden = true;
  $("go-live").disabled = false;
  if (player.framesHeard() === 0) return close();
  const limit = player.now() > player.kept ? ` The first ${clockTime(player.kept)} of it can be kept.` : "";
  tellState("Stopped");
  $("live-note").textContent = `It played for ${clockTime(player.now())}.${limit}`;
  $("live-keep").hidden = false;
  $("live-save").focus();
}

async function save() {
  const session = player;
  $("live-save").disabled = true;
  try {
    const tempo = session.tempoHeard();
    const clock = tempo ? { tempo, downbeat: 0 } : null;
    const title = [...new Set(sentences)].join(" → ");
    const file = new File([session.recording()], "live.wav");
    const known = { sentence: heard || sentences[0], clock, follows: followWords(follows).length ? follows : null };
    await keepRecording(file, { title, note: "played live", ...known });
    if (session === player) close();
  } catch (error) {
    complain(error.message);
  } finally {
    $("live-save").disabled = false;
  }
}

function close() {
  player?.stop();
  player = null;
  $("live").hidden = true;
  $("live-note").textContent = "";
  $("live-bar").textContent = "";
  $("go-live").disabled = false;
  ($("write").querySelector("[aria-invalid]") ?? $("go-live")).focus();
  say("The live session is over");
}
