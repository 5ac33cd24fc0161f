/**
 * Tempo, key, lead and style in a sentence: read for the knobs, and written by them. The sentence alone is sent, and
 * the server reads it; tempo and key are read here by the rules of its `conditioning/attributes.py`.
 */

const NUMBER = String.raw`(?<![\d.,])\d[\d.,]{0,15}(?<![.,])`;
const TO = String.raw`\s*(?:-|–|—|\bto\b|\band\b)\s*`;
const TEMPO = new RegExp(
  String.raw`(?<low>${NUMBER})(?:${TO}(?<high>${NUMBER}))?[\s-]*(?:bpm\b|beats\s+(?:per|a)\s+minute\b)` +
    String.raw`|(?<!\d)(?<!\d[\s-])\b(?:bpm|tempo(?:\s+(?:of|is))?)(?:\s*[:=])?\s*` +
    String.raw`(?<behind>${NUMBER})(?:${TO}(?<end>${NUMBER}))?(?!\s*\/)`,
  "gi",
);
const KEY =
  /(?<![\w#♯♭])([A-G])(?:\s*(#|♯|b|♭)|(?:\s+|-)(sharp|flat))?(?:\s+|-)(major|minor|maj|min)\b(\s+key\b)?/gi;
/** Words before a key or a tempo that say it is not wanted. */
const REFUSED = new RegExp(
  String.raw`(?:\b(?:not|no|never|without|avoid|avoids|avoiding|except|instead\s+of|rather\s+than|anything\s+but)\b|n['’]t\b)` +
    String.raw`(?:\s+(?:at|in|on|with|any|an?|the|keys?(?:\s+of)?|tempo(?:\s+of)?))*\s*$`,
  "i",
);
const AFTER_A_KEY =
  "with|without|at|and|or|but|by|on|over|under|for|from|to|of|in|as|no|then|featuring|led|lead|played|melody|solo|drums?|bass|guitars?";
const LONGEST = 2000; // characters that are read; the server takes no longer prompt
const NOTES = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const PITCH = { c: 0, d: 2, e: 4, f: 5, g: 7, a: 9, b: 11 };
const SHIFT = { "#": 1, "♯": 1, sharp: 1, b: -1, "♭": -1, flat: -1 };
const MOODS = ["calm", "bright", "dark", "dreamy", "driving", "gentle", "warm", "playful", "solemn", "restless"];

/** All keys that the model knows. */
export const KEYS = ["major", "minor"].flatMap((mode) => NOTES.map((note) => `${note} ${mode}`));

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const longestFirst = (names) => [...names].sort((one, other) => other.length - one.length);
const anyOf = (names) => longestFirst(names).map(escaped).join("|");
const leadPattern = (leads) => new RegExp(`(?<![\\w-])(${anyOf(leads)}) (lead|solo|melody)\\b`, "i");
const stylePattern = (styles) => new RegExp(`(?<![\\w-])(${anyOf(styles)})(?![\\w-])`, "i");
const isRefused = (text, found) => REFUSED.test(text.slice(Math.max(0, found.index - 80), found.index));

/** A number as people write it: "120.5", "120,5", and "1,200", which is more than a thousand. */
function numberOf(text) {
  if (text === undefined) return null;
  if (/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text)) return Number(text.replaceAll(",", ""));
  return /^\d+(?:[.,]\d+)?$/.test(text) ? Number(text.replace(",", ".")) : null;
}

const isTempo = (tempo) => tempo !== null && tempo >= 30 && tempo <= 300;

/** Beats per minute that a match states, of a range its middle; null where it is no tempo. */
function tempoOf({ 0: words, groups }) {
  const low = numberOf(groups.low ?? groups.behind);
  const high = numberOf(groups.high ?? groups.end);
  if (high === null) return isTempo(low) ? low : null;
  if (low === null || (words.includes("and") && low < 30)) return isTempo(high) ? high : null; // "4 and 120 bpm"
  return isTempo(low) && isTempo(high) && low <= high ? (low + high) / 2 : null;
}

/** Tells whether a match names a key; an A may be an article: "in a minor key", "a minor feel", "a major hit". */
function isKey(text, found, leads) {
  if (!/^a\s/i.test(found[0]) || found[2] || found[3]) return true;
  const before = text.slice(0, found.index).trimEnd();
  const begins = !before || ".!?:;\n".includes(before.at(-1));
  if (found[0][0] === "A" && !begins && text !== text.toUpperCase()) return true;
  if (found[5]) return false;
  const words = leads.length ? `${AFTER_A_KEY}|(?:${anyOf(leads)})s?` : AFTER_A_KEY;
  return new RegExp(`^\\s*(?:$|[^\\w\\s]|\\d|(?:${words})\\b)`, "i").test(text.slice(found.index + found[0].length));
}

const findTempo = (text) => [...text.matchAll(TEMPO)].find((found) => tempoOf(found) !== null && !isRefused(text, found));
const findKey = (text, leads = []) =>
  [...text.matchAll(KEY)].find((found) => !isRefused(text, found) && isKey(text, found, leads));

function keyOf([, letter, sign, word, mode]) {
  const note = PITCH[letter.toLowerCase()] + (SHIFT[(sign ?? word)?.toLowerCase()] ?? 0);
  return `${NOTES[(note + 12) % 12]} ${mode.toLowerCase().startsWith("min") ? "minor" : "major"}`;
}

/** Reads what a sentence names: tempo, key, and of the given names the lead and the style; null for what it does not. */
export function readWords(sentence, { leads = [], styles = [] } = {}) {
  const text = sentence.slice(0, LONGEST);
  const [tempo, key] = [findTempo(text), findKey(text, leads)];
  return {
    tempo: tempo ? tempoOf(tempo) : null,
    key: key ? keyOf(key) : null,
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

function written(text, found, words, { first = false } = {}) {
  if (found) return tidy(text.slice(0, found.index) + words + text.slice(found.index + found[0].length));
  if (!words) return text;
  if (first) return tidy(`${words}${text ? `, ${text}` : ""}`);
  return tidy(text ? `${text.replace(/[\s.,]+$/, "")}, ${words}` : words);
}

export const writeTempo = (text, tempo) => written(text, findTempo(text), tempo ? `${tempo} bpm` : "");
export const writeKey = (text, key, leads) => written(text, findKey(text, leads), key ?? "");
export const writeLead = (text, lead, leads) => written(text, text.match(leadPattern(leads)), lead ? `${lead} lead` : "");
export const writeStyle = (text, style, styles) =>
  written(text, text.match(stylePattern(styles)), style ?? "", { first: true });

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
