/**
 * Tempo, key, lead and style in a sentence: read for the knobs, and written by them. The sentence alone is sent; the
 * server reads it by rules of its own.
 */

const TEMPO = /(?<![\d.])(\d{2,3}(?:\.\d+)?)[\s-]*bpm\b/i;
const KEY = /(?<![\w#♯♭])([A-G])\s?(#|♯|b|♭)?[\s-](major|minor)\b/i;
const NOTES = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const SAME = { "C#": "Db", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb" };
const MOODS = ["calm", "bright", "dark", "dreamy", "driving", "gentle", "warm", "playful", "solemn", "restless"];

/** All keys that the model knows. */
export const KEYS = ["major", "minor"].flatMap((mode) => NOTES.map((note) => `${note} ${mode}`));

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const longestFirst = (names) => [...names].sort((one, other) => other.length - one.length);
const anyOf = (names) => longestFirst(names).map(escaped).join("|");
const leadPattern = (leads) => new RegExp(`(?<![\\w-])(${anyOf(leads)}) (lead|solo|melody)\\b`, "i");
const stylePattern = (styles) => new RegExp(`(?<![\\w-])(${anyOf(styles)})(?![\\w-])`, "i");

/** Reads what a sentence names: tempo, key, and of the given names the lead and the style. */
export function readWords(text, { leads = [], styles = [] } = {}) {
  const tempo = Number(text.match(TEMPO)?.[1]);
  const key = text.match(KEY);
  const sign = { "♯": "#", "♭": "b" }[key?.[2]] ?? key?.[2]?.toLowerCase() ?? "";
  const note = key && `${key[1].toUpperCase()}${sign}`;
  return {
    tempo: tempo >= 30 && tempo <= 300 ? tempo : null,
    key: key ? `${SAME[note] ?? note} ${key[3].toLowerCase()}` : null,
    lead: (leads.length && text.match(leadPattern(leads))?.[1].toLowerCase()) || null,
    style: (styles.length && text.match(stylePattern(styles))?.[1].toLowerCase()) || null,
  };
}

const tidy = (text) =>
  text
    .replace(/\s+/g, " ")
    .replace(/\s*,(\s*,)*/g, ",")
    .replace(/\s+(in|with|at|with an?)\s*(?=,|$)/gi, "")
    .replace(/,(?=\S)/g, ", ")
    .replace(/^[\s,]+|[\s,]+$/g, "");

function written(text, pattern, words, { first = false } = {}) {
  if (pattern.test(text)) return tidy(text.replace(pattern, words));
  if (!words) return text;
  if (first) return tidy(`${words}${text ? `, ${text}` : ""}`);
  return tidy(text ? `${text.replace(/[\s.,]+$/, "")}, ${words}` : words);
}

export const writeTempo = (text, tempo) => written(text, TEMPO, tempo ? `${tempo} bpm` : "");
export const writeKey = (text, key) => written(text, KEY, key ?? "");
export const writeLead = (text, lead, leads) => written(text, leadPattern(leads), lead ? `${lead} lead` : "");
export const writeStyle = (text, style, styles) => written(text, stylePattern(styles), style ?? "", { first: true });

const drawn = (list) => list[Math.floor(Math.random() * list.length)];

/** Draws a sentence out of what the model knows. */
export function surprise({ styles, leads }) {
  const style = styles.length ? drawn(styles) : null;
  const [low, high] = style?.tempo ?? [70, 150];
  const tempo = low + Math.floor(Math.random() * (high - low + 1));
  const words = [`${drawn(MOODS)} ${style?.name ?? "music"}`];
  if (Math.random() < 0.7) words.push(`${drawn(leads)} lead`);
  return [...words, `${tempo} bpm`, drawn(KEYS)].join(", ");
}
