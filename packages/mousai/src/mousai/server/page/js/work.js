/** Work on the piece of the desk: select a part and redo it, extend, and every other verb that the server has. */

import { ApiError } from "./api.js";
import { barAt, barLength, barStart, clockOf, regionName } from "./clock.js";
import { $, complain, el } from "./dom.js";
import { fieldOf, markField, readFields, titled } from "./fields.js";
import { followFields, followIn, followsOf } from "./follows.js";
import { start } from "./jobs.js";
import { movedBy } from "./moved.js";
import { on, select, state } from "./state.js";
import { fileOf } from "./sound.js";
import { settingsFor } from "./write.js";

const OWN = ["generate", "edit", "extend"];
/** Verbs with a form of their own in index.html. */
const CONTROLS = ["chords", "melody", "melody_track", "melody_start", "section", "form"];
const SHARED = ["verb", "recording", "tempo", "key", "first_downbeat", "response_format", "init_audio", ...CONTROLS];

/** Words of the page for fields of the further verbs, in the order in which they are shown; others follow, in the server's. */
const WORDS = {
  prompt: { label: "Another sentence, if wanted", hint: "" },
  strength: { label: "How much is new", hint: "0 is this piece, 1 another one of the same length" },
  seam: { label: "Seconds made anew", hint: "at its end, so that it runs into its beginning" },
  negative_prompt: { label: "Stay away from", hint: "" },
  seed: { empty: "drawn", hint: "" },
};
const NOTES = {
  vary: "The whole piece anew, as near to it as you like.",
  loop: "The selected part, or all whole bars, so that the end runs into the beginning.",
};

/** Chords, tune and form of each form, by verb. */
const follow = {};

/** Whether the fields count in bars. */
const inBars = () => $("snap").checked && clockOf(state.current) !== null;

/** Begins to listen to the forms. */
export function startWork() {
  for (const id of ["from", "to"]) $(id).addEventListener("change", () => selectFields());
  $("snap").addEventListener("change", fillFields);
  $("unselect").addEventListener("click", () => select(null, "fields"));
  $("redo").addEventListener("submit", (event) => submit(event, redo));
  $("extend").addEventListener("submit", (event) => submit(event, extend));
  for (const id of ["before", "after"]) $(id).addEventListener("input", hintExtend);
  follow.edit = followIn($("redo-follow"), "redo", { begins: () => state.selection?.start ?? 0, words: "where the part begins" });
  const after = { begins: extendBegins, words: "where the new music begins", stays: false };
  follow.extend = followIn($("extend-follow"), "extend", after);
  on("model", makeForms);
  on("current", () => {
    fill();
    if (!state.current) return;
    for (const one of Object.values(follow)) one.fields.fill(followsOf(state.current)); // bars go on with their chords
  });
  on("sound", fill);
  on("clock", fill);
  on("selection", ({ source }) => {
    if (source !== "fields") fillFields();
    describe();
  });
}

function fill() {
  const piece = state.current;
  if (!piece) return;
  $("work").hidden = false;
  $("snap").closest(".check").hidden = clockOf(piece) === null;
  enable();
  const own = piece.made?.prompt ?? piece.sentence ?? "";
  for (const id of ["redo-prompt", "extend-prompt"]) {
    $(id).placeholder = own;
    $(id).required = !own;
    $(id).labels[0].textContent = own ? "Another sentence, if wanted" : "What the new music is like";
  }
  for (const input of $("verbs").querySelectorAll("[name=prompt]")) input.placeholder = own;
  const clock = clockOf(piece);
  if (!$("after").value && !$("before").value) $("after").value = clock ? rounded(4 * barLength(clock)) : 8;
  fillFields();
  hintExtend();
}

/** Second of the recording at which the new music begins; what comes before it lies below 0. */
function extendBegins() {
  const [before, after] = ["before", "after"].map((id) => Number($(id).value) || 0);
  return before && !after ? -before : (state.buffer?.duration ?? 0);
}

/** Lets verbs be asked for where there is sound to work on: they count in its seconds. */
function enable() {
  for (const button of $("work").querySelectorAll(".primary")) button.disabled = !state.buffer;
}

const rounded = (seconds) => Number(seconds.toFixed(3));

function fillFields() {
  const clock = clockOf(state.current);
  const bars = inBars();
  $("from-label").textContent = bars ? "From bar" : "From second";
  $("to-label").textContent = bars ? "to bar" : "to second";
  for (const id of ["from", "to"]) $(id).step = bars ? 1 : "any";
  const chosen = state.selection;
  $("from").value = chosen ? (bars ? Math.round(barAt(clock, chosen.start)) : rounded(chosen.start)) : "";
  $("to").value = chosen ? (bars ? Math.round(barAt(clock, chosen.end)) - 1 : rounded(chosen.end)) : "";
  describe();
}

function selectFields() {
  const [from, to] = ["from", "to"].map((id) => ($(id).value === "" ? null : Number($(id).value)));
  if (from === null || to === null || !state.buffer) return select(null, "fields");
  const clock = clockOf(state.current);
  const start = inBars() ? barStart(clock, from) : from;
  const end = inBars() ? barStart(clock, to + 1) : to;
  const region = { start: Math.max(0, start), end: Math.min(state.buffer.duration, end) };
  select(region.end > region.start ? region : null, "fields");
  if (region.end <= region.start) $("span-hint").textContent = "The end must lie after the start, within the piece.";
}

function describe() {
  const chosen = state.selection;
  $("unselect").disabled = !chosen;
  const seconds = chosen && `${(chosen.end - chosen.start).toFixed(2)} s`;
  $("span-hint").textContent = chosen
    ? `${regionName(clockOf(state.current), chosen)}, ${seconds}. The rest stays sample for sample.`
    : "Drag over the waveform, or fill in the fields.";
}

/** What is added to a piece, in words: "4 bars after"; in seconds where no tempo is known. */
function added(clock) {
  const length = (seconds) => {
    if (!clock) return `${seconds} s`;
    const bars = Number((seconds / barLength(clock)).toFixed(2));
    return `${bars} ${bars === 1 ? "bar" : "bars"}`;
  };
  const sides = ["before", "after"].map((side) => [side, Number($(side).value) || 0]);
  return sides.filter(([, seconds]) => seconds).map(([side, seconds]) => `${length(seconds)} ${side}`).join(" and ");
}

const hintExtend = () => ($("extend-hint").textContent = added(clockOf(state.current)));

async function submit(event, makes) {
  event.preventDefault();
  if (!state.buffer) return; // the enter key asks too
  const form = event.target;
  const button = form.querySelector(".primary");
  const prompt = form.elements.namedItem("prompt");
  const sent = prompt?.value;
  markField(form, null);
  button.disabled = true;
  try {
    await makes(); // takes all it needs before it waits: meanwhile another piece may come on the desk
    if (prompt && prompt.value === sent) prompt.value = ""; // the next one starts from the new version's own
  } catch (error) {
    if (!markField(form, error.field, error.message)) complain(error.message);
  } finally {
    enable();
  }
}

/** What every verb on a recording is sent: the recording, its container, and a clock where a person gave one. */
async function common(piece, verb) {
  const container = ["wav", "flac"].includes(piece.container) ? piece.container : "wav";
  const given = { verb, response_format: container, ...settingsFor(verb) };
  if (!piece.made?.prompt && piece.sentence) given.prompt = piece.sentence; // its file does not tell the server
  const clock = piece.clock && clockOf(piece);
  if (clock) Object.assign(given, { tempo: clock.tempo, first_downbeat: clock.downbeat });
  return { ...given, recording: await fileOf(piece) };
}

const about = (piece, note, prompt) => ({ title: prompt || piece.title, parent: piece.id, note, clock: null });

/** What the fields of a verb ask to follow: as fields of its input, and as it is kept with the piece. */
async function followed(verb) {
  const fields = follow[verb]?.fields;
  const follows = fields?.given() ?? null;
  return { follows, asked: (await fields?.read()) ?? {} };
}

async function redo() {
  const piece = state.current;
  const chosen = state.selection;
  if (!chosen) throw new ApiError("Select the part first: drag over the waveform, or fill in the fields.", { field: "regions" });
  const prompt = $("redo-prompt").value.trim();
  const name = regionName(clockOf(piece), chosen);
  const called = { ...about(piece, `${name} anew${prompt ? `: ${prompt}` : ""}`), clock: piece.clock };
  const { follows, asked } = await followed("edit");
  const input = { ...(await common(piece, "edit")), regions: [[chosen.start, chosen.end]], ...asked };
  if (prompt) input.prompt = prompt;
  await start(input, { ...called, follows });
}

async function extend() {
  const piece = state.current;
  const [before, after] = ["before", "after"].map((id) => Number($(id).value) || 0);
  const prompt = $("extend-prompt").value.trim();
  const clock = piece.clock && { ...piece.clock, downbeat: (piece.clock.downbeat ?? 0) + before };
  const own = clockOf(piece); // in whose time the fields count
  const called = { ...about(piece, added(own)), clock };
  const { follows, asked } = await followed("extend");
  const input = { ...(await common(piece, "extend")), ...asked };
  if (before) input.before = before;
  if (after) input.after = after;
  if (prompt) input.prompt = prompt;
  await start(input, { ...called, follows: movedBy(follows, before, own) });
}

/** Makes a form for each further verb that works on a recording, out of its schema. */
function makeForms() {
  const forms = state.model.verbs.filter((verb) => !OWN.includes(verb)).map(formOf);
  $("verbs").replaceChildren(...forms.filter(Boolean));
  enable();
}

function formOf(verb) {
  const schema = state.inputs[verb];
  if (!schema?.properties.recording) return null;
  const taken = (name) => isOwn(name) && !(name === "bars" && "region" in schema.properties); // the selection says them
  const plain = Object.entries(schema.properties).filter(([name]) => taken(name));
  const place = ([name]) => (name in WORDS ? Object.keys(WORDS).indexOf(name) : plain.length);
  plain.sort((one, other) => place(one) - place(other));
  const how = (name) => ({ prefix: verb, usual: state.model.defaults[name], ...WORDS[name] });
  const fields = plain.map(([name, one]) => fieldOf(name, one, how(name))).filter(Boolean);
  fields.find(({ name }) => name === "prompt")?.row.classList.add("wide");
  const button = el("button.primary", { textContent: titled(verb) });
  const title = el("h3", { id: `${verb}-title`, textContent: titled(verb) });
  const words = el("p.note", { textContent: NOTES[verb] ?? schema.description?.split("\n")[0] ?? "" });
  const rows = el("div.settings", {}, ...fields.map((field) => field.row));
  const fold = "region" in schema.properties ? null : foldOf(verb, schema.properties); // a loop of a recording follows nothing
  const listeners = { submit: (event) => submit(event, () => other(verb, fields)) };
  return el("form.panel", { noValidate: true, aria: { labelledby: title.id }, on: listeners }, title, words, rows, fold, el("div.actions", {}, button));
}

function foldOf(verb, properties) {
  const fields = followFields(verb, { names: CONTROLS.filter((name) => name in properties) });
  if (!fields.rows.length) return null;
  follow[verb] = { fields };
  const summary = el("summary", { textContent: "Chords, tune and form" });
  return el("details.fold", {}, summary, el("div.follow-fields", {}, ...fields.rows));
}

const isOwn = (name) => !SHARED.includes(name) && (name === "strength" || !(name in state.model.defaults));

async function other(verb, fields) {
  const piece = state.current;
  const { properties } = state.inputs[verb];
  const { selection } = state;
  const wish = readFields(fields);
  const chosen = selection ?? whole(piece, state.buffer.duration);
  if ("region" in properties) wish.region = [chosen.start, chosen.end];
  if ("regions" in properties && selection) wish.regions = [[chosen.start, chosen.end]];
  const { follows, asked } = await followed(verb);
  const input = { ...(await common(piece, verb)), ...wish, ...asked };
  await start(input, { ...about(piece, titled(verb), input.prompt), follows });
}

/** The whole piece, or of one whose tempo is known its whole bars. */
function whole(piece, length) {
  const clock = clockOf(piece);
  const bars = clock ? Math.floor(barAt(clock, length) - 1 + 1e-3) : 0;
  return bars > 0 ? { start: clock.downbeat, end: Math.min(length, barStart(clock, bars + 1)) } : { start: 0, end: length };
}
