/** Bars and beats of a piece: of four beats each, as the model counts them. */

import { readWords } from "./words.js";

const BEATS = 4;
const [SLOWEST, FASTEST] = [30, 300];
/** Beats per minute that count as a tempo, for the server too. */

/**
 * Returns tempo and first downbeat of a piece, or null where nobody knows its tempo.
 *
 * What a person gave counts first, then what the server told of the file, then what stands in the file or its prompt.
 * A file may state anything: a tempo out of the range is none, and the downbeat is the one in the first bar.
 */
export function clockOf(piece) {
  if (!piece) return null;
  const given = sound(piece.clock?.tempo, piece.clock?.downbeat);
  if (given) return given;
  if (piece.known) return sound(piece.known.tempo, piece.known.first_downbeat);
  const downbeat = piece.made?.first_downbeat;
  return sound(piece.made?.tempo, downbeat) ?? sound(readWords(piece.made?.prompt ?? "").tempo, downbeat);
}

function sound(tempo, downbeat) {
  const [beats, second] = [Number(tempo), Number(downbeat ?? 0)];
  if (!(beats >= SLOWEST && beats <= FASTEST)) return null;
  const bar = barLength({ tempo: beats });
  const within = Number.isFinite(second) ? ((second % bar) + bar) % bar : 0;
  return { tempo: beats, downbeat: bar - within < 1e-6 ? 0 : within }; // a bar's length, but for rounding, is none
}

/** Seconds of a bar. */
export const barLength = (clock) => (BEATS * 60) / clock.tempo;

/** Second at which a bar begins; bar 1 is the one at the first downbeat. */
export const barStart = (clock, bar) => clock.downbeat + (bar - 1) * barLength(clock);

/** Bar at a second, with a fraction. */
export const barAt = (clock, second) => 1 + (second - clock.downbeat) / barLength(clock);

/** Words for a second: "bar 3, beat 2". */
export function beatName(clock, second) {
  const beats = Math.floor(((second - clock.downbeat) / barLength(clock)) * BEATS + 1e-6);
  const bar = Math.floor(beats / BEATS);
  return `bar ${bar + 1}, beat ${beats - bar * BEATS + 1}`;
}

/**
 * Snaps a region to whole bars, at least one, within the piece.
 * @param {{tempo: number, downbeat: number}} clock the piece's
 * @param {{start: number, end: number}} region seconds
 * @param {number} length seconds of the piece
 */
export function snapped(clock, region, length) {
  let first = Math.round(barAt(clock, region.start));
  let last = Math.round(barAt(clock, region.end));
  if (last <= first) {
    first = Math.floor(barAt(clock, (region.start + region.end) / 2));
    last = first + 1;
  }
  const start = Math.max(0, barStart(clock, first));
  const end = Math.min(length, barStart(clock, last));
  return end - start < 0.05 ? { ...region } : { start, end };
}

/** Lines of a piece's grid between two seconds: `{second, bar, beat}`, beats only where asked for. */
export function gridLines(clock, length, { beats }) {
  const step = barLength(clock) / (beats ? BEATS : 1);
  const lines = [];
  const first = Math.ceil((0 - clock.downbeat) / step - 1e-6);
  for (let index = first; clock.downbeat + index * step < length; index++) {
    const bar = Math.floor(beats ? index / BEATS : index);
    lines.push({ second: clock.downbeat + index * step, bar: bar + 1, beat: beats ? index - bar * BEATS : 0 });
  }
  return lines;
}

/** Words for a region: "bars 5 to 8" where it lies on bars, else seconds. */
export function regionName(clock, { start, end }) {
  if (clock) {
    const first = barAt(clock, start);
    const last = barAt(clock, end) - 1;
    if (Math.abs(first - Math.round(first)) < 0.02 && Math.abs(last - Math.round(last)) < 0.02) {
      const [one, other] = [Math.round(first), Math.round(last)];
      return one === other ? `bar ${one}` : `bars ${one} to ${other}`;
    }
  }
  return `${start.toFixed(2)} to ${end.toFixed(2)} s`;
}
