/** Chords, tune and form of a piece in front of which there is new music: where they lie in the longer piece. */

import { barLength } from "./clock.js";

/**
 * Returns what a piece follows, as it is asked for again in the seconds and bars of the longer one.
 * @param {object|null} follows as of `followsOf`, counted from the start of the shorter piece
 * @param {number} before seconds of new music in front of it
 * @param {{tempo: number, downbeat: number}|null} clock of the shorter piece
 */
export function movedBy(follows, before, clock) {
  if (!follows || !before) return follows;
  const bars = clock ? Math.floor((clock.downbeat + before) / barLength(clock) + 1e-6) : 0;
  const { chords, form, tune } = follows;
  const moved = { ...follows };
  if (chords) moved.chords = turned(chords, bars);
  if (form) moved.form = form.replace(/:(\d+)/, (_, first) => `:${Number(first) + bars}`);
  if (tune) moved.tune = { ...tune, start: Number(((tune.start ?? 0) + before).toFixed(4)) };
  return moved;
}

/** Turns chords that repeat so that so many bars of them come before the one with which they began. */
export function turned(chords, bars) {
  return chords.includes("|") ? turnedMeasures(chords, bars) : turnedLengths(chords, bars);
}

function turnedMeasures(chords, bars) {
  const measures = chords.replaceAll("||", "|").trim().replace(/^\|+|\|+$/g, "").split("|").map((one) => one.trim());
  measures.forEach((one, index) => {
    if (one === "%") measures[index] = measures[index - 1];
  });
  const at = remainder(measures.length - bars, measures.length);
  return at === 0 ? chords : `| ${[...measures.slice(at), ...measures.slice(0, at)].join(" | ")} |`;
}

function turnedLengths(chords, bars) {
  const all = chords.split(/(?:\s|,(?![^()]*\)))+/).filter(Boolean).map(tokenOf);
  all.forEach((one, index) => {
    if (one.symbol === "%") all[index] = all[index - 1];
  });
  const unit = all.reduce((most, { parts }) => (most * parts) / divisor(most, parts), 1); // parts of a bar that fit all
  const lengths = all.map(({ symbol, count, parts }) => ({ symbol, length: (count * unit) / parts }));
  const total = lengths.reduce((sum, { length }) => sum + length, 0);
  let left = remainder(total - bars * unit, total);
  if (left === 0) return chords;
  const [first, then] = [[], []];
  for (const { symbol, length } of lengths) {
    const early = Math.min(left, length);
    if (early > 0) then.push(written(symbol, early, unit));
    if (length > early) first.push(written(symbol, length - early, unit));
    left -= early;
  }
  return [...first, ...then].join(" ");
}

/** A chord and its bars, `count` of so many `parts` of a bar: "Am", "Am:2", "Am:1/2", "Am:1.5". */
function tokenOf(token) {
  const found = /^(.*):(\d+(?:\.\d*)?|\.\d+)(?:\/(\d+))?$/.exec(token);
  if (!found) return { symbol: token, count: 1, parts: 1 };
  const parts = 10 ** (found[2].split(".")[1]?.length ?? 0);
  return { symbol: found[1], count: Math.round(Number(found[2]) * parts), parts: parts * Number(found[3] ?? 1) };
}

function written(symbol, length, unit) {
  const shared = divisor(length, unit);
  if (length === unit) return symbol;
  const count = length / shared;
  const isEither = [5, 7, 9].includes(count) && /^[A-G](#{0,2}|b{0,2})$/.test(symbol); // "G:7" might be a chord G7
  return `${symbol}${isEither ? "maj" : ""}:${count}${unit === shared ? "" : `/${unit / shared}`}`;
}

const divisor = (one, other) => (other === 0 ? one : divisor(other, one % other));
const remainder = (one, other) => ((one % other) + other) % other;
