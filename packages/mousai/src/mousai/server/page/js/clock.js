/** Bars and beats of a piece: of four beats each, as the model counts them. */

import { readWords } from "./words.js";

const BEATS = 4;

/** Returns tempo and first downbeat of a piece, or null where nobody knows its tempo. */
export function clockOf(piece) {
  if (!piece) return null;
  if (piece.clock?.tempo) return { tempo: piece.clock.tempo, downbeat: piece.clock.downbeat ?? 0 };
  const tempo = Number(piece.made?.tempo) || readWords(piece.made?.prompt ?? "").tempo;
  return tempo ? { tempo, downbeat: Number(piece.made?.first_downbeat) || 0 } : null;
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
