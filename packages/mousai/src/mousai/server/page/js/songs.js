/** Songs and their versions: a list of all songs, and the tree of the one on the desk. */

import { $, clockTime, el, icon, say } from "./dom.js";
import { childrenOf, choose, family, forget, on, rootOf, roots, state } from "./state.js";

/** Begins to show them. */
export function startSongs() {
  on("pieces", draw);
  on("current", draw);
  $("undo").addEventListener("click", () => {
    const parent = state.pieces.get(state.current?.parent);
    if (!parent) return;
    choose(parent);
    say(`Back at: ${nameOf(parent)}`);
    if ($("undo").disabled) $("play").focus();
  });
}

const nameOf = (piece) => piece.note || (piece.parent ? piece.title : "first version");

function draw() {
  const songs = roots();
  const home = state.current && rootOf(state.current);
  $("no-songs").hidden = songs.length > 0;
  $("songs").replaceChildren(...songs.map((song) => songRow(song, song === home)));
  $("undo").disabled = !state.pieces.has(state.current?.parent);
  $("undo").hidden = !home || family(home).length === 1;
  $("versions").replaceChildren(...(home ? [versionRow(home)] : []));
}

function songRow(song, chosen) {
  const versions = family(song);
  const count = versions.length === 1 ? "" : `, ${versions.length} versions`;
  const open = el(
    "button.song",
    { type: "button", on: { click: () => choose(versions.at(-1)) } },
    el("span.song-title", { textContent: song.title }),
    el("span.song-facts", { textContent: `${clockTime(song.seconds)}${count}, ${dayOf(song.created)}` }),
  );
  if (chosen) open.setAttribute("aria-current", "true");
  const label = `Forget “${song.title}”`;
  const gone = el("button.icon-button", { type: "button", title: label, aria: { label } }, icon("close"));
  gone.addEventListener("click", () => remove(song, gone));
  return el("li", {}, open, gone);
}

/** Asks once more on the button itself, then forgets. */
function remove(song, button) {
  if (button.dataset.sure) {
    forget(song);
    say("Forgotten");
    ($("songs").querySelector("button") ?? $("prompt")).focus();
    return;
  }
  button.dataset.sure = "yes";
  button.replaceChildren("Forget?");
  button.setAttribute("aria-label", `Forget “${song.title}” with all versions? Press again.`);
  setTimeout(() => {
    delete button.dataset.sure;
    button.replaceChildren(icon("close"));
    button.setAttribute("aria-label", `Forget “${song.title}”`);
  }, 4000);
}

function versionRow(piece) {
  const open = el(
    "button.version",
    { type: "button", on: { click: () => choose(piece) } },
    el("span", { textContent: nameOf(piece) }),
    el("small", { textContent: `${clockTime(piece.seconds)}${piece.seed === null ? "" : `, seed ${piece.seed}`}` }),
  );
  if (piece === state.current) open.setAttribute("aria-current", "true");
  const after = childrenOf(piece);
  return el("li", {}, open, after.length ? el("ul", {}, ...after.map(versionRow)) : null);
}

function dayOf(moment) {
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString([], { day: "numeric", month: "short" });
}
