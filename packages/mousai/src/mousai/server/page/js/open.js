/** Recordings that are opened: chosen by a button or dropped on the page, uploaded, and put on the desk. */

import { upload } from "./api.js";
import { $, complain, say } from "./dom.js";
import { fieldsOf, seedOf } from "./piece.js";
import { keepSound } from "./sound.js";
import { choose, keep, state } from "./state.js";
import { takeTune } from "./write.js";

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
    showDrop(true);
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --depth <= 0) showDrop(false);
  });
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    depth = 0;
    showDrop(false);
    if (!carriesFiles(event) || event.defaultPrevented) return; // a tune's field took it
    event.preventDefault();
    openAll([...event.dataTransfer.files]);
  });
}

/** Shows where files can be dropped: anywhere to be opened, on the fields of a tune to be followed. */
function showDrop(visible) {
  $("drop").hidden = !visible;
  $("drop-words").textContent = state.model?.controls?.includes("melody")
    ? "Drop a recording here, or a tune on its field"
    : "Drop the recording here";
  document.body.classList.toggle("dragging", visible);
}

const isMidi = (file) => /\.midi?$/i.test(file.name);

async function openAll(files) {
  complain("");
  for (const file of files) {
    if (isMidi(file)) {
      if (!takeTune(file)) complain(`${file.name}: a MIDI file is a tune, and this model follows none.`);
      continue;
    }
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
