/** The deck: waveform, log-mel picture and bars of the current piece, and the region that is selected on them. */

import WaveSurfer from "../vendor/wavesurfer.esm.js";
import RegionsPlugin from "../vendor/regions.esm.js";
import { clockOf, gridLines, regionName, snapped } from "./clock.js";
import { $, complain } from "./dom.js";
import { heightOf, logMel } from "./mel.js";
import { on, select, state, tell } from "./state.js";
import { blobOf, decode, peaksOf } from "./sound.js";

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
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Whether regions snap to bars. */
export const snaps = () => $("snap").checked && clockOf(state.current) !== null;

/** Begins to show what is chosen. */
export function startDeck() {
  on("current", load);
  on("selection", drawSelection);
  on("clock", drawRuler);
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
    audio().src = URL.createObjectURL(blob);
    const buffer = await decode(blob);
    if (turn !== shown) return;
    state.buffer = buffer;
    drawWave(buffer);
    tell("sound", {});
    const columns = Math.min(2400, Math.max(600, Math.round(buffer.duration * 60)));
    const levels = await logMel(buffer, columns, BANDS, () => turn === shown);
    if (!levels) return;
    picture = { columns, levels };
    drawPicture();
  } catch (error) {
    if (turn === shown) complain(`This piece cannot be shown: ${error.message}`);
  } finally {
    if (turn === shown) $("deck").setAttribute("aria-busy", "false");
  }
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

/** Sizes a canvas to what it covers, in device pixels, and returns what is drawn with. */
function fitted(canvas) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  canvas.width = Math.min(16000, Math.max(1, Math.round(canvas.clientWidth * ratio)));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  return canvas.getContext("2d");
}

function drawRuler() {
  const canvas = $("ruler");
  const pen = fitted(canvas);
  const length = state.buffer?.duration;
  if (!length) return;
  const clock = clockOf(state.current);
  const scale = canvas.width / length;
  const ratio = canvas.width / Math.max(1, canvas.clientWidth);
  pen.font = `${11 * ratio}px ${getComputedStyle(canvas).fontFamily}`;
  pen.textBaseline = "middle";
  const mark = (second, text, tall) => {
    const x = Math.round(second * scale);
    pen.fillStyle = colour("--line-strong");
    pen.fillRect(x, canvas.height * (tall ? 0.25 : 0.75), ratio, canvas.height);
    pen.fillStyle = colour("--muted");
    if (text) pen.fillText(text, x + 4 * ratio, canvas.height / 2);
  };
  if (!clock) {
    const step = [1, 2, 5, 10, 30, 60].find((one) => one * scale > 44 * ratio) ?? 120;
    for (let second = 0; second < length; second += step) mark(second, `${second} s`, true);
    return;
  }
  const bar = (240 / clock.tempo) * scale;
  const every = [1, 2, 4, 8, 16, 32, 64].find((one) => one * bar > 30 * ratio) ?? 128;
  for (const line of gridLines(clock, length, { beats: bar > 60 * ratio })) {
    if (line.second < 0) continue;
    const numbered = line.beat === 0 && (line.bar - 1) % every === 0;
    if (numbered || bar > 12 * ratio) mark(line.second, numbered ? String(line.bar) : "", line.beat === 0);
  }
}

function colourMap() {
  const stops = [0, 1, 2, 3, 4].map((index) => {
    const hex = colour(`--mel-${index}`);
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
  return Array.from({ length: 256 }, (_, level) => {
    const place = (level / 255) * (stops.length - 1);
    const index = Math.min(stops.length - 2, Math.floor(place));
    return stops[index].map((from, part) => from + (stops[index + 1][part] - from) * (place - index));
  });
}

function drawPicture() {
  const canvas = $("mel");
  const pen = fitted(canvas);
  $("hertz").hidden = !picture;
  if (!picture) return;
  const { columns, levels } = picture;
  const small = new ImageData(columns, BANDS);
  const colours = colourMap();
  for (let column = 0; column < columns; column++) {
    for (let band = 0; band < BANDS; band++) {
      small.data.set([...colours[levels[column * BANDS + band]], 255], 4 * ((BANDS - 1 - band) * columns + column));
    }
  }
  const sheet = new OffscreenCanvas(columns, BANDS);
  sheet.getContext("2d").putImageData(small, 0, 0);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(sheet, 0, 0, canvas.width, canvas.height);
  for (const label of $("hertz").children) {
    label.style.bottom = `${100 * heightOf(Number(label.dataset.hertz), state.buffer.sampleRate)}%`;
  }
}
