/** Playing: play and pause, loop, position, the beat that passes, the level. */

import { barLength, beatName, clockOf } from "./clock.js";
import { $, clockTime, complain } from "./dom.js";
import { on, select, state } from "./state.js";
import { levelOf } from "./sound.js";

const LOWEST = -60; // dB of an empty meter
const READY = "mousai.play-ready"; // where this browser keeps whether a new piece plays at once
let looping = false;
let dragging = false;
let wanted = false; // whether it plays as soon as there is sound

const audio = () => $("audio");
const length = () => state.buffer?.duration ?? (Number.isFinite(audio().duration) ? audio().duration : 0);

/** Begins to listen to buttons, keys and the sound. */
export function startTransport() {
  $("play").addEventListener("click", toggle);
  $("to-start").addEventListener("click", () => seek(loopStart()));
  $("loop").addEventListener("click", () => setLoop(!looping));
  const position = $("position");
  position.addEventListener("input", () => seek(Number(position.value)));
  position.addEventListener("pointerdown", () => (dragging = true));
  addEventListener("pointerup", () => (dragging = false));
  position.addEventListener("keydown", step);
  for (const event of ["play", "pause", "ended", "seeked", "timeupdate", "loadedmetadata"]) {
    audio().addEventListener(event, drawNow);
  }
  audio().addEventListener("play", follow);
  audio().addEventListener("ended", () => {
    if (looping) restart();
  });
  audio().addEventListener("loadedmetadata", begin);
  document.addEventListener("keydown", keys);
  $("play-ready").checked = localStorage.getItem(READY) !== "no";
  $("play-ready").addEventListener("change", () => localStorage.setItem(READY, $("play-ready").checked ? "yes" : "no"));
  on("current", ({ plays }) => {
    wanted = plays;
    setLoop(state.current?.verb === "loop");
  });
  on("sound", ({ gone }) => {
    if (gone) setLoop(false);
    position.max = length() || 1;
    for (const id of ["play", "to-start", "loop", "position"]) $(id).disabled = Boolean(gone);
    drawNow();
  });
  on("clock", drawNow);
}

const loopStart = () => (looping && state.selection ? state.selection.start : 0);

/** The sound can be played; where nobody has pressed a key or a button yet, some browsers refuse to. */
function begin() {
  $("position").max = length();
  if (wanted && $("live").hidden) play({ refusals: ["AbortError", "NotAllowedError"] });
  wanted = false;
}

async function toggle() {
  if (!audio().paused) return audio().pause();
  if (!audio().src) return void (wanted = Boolean(state.current)); // the sound is on its way
  const chosen = looping && state.selection;
  if (chosen && (audio().currentTime < chosen.start || audio().currentTime >= chosen.end)) seek(chosen.start);
  await play();
}

async function play({ refusals = ["AbortError"] } = {}) {
  try {
    await audio().play();
  } catch (error) {
    if (!refusals.includes(error.name)) complain(`The browser does not play it: ${error.message}`);
  }
}

function restart() {
  seek(loopStart());
  return play();
}

function setLoop(wanted) {
  looping = wanted;
  $("loop").setAttribute("aria-pressed", String(looping));
}

function seek(second) {
  if (!length()) return;
  audio().currentTime = Math.min(length(), Math.max(0, second));
  drawNow();
}

/** Moves by beats with the arrows and by bars with the page keys; by seconds where no tempo is known. */
function step(event) {
  const clock = clockOf(state.current);
  const [small, large] = clock ? [barLength(clock) / 4, barLength(clock)] : [1, 5];
  const by = {
    ArrowRight: small, ArrowUp: small, ArrowLeft: -small, ArrowDown: -small, PageUp: large, PageDown: -large,
  }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  seek(audio().currentTime + by);
}

function keys(event) {
  const busy = event.target.closest("input, textarea, select, button, summary, a, [contenteditable]");
  if (event.key === "Escape" && state.selection) return select(null, "keys");
  if (busy || event.ctrlKey || event.metaKey || event.altKey || !audio().src) return;
  if (event.key === " ") toggle();
  else if (event.key.toLowerCase() === "l") setLoop(!looping);
  else if (event.key === "Home") seek(0);
  else return;
  event.preventDefault();
}

function follow() {
  const chosen = looping && state.selection;
  if (chosen && audio().currentTime >= chosen.end) seek(chosen.start);
  drawNow();
  if (!audio().paused) requestAnimationFrame(follow);
}

function drawNow() {
  const now = audio().currentTime;
  const playing = !audio().paused;
  const clock = clockOf(state.current);
  const label = playing ? "Pause" : "Play";
  if ($("play").getAttribute("aria-label") !== label) {
    $("play").setAttribute("aria-label", label);
    $("play").querySelector("use").setAttribute("href", playing ? "#i-pause" : "#i-play");
  }
  $("time").textContent = `${clockTime(now, 1)} / ${clockTime(length())}`;
  const beat = clock && state.buffer ? beatName(clock, now) : "";
  $("beat").textContent = beat;
  if (!dragging) $("position").value = now;
  $("position").setAttribute("aria-valuetext", `${clockTime(now, 1)} of ${clockTime(length())}${beat && `, ${beat}`}`);
  $("needle").style.left = `${length() ? (100 * now) / length() : 0}%`;
  drawMeter(now, playing);
  if (playing) keepInSight(now);
}

function drawMeter(now, playing) {
  const level = playing && state.buffer ? levelOf(state.buffer, now - 0.03, now + 0.03).rms : LOWEST;
  const share = Math.max(0, Math.min(1, level / LOWEST));
  $("meter").firstElementChild.style.width = `${100 * share}%`; // covers what is not reached
}

function keepInSight(now) {
  const scroll = $("scroll");
  const x = (now / length()) * scroll.scrollWidth;
  const inside = x >= scroll.scrollLeft && x <= scroll.scrollLeft + scroll.clientWidth;
  if (scroll.scrollWidth > scroll.clientWidth && !inside) scroll.scrollLeft = x - scroll.clientWidth * 0.1;
}
