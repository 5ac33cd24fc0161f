/** Command lines that make a piece, from its first version on, with the names under which the page downloads them. */

import { rootOf, state } from "./state.js";

const LONGEST = 40; // characters; a word that does not fit is left out

/** Name of a download: the first words of the sentence, and the seed; an opened recording keeps its own. */
export function fileName(piece, format = piece.container) {
  if (piece.verb === "upload") return `${(piece.note || piece.title).replace(/\.[^.]*$/, "")}.${format}`;
  const root = rootOf(piece);
  const title = root.verb === "upload" ? fileName(root, "").slice(0, -1) : root.title;
  const words = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  const short = words.length > LONGEST ? words.slice(0, LONGEST + 1).replace(/-[^-]*$/, "").slice(0, LONGEST) : words;
  return `${short || "piece"}-${piece.seed}.${format}`;
}

const quoted = (name) => (/^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

/**
 * Returns the command lines, or null where one of them is not known.
 *
 * The server names its own files in them; here those names become the ones of the downloads.
 */
export function commandLines(piece) {
  const lines = [];
  for (let one = piece; one; one = state.pieces.get(one.parent)) {
    if (one.verb === "upload") break;
    if (!one.command) return null;
    const source = one.input.recording ?? one.input.init_audio;
    const parent = state.pieces.get(one.parent);
    let line = one.command.replace(/-o again\.\w+/, () => `-o ${quoted(fileName(one))}`);
    if (source && !parent) return null;
    if (source) line = line.replace(new RegExp(`\\S*${source}\\.\\w+`), () => quoted(fileName(parent)));
    const { tune } = one.follows ?? {};
    if (tune) line = line.replace(new RegExp(`${one.input.melody}\\.\\w+`), () => quoted(tune.name));
    lines.unshift(line);
  }
  return lines.length ? lines : null;
}
