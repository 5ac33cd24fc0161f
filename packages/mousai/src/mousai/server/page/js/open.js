/** Recordings that are opened: chosen by a button or dropped on the page, uploaded, and put on the desk. */

import { upload } from "./api.js";
import { $, complain, say } from "./dom.js";
import { fieldsOf, seedOf } from "./piece.js";
import { keepSound } from "./sound.js";
import { choose, keep } from "./state.js";

/** Begins to listen to the button and to what is dropped. */
export function startOpen() {
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    openAll([...$("file").files]);
    $("file").value = "";
  });
  let depth = 0; // dragenter and dragleave come for every element on the way
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth++;
    $("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --depth <= 0) $("drop").hidden = true;
  });
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    depth = 0;
    $("drop").hidden = true;
    if (!carriesFiles(event)) return;
    event.preventDefault();
    openAll([...event.dataTransfer.files]);
  });
}

async function openAll(files) {
  complain("");
  for (const file of files) {
    $("open").disabled = true;
    $("open").textContent = "Sending";
    try {
      await keepRecording(file);
    } catch (error) {
      complain(`${file.name}: ${error.message}`);
    } finally {
      $("open").disabled = false;
      $("open").textContent = "Open a recording";
    }
  }
}

/**
 * Uploads a recording and puts it on the desk.
 * @param {File} file the recording
 * @param {object} [known] what is known of the piece beside what the file says
 */
export async function keepRecording(file, known = {}) {
  const info = await upload(file, file.name);
  const fields = fieldsOf(info);
  const { made } = fields;
  const piece = {
    id: info.id,
    parent: null,
    verb: "upload",
    title: made.prompt ?? file.name,
    note: made.prompt ? file.name : "",
    input: null,
    seed: seedOf(made),
    ...fields,
    clock: null,
    created: new Date().toISOString(),
    ...known,
  };
  await keepSound(piece, file);
  await keep(piece);
  choose(piece);
  say(`Opened ${file.name}, ${Math.round(info.seconds)} seconds`);
}
