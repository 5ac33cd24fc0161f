/** State of the page, and who is told when it changes. */

import { removeBlob, removePiece, writePiece } from "./store.js";

/**
 * A piece is a version of a song: `id`, `parent` (the version that it came from, or null), `verb`, `title`, `note`,
 * `input`, `seed`, `file` (id on the server), `container`, `seconds`, `made` (what its file stores), `command`,
 * `clock` (tempo and downbeat that a person gave), `follows` (`chords`, `section`, `form` and `tune` as they were asked
 * for, or null) and `created`.
 */
export const state = {
  model: null,
  inputs: {},
  pieces: new Map(),
  current: null,
  selection: null,
  buffer: null,
};

const bus = new EventTarget();

/** Calls a listener at each change of that name: "model", "pieces", "current", "sound", "selection", "clock". */
export const on = (name, listener) => bus.addEventListener(name, (event) => listener(event.detail));

/** Tells everybody who listens. */
export const tell = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));

/** Puts a piece on the desk, where it plays at once if asked to; null clears it. */
export function choose(piece, { plays = false } = {}) {
  if (piece?.id === state.current?.id) return;
  state.current = piece;
  state.selection = null;
  state.buffer = null;
  if (piece) localStorage.setItem("mousai.current", piece.id);
  tell("current", { plays });
}

/** Adds a piece or changes it, here and in the store. */
export async function keep(piece) {
  state.pieces.set(piece.id, piece);
  await writePiece(piece);
  tell("pieces");
}

/** Forgets a song: the piece that it began with and all versions. */
export async function forget(root) {
  const gone = family(root);
  for (const piece of gone) {
    state.pieces.delete(piece.id);
    await removePiece(piece.id);
  }
  const tunes = (pieces) => pieces.map((piece) => piece.follows?.tune?.key).filter(Boolean);
  const used = new Set(tunes([...state.pieces.values()]));
  for (const key of new Set(tunes(gone))) if (!used.has(key)) await removeBlob(`tune.${key}`);
  if (gone.includes(state.current)) choose([...state.pieces.values()].at(-1) ?? null);
  tell("pieces");
}

/** Sets what is selected, in seconds; null for nothing. */
export function select(selection, source) {
  state.selection = selection;
  tell("selection", { source });
}

/** Returns the piece that a version goes back to. */
export function rootOf(piece) {
  let root = piece;
  while (root.parent && state.pieces.has(root.parent)) root = state.pieces.get(root.parent);
  return root;
}

/** Returns the pieces that came from one, oldest first. */
export const childrenOf = (piece) => [...state.pieces.values()].filter((one) => one.parent === piece.id);

/** Returns a piece and all that came from it. */
export const family = (piece) => [piece, ...childrenOf(piece).flatMap(family)];

/** Returns the pieces that songs began with, latest song first. */
export const roots = () => [...state.pieces.values()].filter((one) => rootOf(one) === one).reverse();
