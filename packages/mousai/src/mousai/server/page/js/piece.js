/** What the server says of a file, as a piece of the page has it. */

/** Returns the seed that a file states, or null: a file may state anything. */
export function seedOf(made) {
  const seed = Number(made.seed ?? NaN);
  return Number.isSafeInteger(seed) && seed >= 0 ? seed : null;
}

/** Returns the container of a file by its MIME type, as downloads are named: "mp3". */
export const containerOf = (info) => info.media_type.split("/")[1].replace("mpeg", "mp3");

/**
 * Returns the fields of a piece that come from its file.
 *
 * `known` holds tempo, key, lead and first downbeat as the server reads them, each null where it finds none; it is null
 * itself where the server tells none of them.
 * @param {object} info what the server says of the file
 */
export function fieldsOf(info) {
  const { tempo = null, key = null, lead = null, first_downbeat = null } = info;
  return {
    file: info.id,
    container: containerOf(info),
    seconds: info.seconds,
    rate: info.sample_rate,
    channels: info.channels,
    made: info.made ?? {},
    known: "tempo" in info ? { tempo, key, lead, first_downbeat } : null,
    command: info.command ?? null,
  };
}

/** Returns key and lead that are shown of a piece: as the server reads them, else as its file and sentence say. */
export function attributesOf(piece, read) {
  if (piece.known) return { key: piece.known.key, lead: piece.known.lead };
  return { key: piece.made?.key ?? read.key, lead: piece.made?.lead ?? read.lead };
}
