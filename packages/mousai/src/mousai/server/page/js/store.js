/** What survives a reload: pieces and their sounds, in this browser's IndexedDB; in memory where there is none. */

const MOST_BYTES = 1e9;
/** Sounds beyond this are dropped, the longest unused first; the pieces themselves stay. */

let database = null;
const memory = { pieces: new Map(), sounds: new Map() };

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Opens the store; returns whether what it holds will survive a reload. */
export async function openStore() {
  try {
    const request = indexedDB.open("mousai", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("pieces", { keyPath: "id" });
      request.result.createObjectStore("sounds", { keyPath: "id" });
    };
    database = await settled(request);
  } catch {
    database = null; // a private window of some browsers
  }
  return database !== null;
}

const within = (name, mode) => database.transaction(name, mode).objectStore(name);

/** Returns all pieces, oldest first. */
export async function readPieces() {
  const found = database ? await settled(within("pieces", "readonly").getAll()) : [...memory.pieces.values()];
  return found.sort((one, other) => one.created.localeCompare(other.created));
}

/** Writes a piece, new or changed. */
export async function writePiece(piece) {
  if (database) await settled(within("pieces", "readwrite").put(piece));
  else memory.pieces.set(piece.id, piece);
}

/** Returns the sound of a piece, or null. */
export async function readBlob(id) {
  const found = database ? await settled(within("sounds", "readonly").get(id)) : memory.sounds.get(id);
  if (!found) return null;
  if (database) within("sounds", "readwrite").put({ ...found, used: Date.now() });
  return found.blob;
}

/** Whether this browser has the sound of a piece. */
export async function hasBlob(id) {
  return database ? (await settled(within("sounds", "readonly").count(id))) > 0 : memory.sounds.has(id);
}

/** Keeps the sound of a piece; returns false where this browser has no room for it. */
export async function writeBlob(id, blob) {
  if (blob.size > MOST_BYTES) return false; // nor is anything dropped for it
  const record = { id, blob, bytes: blob.size, used: Date.now() };
  if (!database) return Boolean(memory.sounds.set(id, record));
  try {
    await makeRoom(blob.size);
    await settled(within("sounds", "readwrite").put(record));
    return true;
  } catch {
    return false;
  }
}

/** Forgets a piece and its sound. */
export async function removePiece(id) {
  if (database) await settled(within("pieces", "readwrite").delete(id));
  else memory.pieces.delete(id);
  await removeBlob(id);
}

/** Forgets a sound. */
export async function removeBlob(id) {
  if (database) await settled(within("sounds", "readwrite").delete(id));
  else memory.sounds.delete(id);
}

async function makeRoom(more) {
  const sounds = await settled(within("sounds", "readonly").getAll());
  sounds.sort((one, other) => one.used - other.used);
  let total = more + sounds.reduce((sum, one) => sum + one.bytes, 0);
  for (const one of sounds) {
    if (total <= MOST_BYTES) return;
    await settled(within("sounds", "readwrite").delete(one.id));
    total -= one.bytes;
  }
}
