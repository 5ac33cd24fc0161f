/** Controls out of JSON schemas, so that a new setting of the server is one of the page without a change here. */

import { el } from "./dom.js";

/** Words of a name: "decoder_steps" is "Decoder steps". */
export function titled(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** The part of a schema that says which values there are: `null` left out. */
export function valuesOf(schema) {
  return schema.anyOf?.find((one) => one.type !== "null") ?? schema;
}

function control(id, name, schema, usual, empty) {
  const values = valuesOf(schema);
  const shown = usual === undefined || usual === null ? empty : String(usual);
  if (values.enum) {
    const options = values.enum.map((one) => el("option", { value: one, textContent: one }));
    return el("select", { id, name }, el("option", { value: "", textContent: `${shown} (usual)` }), ...options);
  }
  if (values.type === "boolean") return el("input", { id, name, type: "checkbox" });
  if (values.type === "integer" || values.type === "number") {
    const min = values.minimum ?? values.exclusiveMinimum;
    const max = values.maximum ?? values.exclusiveMaximum;
    const step = values.type === "integer" ? 1 : "any";
    return el("input", { id, name, type: "number", min, max: max < 1e15 ? max : null, step, placeholder: shown });
  }
  if (values.type === "string") return el("input", { id, name, type: "text", maxLength: values.maxLength ?? 4096 });
  return null; // lists and objects have controls of their own
}

/**
 * Makes a labelled control of a property.
 * @param {string} name the property
 * @param {object} schema its schema
 * @param {object} [how] `prefix` of the id, `usual` value, and what is said in place of the schema's words: `label`,
 *   `hint`, and `empty` where there is no usual value
 * @returns {{name: string, row: Element, input: Element, read: function}|null} null for what needs a control of its own;
 *   `read` returns the value, undefined where none is given
 */
export function fieldOf(name, schema, { prefix = "field", usual, label, hint: own, empty = "as is best" } = {}) {
  const id = `${prefix}-${name}`;
  const input = control(id, name, schema, usual, empty);
  if (!input) return null;
  const kind = valuesOf(schema).type;
  const words = own ?? schema.description;
  const hint = words ? el("small", { id: `${id}-hint`, textContent: words }) : null;
  if (hint) input.setAttribute("aria-describedby", hint.id);
  const row = el("div.field", {}, el("label", { htmlFor: id, textContent: label ?? titled(name) }), input, hint);
  const read = () => {
    if (kind === "boolean") return input.checked || undefined;
    if (input.value.trim() === "") return undefined;
    return kind === "integer" || kind === "number" ? Number(input.value) : input.value.trim();
  };
  return { name, row, input, read };
}

/** Reads fields into an object, without those that were left empty. */
export function readFields(fields, allowed = null) {
  const found = {};
  for (const field of fields) {
    const value = field.read();
    if (value !== undefined && (allowed === null || field.name in allowed)) found[field.name] = value;
  }
  return found;
}

/** Puts a label before an input that has an id, and a hint after it. */
export function labelled(text, input, words = null) {
  const hint = words ? el("small", { id: `${input.id}-hint`, textContent: words }) : null;
  if (hint) input.setAttribute("aria-describedby", hint.id);
  return el("div.field", {}, el("label", { htmlFor: input.id, textContent: text }), input, hint);
}

/** A refusal without the field that it names, which stands above it: “chords='Hm': is no chord” as “Hm” is no chord. */
export const wordsOf = (message) => message.replace(/^[\w.]+(?:='?(.*?)'?)?: /, (_, value) => (value ? `“${value}” ` : ""));

/** Says under a control what is wrong with it, to those who hear the page too, until it is changed or the message is null. */
export function markInput(input, message) {
  const field = input.closest(".field");
  field?.querySelector(".mistake")?.remove();
  const described = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !id.endsWith("-mistake"));
  if (message === null) input.removeAttribute("aria-invalid");
  else input.setAttribute("aria-invalid", "true");
  if (message && field) {
    const words = el("small.mistake", { id: `${input.id}-mistake`, role: "alert", textContent: wordsOf(message) });
    field.append(words);
    described.push(words.id);
    input.addEventListener("input", () => markInput(input, null), { once: true });
  }
  if (described.length) input.setAttribute("aria-describedby", described.join(" "));
  else input.removeAttribute("aria-describedby");
}

/**
 * Marks the control that a refusal is about, and moves there; takes all marks away where it is about none.
 * @returns {boolean} whether the refusal is said there; elsewhere it has to be said at the top of the page
 */
export function markField(form, name, message) {
  for (const marked of form.querySelectorAll("[aria-invalid]")) markInput(marked, null);
  const input = name && form.elements.namedItem(name);
  if (!(input instanceof HTMLElement)) return false;
  markInput(input, message);
  input.closest("details")?.setAttribute("open", "");
  input.focus();
  return Boolean(message);
}
