/** Sound of a piece: fetched or taken from this browser, decoded, measured. */

import { ApiError, readInfo, readSound, upload } from "./api.js";
import { complain } from "./dom.js";
import { keep } from "./state.js";
import { readBlob, writeBlob } from "./store.js";

let decoder = null;
const fresh = new Map(); // id -> sound that is being written into this browser

/** Keeps the sound of a piece in this browser, and says so where there is no room. */
export async function keepSound(piece, blob) {
  fresh.set(piece.id, blob); // it can be heard before it is written
  const kept = await writeBlob(piece.id, blob);
  fresh.delete(piece.id);
  if (kept) return;
  complain(`This browser has no room for a copy of “${piece.title}”: it is here as long as the server keeps it.`);
}

/** What this browser has of the sound of a piece, if anything. */
const ownBlob = async ({ id }) => fresh.get(id) ?? (await readBlob(id));

/** Returns the file of a piece, or null where neither this browser nor the server has it any more. */
export async function blobOf(piece) {
  const own = await ownBlob(piece);
  if (own) return own;
  try {
    const blob = await readSound(piece.file);
    await writeBlob(piece.id, blob);
    return blob;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Returns the id under which the server has a piece; one that it removed meanwhile is uploaded again. */
export async function fileOf(piece) {
  try {
    return (await readInfo(piece.file)).id;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  const blob = await ownBlob(piece);
  if (!blob) throw new ApiError("The server has the sound of this piece no longer, and this browser has no copy.");
  const info = await upload(blob, `piece.${piece.container}`);
  piece.file = info.id;
  await keep(piece);
  return info.id;
}

/** Decodes a file into samples at 48 kHz. */
async function decode(blob) {
  decoder ??= new OfflineAudioContext(2, 1, 48000);
  return decoder.decodeAudioData(await blob.arrayBuffer());
}

/**
 * Decodes the file of a piece. Of one that this browser cannot read (AIFF in most) the server writes a WAV file, or of
 * a WAV file of a rare kind a FLAC file.
 * @returns {Promise<{playable: Blob, buffer: AudioBuffer}>} the file that was decoded, and its samples
 */
export async function heardOf(piece, blob) {
  try {
    return { playable: blob, buffer: await decode(blob) };
  } catch (error) {
    if (error.name !== "EncodingError") throw error;
  }
  const playable = await readSound(await fileOf(piece), piece.container === "wav" ? "flac" : "wav");
  return { playable, buffer: await decode(playable) };
}

/** Peaks of each channel for a drawing, `points` of them, with their signs. */
export function peaksOf(buffer, points) {
  const step = Math.max(1, buffer.length / points);
  return Array.from({ length: Math.min(buffer.numberOfChannels, 2) }, (_, channel) => {
    const samples = buffer.getChannelData(channel);
    return Float32Array.from({ length: Math.min(points, buffer.length) }, (_, index) => {
      let most = 0;
      const end = Math.min(Math.ceil((index + 1) * step), samples.length);
      for (let at = Math.floor(index * step); at < end; at++) {
        if (Math.abs(samples[at]) > Math.abs(most)) most = samples[at];
      }
      return most;
    });
  });
}

const decibels = (value) => (value > 0 ? 20 * Math.log10(value) : -Infinity);

/** Peak and root mean square of a stretch, in dB below full scale. */
export function levelOf(buffer, start = 0, end = buffer.duration) {
  let peak = 0;
  let sum = 0;
  let count = 0;
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    const last = Math.min(samples.length, Math.round(end * buffer.sampleRate));
    for (let at = Math.max(0, Math.round(start * buffer.sampleRate)); at < last; at++) {
      const value = Math.abs(samples[at]);
      if (value > peak) peak = value;
      sum += value * value;
      count++;
    }
  }
  return { peak: decibels(peak), rms: decibels(Math.sqrt(sum / Math.max(1, count))) };
}

/** Writes a level in words: "−12.3 dB". */
export const levelName = (level) => (level === -Infinity ? "silent" : `${level.toFixed(1).replace("-", "−")} dB`);
