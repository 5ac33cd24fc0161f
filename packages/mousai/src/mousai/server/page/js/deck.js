/** The deck: waveform, log-mel picture and bars of the current piece, and the region that is selected on them. */

import WaveSurfer from "../vendor/wavesurfer.esm.js";
import RegionsPlugin from "../vendor/regions.esm.js";
import { clockOf, regionName, snapped } from "./clock.js";
import { $, complain } from "./dom.js";
import { colour, paintMel, paintRuler } from "./drawing.js";
import { heightOf, pictureOf } from "./mel.js";
import { on, select, state, tell } from "./state.js";
import { blobOf, heardOf, peaksOf } from "./sound.js";

const BANDS = 96;
const WAVE_HEIGHT = 96;
/** The server's Content-Security-Policy names wavesurfer's style by its hash, and the height is part of the style. */

let wave = null;
let regions = null;
let region = null;
let picture = null; // {columns, levels}
let zoom = 1;
let placing = false; // while the page itself adds a region
let shown = 0; // counts pieces, so that what belongs to an earlier one is dropped

const audio = () => $("audio");

/** Whether regions snap to bars. */
export const snaps = () => $("snap").checked && clockOf(state.current) !== null;

/** Begins to show what is chosen. */
export function startDeck() {
  on("current", load);
  on("selection", drawSelection);
  on("clock", draw);
  new ResizeObserver(draw).observe($("sheet"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  $("zoom-in").addEventListener("click", () => setZoom(zoom * 2));
  $("zoom-out").addEventListener("click", () => setZoom(zoom / 2));
}

async function load() {
  const turn = ++shown;
  const piece = state.current;
  clear();
  if (!piece) return;
  $("deck").setAttribute("aria-busy", "true");
  try {
    const blob = await blobOf(piece);
    if (turn !== shown) return;
    if (!blob) return tell("sound", { gone: true });
    hear(blob); // it is drawn while it plays
    const { playable, buffer } = await heardOf(piece, blob);
    if (turn !== shown) return;
    if (playable !== blob) hearOn(playable);
    state.buffer = buffer;
    drawWave(buffer);
    tell("sound", {});
    const columns = Math.min(2400, Math.max(600, Math.round(buffer.duration * 60)));
    const levels = await pictureOf(buffer, columns, BANDS);
    if (turn !== shown) return;
    picture = { columns, bands: BANDS, levels };
    drawPicture();
  } catch (error) {
    if (turn === shown) complain(`This piece cannot be shown: ${error.message}`);
  } finally {
    if (turn === shown) $("deck").setAttribute("aria-busy", "false");
  }
}

function hear(blob) {
  if (audio().src) URL.revokeObjectURL(audio().src);
  audio().src = URL.createObjectURL(blob);
}

/** The same sound in a form that the page can read too: it goes on where it is. */
function hearOn(blob) {
  const { paused, currentTime } = audio();
  hear(blob);
  audio().addEventListener(
    "loadedmetadata",
    () => {
      audio().currentTime = currentTime;
      if (!paused) audio().play().catch(() => {}); // the browser lets it, or shows it paused
    },
    { once: true },
  );
}

function clear() {
  wave?.destroy();
  wave = regions = region = picture = null;
  audio().pause();
  if (audio().src) URL.revokeObjectURL(audio().src);
  audio().removeAttribute("src");
  audio().load();
  setZoom(1);
  drawPicture();
  drawSelection();
}

function drawWave(buffer) {
  regions = RegionsPlugin.create();
  wave = WaveSurfer.create({
    container: $("wave"),
    media: audio(),
    peaks: peaksOf(buffer, 8000),
    duration: buffer.duration,
    height: WAVE_HEIGHT,
    cursorWidth: 2,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    hideScrollbar: true,
    plugins: [regions],
    ...waveColours(),
  });
  regions.enableDragSelection({ color: colour("--selection") });
  regions.on("region-created", (made) => {
    if (placing || made === region) return;
    for (const other of regions.getRegions()) if (other !== made) other.remove();
    region = made;
    settle(made);
  });
  regions.on("region-updated", settle);
  drawRuler();
}

const waveColours = () => ({
  waveColor: colour("--wave"),
  progressColor: colour("--accent"),
  cursorColor: colour("--playhead"),
});

function settle(made) {
  const length = state.buffer.duration;
  const wanted = { start: Math.max(0, made.start), end: Math.min(length, made.end) };
  select(snaps() ? snapped(clockOf(state.current), wanted, length) : wanted, "deck");
}

function drawSelection() {
  const chosen = state.selection;
  const length = state.buffer?.duration;
  const veil = $("selected");
  veil.hidden = !chosen || !length;
  if (!regions) return;
  if (!chosen) {
    region?.remove();
    region = null;
    return;
  }
  veil.style.left = `${(100 * chosen.start) / length}%`;
  veil.style.width = `${(100 * (chosen.end - chosen.start)) / length}%`;
  if (region) {
    if (region.start !== chosen.start || region.end !== chosen.end) region.setOptions(chosen);
  } else {
    const id = "selection";
    placing = true;
    region = regions.addRegion({ id, ...chosen, color: colour("--selection"), drag: true, resize: true });
    placing = false;
    for (const other of regions.getRegions()) if (other !== region) other.remove();
  }
  region.element?.setAttribute("role", "group"); // a name without a role is told to nobody
  region.element?.setAttribute("aria-label", `Selected: ${regionName(clockOf(state.current), chosen)}`);
}

function setZoom(wanted) {
  zoom = Math.min(16, Math.max(1, wanted));
  $("sheet").style.width = `${zoom * 100}%`;
  $("zoom-out").disabled = zoom === 1;
  $("zoom-in").disabled = zoom === 16;
  draw();
}

function recolour() {
  wave?.setOptions(waveColours());
  region?.setOptions({ color: colour("--selection") });
  draw();
}

function draw() {
  drawRuler();
  drawPicture();
}

function drawRuler() {
  paintRuler($("ruler"), clockOf(state.current), state.buffer?.duration ?? 0);
}

function drawPicture() {
  $("hertz").hidden = !picture;
  paintMel($("mel"), picture, clockOf(state.current), state.buffer?.duration ?? 0);
  if (!picture) return;
  for (const label of $("hertz").children) {
    label.style.bottom = `${100 * heightOf(Number(label.dataset.hertz), state.buffer.sampleRate)}%`;
  }
}
