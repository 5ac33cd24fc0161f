/** The form in which a piece is asked for: a sentence, knobs that write into it, and the settings of sampling. */

import { ApiError } from "./api.js";
import { barLength, clockOf } from "./clock.js";
import { $, complain, el } from "./dom.js";
import { fieldOf, markField, readFields } from "./fields.js";
import { NOTHING, followIn } from "./follows.js";
import { start } from "./jobs.js";
import { on, state } from "./state.js";
import { fileOf } from "./sound.js";
import { KEYS, readWords, surprise, writeKey, writeLead, writeStyle, writeTempo } from "./words.js";

const NAMED = ["strength"];
/** Settings that have a place of their own. */
const WORDS = {
  strength: { label: "How much is new", hint: "0 is the piece on the desk, 1 another one of the same length" },
  inpaint_resamples: { label: "Fitting", hint: "how often each step of a part that is made anew is repeated, so that it fits what stays" },
  griffin_lim: { label: "Griffin-Lim" },
};
/** Words of the page for settings; the others have the server's. */
let settings = [];
let strength = null;
/** Chords, tune and form. */
let follow = { fields: NOTHING };

const names = () => ({ leads: state.model?.leads ?? [], styles: (state.model?.styles ?? []).map((one) => one.name) });

/** Begins to listen to the form. */
export function startWrite() {
  follow = followIn($("write-follow"), "write");
  on("model", fill);
  on("current", offer);
  $("prompt").addEventListener("input", readSentence);
  const knobs = {
    style: (text, value) => writeStyle(text, value, names().styles),
    "lead-name": (text, value) => writeLead(text, value, names().leads),
    "key-name": (text, value) => writeKey(text, value, names().leads),
    bpm: (text, value) => writeTempo(text, value),
  };
  for (const [id, write] of Object.entries(knobs)) {
    $(id).addEventListener("change", () => {
      $("prompt").value = write($("prompt").value, $(id).value);
      hint();
    });
  }
  $("length-slide").addEventListener("input", () => {
    $("duration").value = $("length-slide").value;
    hint();
  });
  $("duration").addEventListener("input", () => {
    $("length-slide").value = $("duration").value;
    hint();
  });
  $("from-piece").addEventListener("change", offer);
  $("as-loop").addEventListener("change", offer);
  $("write-follow").addEventListener("input", offer);
  $("same-seed").addEventListener("click", () => ($("seed").value = state.current?.seed ?? ""));
  $("surprise").addEventListener("click", () => begin(surprise(state.model)));
  $("write").addEventListener("submit", submit);
}

/** Puts a sentence into the form and makes music of it. */
export function begin(sentence) {
  $("prompt").value = sentence;
  $("seed").value = "";
  readSentence();
  $("write").requestSubmit();
}

/** Takes a MIDI file that was dropped on the page as the tune; returns false where the model follows none. */
export function takeTune(file) {
  const { tune } = follow.fields;
  if (!tune) return false;
  tune.take(file);
  tune.row.scrollIntoView({ block: "nearest" });
  return true;
}

/** Chords and section as a live session takes them, and the names of what it does not take. */
export function liveFollows() {
  const { chords, section, ...left } = follow.fields.given() ?? {};
  return { given: { ...(chords && { chords }), ...(section && { section }) }, left: Object.keys(left) };
}

/** Returns the settings that were given, as far as a verb has them. */
export const settingsFor = (verb) => readFields(settings, state.inputs[verb]?.properties ?? {});

function fill() {
  const { model, inputs } = state;
  const options = (list) => list.map((one) => el("option", { value: one, textContent: one }));
  $("lead-name").append(...options(model.leads));
  $("key-name").append(...options(KEYS));
  for (const genre of new Set(model.styles.map((one) => one.genre))) {
    const styles = model.styles.filter((one) => one.genre === genre).map((one) => one.name);
    $("style").append(el("optgroup", { label: genre }, ...options(styles)));
  }
  $("style").closest(".field").hidden = model.styles.length === 0;
  $("duration").max = model.max_duration;
  $("length-slide").max = Math.min(120, model.max_duration);
  $("ideas").replaceChildren(...[1, 2, 3].map(idea));

  const properties = Object.assign({}, ...Object.values(inputs).map((schema) => schema.properties));
  const usual = Object.entries(model.defaults).filter(([name]) => name in properties);
  const make = ([name, value]) => fieldOf(name, properties[name], { prefix: "setting", usual: value, ...WORDS[name] });
  settings = usual.filter(([name]) => !NAMED.includes(name)).map(make).filter(Boolean);
  $("settings").replaceChildren(...settings.map((field) => field.row));
  if (properties.strength) {
    strength = make(["strength", model.defaults.strength]);
    $("strength-field").replaceChildren(strength.row);
  }
  readSentence();
  offer();
}

function idea() {
  const sentence = surprise(state.model);
  const listeners = {
    click: (event) => {
      event.target.disabled = true;
      begin(sentence);
    },
  };
  return el("button.chip", { type: "button", textContent: sentence, on: listeners });
}

function offer() {
  const piece = state.current;
  $("same-seed").disabled = piece?.seed === undefined || piece?.seed === null;
  $("from-piece").disabled = !piece;
  if (!piece) $("from-piece").checked = false;
  const from = $("from-piece").checked;
  $("as-loop").disabled = from; // the desk has a button for a loop of its piece
  if (from) $("as-loop").checked = false;
  for (const id of ["duration", "length-slide"]) $(id).disabled = from || Boolean(formText());
  hint();
}

const formText = () => follow.fields.inputs.form?.value.trim() ?? "";

/** Bars of a form, of which the server says what is wrong with it; 0 where there are none. */
const barsOf = (form) => [...form.matchAll(/:(\d+)/g)].reduce((sum, [, bars]) => sum + Number(bars), 0);

function readSentence() {
  const found = readWords($("prompt").value, names());
  $("bpm").value = found.tempo ?? "";
  $("key-name").value = found.key ?? "";
  $("lead-name").value = found.lead ?? "";
  $("style").value = found.style ?? "";
  hint();
}

function hint() {
  const clock = clockOf({ made: { prompt: $("prompt").value } });
  const seconds = formText() && clock ? barsOf(formText()) * barLength(clock) : Number($("duration").value);
  const exact = clock && seconds ? seconds / barLength(clock) : null;
  const bars = exact && ($("as-loop").checked ? Math.max(1, Math.round(exact)) : Number(exact.toFixed(1)));
  const words = bars ? `${bars} ${bars === 1 ? "bar" : "bars"} at ${clock.tempo} bpm` : "";
  $("bars-hint").textContent = formText() ? ["As long as its form", words].filter(Boolean).join(": ") : words;
}

async function submit(event) {
  event.preventDefault();
  const form = $("write");
  markField(form, null);
  $("make").disabled = true;
  try {
    const prompt = $("prompt").value.trim();
    if (!prompt) throw new ApiError("Write what the music is like first, such as “calm piano pop, 100 bpm”.", { field: "prompt" });
    const source = $("from-piece").checked ? state.current : null;
    const origin = source ? { parent: source.id, note: "made from this piece" } : {};
    const follows = follow.fields.given();
    await start(await inputOf(prompt, source), { title: prompt, follows, ...origin });
  } catch (error) {
    if (!markField(form, error.field, error.message)) complain(error.message);
  } finally {
    $("make").disabled = false;
  }
}

/** Returns what is sent; `source` is the piece that it starts from, or null. */
async function inputOf(prompt, source) {
  const verb = $("as-loop").checked ? "loop" : "generate";
  const input = { verb, prompt, ...settingsFor(verb), ...(await follow.fields.read()) };
  const read = (id) => ($(id).value === "" ? undefined : Number($(id).value));
  const seed = $("seed").value;
  if (seed) {
    if (!Number.isSafeInteger(Number(seed))) throw new ApiError("The seed must be a whole number below 2^53.", { field: "seed" });
    input.seed = Number(seed);
  }
  if ($("negative_prompt").value.trim()) input.negative_prompt = $("negative_prompt").value.trim();
  if (source) {
    if (strength?.read() !== undefined) input.strength = strength.read();
    input.init_audio = await fileOf(source);
  } else if (verb === "loop") {
    const clock = clockOf({ made: { prompt } });
    const bars = formText() ? barsOf(formText()) : clock && Math.round((read("duration") ?? 0) / barLength(clock));
    if (bars) input.bars = bars; // without a tempo the server says what is missing
  } else if (!formText() && read("duration") !== undefined) {
    input.duration = read("duration");
  }
  return input;
}
