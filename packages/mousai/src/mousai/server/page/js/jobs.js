/** Jobs: asked for, followed, canceled, and turned into pieces; those that run are found again after a reload. */

import { ApiError, cancelPrediction, predict, readInfo, readSound } from "./api.js";
import { $, complain, el, icon, say } from "./dom.js";
import { follow, lookNow, untilDone } from "./following.js";
import { fieldsOf } from "./piece.js";
import { keepSound } from "./sound.js";
import { choose, keep, state, tell } from "./state.js";

const KEPT = "mousai.job.";
/** Before the id in the names under which this browser keeps jobs: one each, so that no tab overwrites another's. */
const shown = new Set(); // ids of the jobs that have a card

/**
 * Asks for a job.
 * @param {object} input what the server is sent
 * @param {{title: string, parent?: string, note?: string, follows?: object}} about what the piece will be called, where it
 *   comes from, and the chords, tune and form that it is to follow
 * @throws {ApiError} the server refuses it
 */
export async function start(input, about) {
  complain("");
  const job = await predict(input);
  const known = { parent: null, note: "", ...about };
  localStorage.setItem(KEPT + job.id, JSON.stringify({ about: known, asked: Date.now() }));
  const card = follows(job.id, known, { here: true });
  say(`Asked for: ${known.note || known.title}`);
  card.scrollIntoView({ block: "nearest" }); // on a phone it lies below the form
}

/** Goes on following the jobs that ran when a page was left. */
export function resume() {
  document.addEventListener("visibilitychange", lookNow);
  const names = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index));
  const jobs = names.filter((name) => name.startsWith(KEPT)).map((name) => {
    return { id: name.slice(KEPT.length), ...JSON.parse(localStorage.getItem(name)) };
  });
  for (const { id, about } of jobs.sort((one, other) => one.asked - other.asked)) {
    if (state.pieces.has(id)) forgetJob(id); // another tab was there first
    else if (!shown.has(id)) follows(id, about);
  }
}

const forgetJob = (id) => localStorage.removeItem(KEPT + id);

/** Shows a job and returns its card; what becomes of it is told on the page. `here` is one of this visit. */
function follows(id, about, { here = false } = {}) {
  const card = cardOf(id, about);
  shown.add(id);
  $("jobs-section").hidden = false;
  ended(id, about, card, here).finally(() => {
    shown.delete(id);
    card.element.remove();
    $("jobs-section").hidden = shown.size === 0;
  });
  return card.element;
}

/** Waits for the end of a job. It is forgotten where it has ended and its piece is kept, or where the server has it no
 *  longer; after any other failure a reload tries again. */
async function ended(id, about, card, here) {
  try {
    await finish(await follow(id, card.show), about, card, here);
    forgetJob(id);
  } catch (error) {
    const lost = error instanceof ApiError && error.status === 404;
    if (lost) forgetJob(id);
    complain(lost ? `“${about.title}” is lost: ${LOST}` : `“${about.title}”: ${error.message}`);
  }
}

const LOST =
  "the server has it no longer. It keeps what it made for a while after its end (--keep), and nothing over a restart.";

async function finish(job, about, card, here) {
  if (job.status === "canceled") return job.error ? complain(`“${about.title}” was canceled: ${job.error}`) : say("Canceled");
  if (job.status !== "succeeded") return complain(job.error ?? "It failed, and the server does not say why.");
  const away = (error) => card.show(null, error);
  const got = (read) => untilDone(() => read(job.output_file), away);
  const [info, blob] = await Promise.all([got(readInfo), got(readSound)]);
  const piece = {
    id: job.id,
    parent: about.parent,
    verb: job.input.verb ?? "generate",
    title: about.title,
    note: about.note,
    input: job.input,
    seed: job.input.seed,
    ...fieldsOf(info),
    clock: about.clock ?? null,
    follows: about.follows ?? null,
    remark: job.logs || null,
    took: job.metrics.predict_time,
    created: job.completed_at,
  };
  const kept = Promise.all([keepSound(piece, blob), keep(piece)]); // it is heard meanwhile
  const plays = here && $("play-ready").checked && $("live").hidden;
  if ($("audio").paused || piece.parent === state.current?.id) choose(piece, { plays });
  await kept;
  tell("kept", { id: piece.id });
  say(`Ready: ${piece.note || piece.title}, ${Math.round(piece.seconds)} seconds`);
}

const STAGES = { latent_diffusion: "Composing", decoder: "Rendering the sound" };

/** Words for how far a job is. */
function wordsOf(progress, error) {
  if (progress === null) return `${error.status ? error.message : "The server does not answer"}; trying again`;
  if (progress.status === "starting") {
    const before = progress.queue_place;
    return before ? `Waiting, ${before} ${before === 1 ? "job" : "jobs"} before it` : "Next in the queue";
  }
  if (!progress.stage) return "Begins";
  const left = progress.seconds_left === null ? "" : `, about ${leftWords(progress.seconds_left)} left`;
  return `${STAGES[progress.stage] ?? progress.stage}, step ${progress.step} of ${progress.total}${left}`;
}

const leftWords = (seconds) => (seconds > 90 ? `${Math.ceil(seconds / 60)} min` : `${Math.max(1, Math.ceil(seconds))} s`);

function cardOf(id, about) {
  const words = el("p.job-words", { textContent: "Asking" });
  const bar = el("progress", { max: 1, aria: { label: `Progress of ${about.title}` } });
  const stop = el("button.quiet", { type: "button", on: { click: cancel }, aria: { label: `Cancel ${about.note || about.title}` } }, icon("close"), "Cancel");
  const title = el("div.job-title", {}, el("strong", { textContent: about.title }));
  if (about.note) title.append(el("span", { textContent: about.note }));
  const element = el("li.job.card", { data: { job: id } }, el("div", {}, title, words), stop, bar);
  $("jobs").append(element);
  let begun = null;
  let stage = null;

  async function cancel() {
    stop.disabled = true;
    words.textContent = "Stops at its next step";
    try {
      await cancelPrediction(id);
    } catch (error) {
      complain(error.message);
    }
  }

  function show(progress, error = null) {
    if (!stop.disabled) words.textContent = wordsOf(progress, error);
    if (progress === null) return;
    if (progress.stage && progress.stage !== stage) say(`${STAGES[progress.stage]}: ${about.note || about.title}`);
    stage = progress.stage ?? stage;
    if (progress.seconds_left === null || !progress.stage) return;
    begun ??= performance.now();
    const spent = (performance.now() - begun) / 1000;
    bar.value = Math.max(bar.position, Math.min(1, spent / (spent + progress.seconds_left + 1e-3)));
  }

  return { element, show };
}
