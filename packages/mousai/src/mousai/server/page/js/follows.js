/** Chords, tune, section and form: fields of what the model was trained to follow, and of nothing else. */

import { el } from "./dom.js";
import { labelled } from "./fields.js";
import { on, state } from "./state.js";
import { tuneField, tuneOf } from "./tune.js";

/** Control that a model must have, by the field that needs it. */
const NEEDS = { chords: "chords", melody: "melody", section: "section", form: "section" };
const LONGEST = 1500; // characters that the server takes
const CHORDS = "One a bar, repeated: Am F C G. For two bars Am:2, for half of one Am:1/2. Bar lines share a bar: Am | F G. Needs a tempo.";
const FORM = "Sections with their bars: intro:4 verse:8 chorus:8 outro:4. Needs a tempo.";

/** Names of the fields that the served model can follow. */
export const followed = (names) => names.filter((name) => state.model?.controls?.includes(NEEDS[name]));

/**
 * Returns what a piece was asked to follow: `chords`, `section`, `form`, each a text or undefined, and `tune` or null.
 *
 * Of an opened recording it is what its file tells, as far as that is no list and no name of a file.
 */
export function followsOf(piece) {
  if (piece?.follows) return { ...piece.follows, tune: tuneOf(piece) };
  const { chords, section, form } = piece?.made ?? {};
  const isBars = chords && !/^\[|\.(lab|jams|json)$|too many to store$/i.test(chords);
  return { chords: isBars ? chords : undefined, section, form, tune: null };
}

/**
 * Makes the fields that the served model can follow, of the given ones.
 * @param {string} prefix of the ids
 * @param {{names?: string[], begins?: function(): number, words?: string, stays?: boolean}} [how] fields that are
 *   wanted, and where a tune begins, as of `tuneField`
 * @returns {{rows: Element[], read: function, given: function, fill: function}} `read` returns them as fields of an
 *   input, `given` as they are kept with a piece or null, `fill` shows those of a piece, but for its tune: that is one
 *   press away, and one of another piece goes
 */
export function followFields(prefix, { names = Object.keys(NEEDS), begins = () => 0, words = "0", stays = true } = {}) {
  const wanted = followed(names);
  const inputs = {};
  const id = (name) => `${prefix}-${name}`;
  const text = (name) =>
    el("input", { id: id(name), name, type: "text", maxLength: LONGEST, autocomplete: "off", spellcheck: false });
  const sections = () => ["", ...(state.model.sections ?? [])];
  const option = (one) => el("option", { value: one, textContent: one || "Any" });
  const made = {
    chords: () => labelled("Chords", (inputs.chords = text("chords")), CHORDS),
    melody: () => tune.row,
    section: () => labelled("Section", (inputs.section = el("select", { id: id("section"), name: "section" }, ...sections().map(option)))),
    form: () => labelled("Form", (inputs.form = text("form")), FORM),
  };
  const tune = wanted.includes("melody") ? tuneField(prefix, { begins, words, stays }) : null;
  const rows = wanted.map((name) => made[name]());
  const texts = () => {
    const found = Object.entries(inputs).map(([name, input]) => [name, input.value.trim()]);
    return Object.fromEntries(found.filter(([, value]) => value));
  };
  const given = () => {
    const found = texts();
    const own = tune?.tune();
    if (own) found.tune = own;
    return Object.keys(found).length ? found : null;
  };
  const fill = (follows) => {
    for (const [name, input] of Object.entries(inputs)) input.value = follows?.[name] ?? "";
    tune?.show(null);
  };
  return { rows, inputs, tune, given, fill, read: async () => ({ ...texts(), ...((await tune?.read()) ?? {}) }) };
}

/** Fields of a model that follows none, and before it is known. */
export const NOTHING = { rows: [], inputs: {}, tune: null, given: () => null, fill() {}, read: async () => ({}) };

/**
 * Fields of a form in index.html, made once the model is known; they are hidden where it follows none of them.
 * @param {Element} place where they are put: hidden, with an element of class "follow-fields" in it
 * @returns {{fields: object}} `fields` as of `followFields`
 */
export function followIn(place, prefix, how) {
  const held = { fields: NOTHING };
  on("model", () => {
    held.fields = followFields(prefix, how);
    place.querySelector(".follow-fields")?.replaceChildren(...held.fields.rows);
    place.hidden = held.fields.rows.length === 0;
  });
  return held;
}

/** Words for what is followed, one each: "Am F C G", "chorus", "hum.wav". */
export const followWords = (follows) =>
  [follows?.chords, follows?.section, follows?.form, follows?.tune?.name].filter(Boolean);
