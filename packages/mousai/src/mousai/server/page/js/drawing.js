/** Drawing on canvases: the ruler of bars or seconds, and the log-mel picture, in the colours of the style sheet. */

import { barLength, gridLines } from "./clock.js";

/** Returns a colour of the style sheet, which light and dark have each their own of. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Sizes a canvas to what it covers, in device pixels, and returns what is drawn with and the pixels of a CSS pixel. */
function fitted(canvas) {
  const width = Math.max(1, canvas.clientWidth);
  const ratio = Math.min(2, devicePixelRatio || 1, 16_000 / width);
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  return [canvas.getContext("2d"), ratio];
}

/**
 * Paints bars with their numbers and beats, or seconds where no tempo is known.
 * @param {HTMLCanvasElement} canvas where
 * @param {{tempo: number, downbeat: number}|null} clock the piece's
 * @param {number} length seconds of the piece; 0 paints nothing
 */
export function paintRuler(canvas, clock, length) {
  const [pen, ratio] = fitted(canvas);
  if (!length) return;
  const scale = canvas.width / length;
  pen.font = `${11 * ratio}px ${getComputedStyle(canvas).fontFamily}`;
  pen.textBaseline = "middle";
  const [line, text] = [colour("--line-strong"), colour("--muted")];
  const mark = (second, words, tall) => {
    const x = Math.round(second * scale);
    pen.fillStyle = line;
    pen.fillRect(x, canvas.height * (tall ? 0.25 : 0.75), ratio, canvas.height);
    pen.fillStyle = text;
    const room = canvas.width - x - 6 * ratio;
    if (words && pen.measureText(words).width < room) pen.fillText(words, x + 4 * ratio, canvas.height / 2);
  };
  if (!clock) {
    const step = [0.5, 1, 2, 5, 10, 30, 60].find((one) => one * scale > 44 * ratio) ?? 120;
    for (let second = 0; second < length; second += step) mark(second, `${second} s`, true);
    return;
  }
  const bar = barLength(clock) * scale;
  const every = [1, 2, 4, 8, 16, 32, 64].find((one) => one * bar > 30 * ratio) ?? 128;
  for (const one of gridLines(clock, length, { beats: bar > 60 * ratio })) {
    const numbered = one.beat === 0 && (one.bar - 1) % every === 0;
    if (numbered || bar > 12 * ratio) mark(one.second, numbered ? String(one.bar) : "", one.beat === 0);
  }
}

/** Colours of the 256 levels, between the five of the style sheet. */
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

/**
 * Paints a log-mel picture with a line at each bar.
 * @param {HTMLCanvasElement} canvas where
 * @param {{columns: number, bands: number, levels: Uint8ClampedArray}|null} picture null paints nothing
 * @param {{tempo: number, downbeat: number}|null} clock the piece's
 * @param {number} length seconds of the piece
 */
export function paintMel(canvas, picture, clock, length) {
  const [pen, ratio] = fitted(canvas);
  if (!picture) return;
  const { columns, bands, levels } = picture;
  const pixels = new ImageData(columns, bands);
  const colours = colourMap();
  for (let column = 0; column < columns; column++) {
    for (let band = 0; band < bands; band++) {
      const [red, green, blue] = colours[levels[column * bands + band]];
      const at = 4 * ((bands - 1 - band) * columns + column);
      pixels.data[at] = red;
      pixels.data[at + 1] = green;
      pixels.data[at + 2] = blue;
      pixels.data[at + 3] = 255;
    }
  }
  const sheet = new OffscreenCanvas(columns, bands);
  sheet.getContext("2d").putImageData(pixels, 0, 0);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(sheet, 0, 0, canvas.width, canvas.height);
  if (!clock || (barLength(clock) * canvas.width) / length < 12 * ratio) return;
  pen.fillStyle = colour("--bar-line");
  for (const { second } of gridLines(clock, length, { beats: false })) {
    pen.fillRect(Math.round((second * canvas.width) / length), 0, ratio, canvas.height);
  }
}
