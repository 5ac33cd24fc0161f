/** Live: music without end out of the sentence, changed while it plays, and kept afterwards if wanted. */

import { $, clockTime, complain, say } from "./dom.js";
import { keepRecording } from "./open.js";
import { Player } from "./player.js";
import { on, state } from "./state.js";
import { settingsFor } from "./write.js";

let player = null; // of the session that is shown; what an earlier one still says is not for it
let heard = ""; // the sentence that is heard
let sentences = [];

/** Begins to listen to its buttons. */
export function startLive() {
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
  if (!prompt) {
    $("prompt").focus();
    return complain("Write what the music is like first.");
  }
  complain("");
  $("audio").pause();
  const input = { prompt, ...settingsFor("generate") };
  if ($("seed").value) input.seed = Number($("seed").value);
  if ($("negative_prompt").value.trim()) input.negative_prompt = $("negative_prompt").value.trim();
  heard = "";
  sentences = [prompt];
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
  $("live-note").textContent = "";
  draw(player);
}

const tellState = (words) => ($("live-state").textContent = words);

function told(message, session) {
  if (session !== player) return;
  if (message.type === "queue" && message.place) tellState(`Waiting, ${message.place} before it`);
  else if (message.type === "start") tellState(`Live, seed ${message.seed}`);
  else if (message.type === "changed") {
    const from = message.bar === null ? `second ${Math.round(message.seconds)}` : `bar ${message.bar}`;
    $("live-note").textContent = `Changes from ${from} on.`;
  } else if (message.type === "error") {
    complain(message.message);
  } else if (message.type === "end" && message.message) complain(message.message);
  else if (message.type === "closed" && !$("live-stop").hidden) {
    const silent = player.framesHeard() === 0;
    stop();
    if (silent && $("error").hidden) complain("The live session could not be begun.");
  }
}

function change(event) {
  event.preventDefault();
  const prompt = $("live-prompt").value.trim();
  if (!prompt || !player) return;
  player.send({ type: "update", prompt });
  $("live-note").textContent = "Asked for.";
}

function draw(session) {
  if (session !== player || $("live-stop").hidden) return;
  const place = player.place();
  if (place) {
    $("live-bar").textContent = place.bar === null ? clockTime(player.now()) : `bar ${place.bar}`;
    [...$("live-beats").children].forEach((dot, index) => dot.classList.toggle("on", index + 1 === place.beat));
    if (place.prompt !== heard) {
      if (heard) {
        $("live-note").textContent = `“${place.prompt}” plays now${place.bar === null ? "" : `, since bar ${place.bar}`}.`;
        sentences.push(place.prompt);
      }
      heard = place.prompt;
      $("live-title").textContent = heard;
    }
  }
  requestAnimationFrame(() => draw(session));
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
    await keepRecording(file, { title, note: "played live", sentence: heard || sentences[0], clock });
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
  $("go-live").focus();
  say("The live session is over");
}
