/** The page: starts its parts, finds the server, and brings back what was here before. */

import { readHealth, readInputs, readModel } from "./api.js";
import { startDeck } from "./deck.js";
import { startDetails } from "./details.js";
import { $, complain } from "./dom.js";
import { resume } from "./jobs.js";
import { startLive } from "./live.js";
import { startOpen } from "./open.js";
import { startSongs } from "./songs.js";
import { choose, state, tell } from "./state.js";
import { openStore, readPieces } from "./store.js";
import { startTransport } from "./transport.js";
import { startWork } from "./work.js";
import { startWrite } from "./write.js";

const WORDS = {
  loading: "loading the model",
  ready: "ready",
  closing: "shutting down",
  failed: "the model could not be loaded",
};
const LOOK = { loading: 1000, ready: 10_000 };
/** Milliseconds until the next look at the server. */

async function watch() {
  const health = await readHealth();
  const known = health ? (WORDS[health.status] ?? health.status) : "no answer";
  const waiting = health?.queue ? `, ${health.queue} in the queue` : "";
  const text = `${state.model ? `${state.model.id} on ${state.model.device}: ` : ""}${known}${waiting}`;
  if ($("server").textContent !== text) $("server").textContent = text; // spoken only when it changes
  $("server").dataset.status = health?.status ?? "away";
  setTimeout(watch, LOOK[health?.status] ?? 2000);
}

async function begin() {
  const parts = [startWrite, startDeck, startTransport, startWork, startDetails, startSongs, startOpen, startLive];
  for (const start of parts) start();
  $("error-close").addEventListener("click", () => complain(""));
  try {
    [state.model, state.inputs] = await Promise.all([readModel(), readInputs()]);
    tell("model", {});
  } catch (error) {
    complain(error.message);
  }
  watch();
  if (!(await openStore())) complain("This browser keeps nothing for this page: what you make is gone after a reload.");
  for (const piece of await readPieces()) state.pieces.set(piece.id, piece);
  tell("pieces");
  const last = state.pieces.get(localStorage.getItem("mousai.current")) ?? [...state.pieces.values()].at(-1);
  if (last) choose(last);
  document.body.dataset.begun = "yes";
  resume();
}

begin();
