/** Jobs: asked for, followed, canceled, and turned into pieces; those that run are found again after a reload. */

import { ApiError, cancelPrediction, follow, predict, readInfo, readPrediction, readSound } from "./api.js";
import { $, complain, el, icon, say } from "./dom.js";
import { choose, keep, state } from "./state.js";
import { writeBlob } from "./store.js";

const KEPT = "mousai.jobs";
const running = new Map(); // id -> {about, card}

/**
 * Asks for a job.
 * @param {object} input what the server is sent
 * @param {{title: string, parent?: string, note?: string}} about what the piece will be called and where it comes from
 * @throws {ApiError} the server refuses it
 */
export async function start(input, about) {
  complain("");
  const job = await predict(input);
  follows(job.id, { parent: null, note: "", ...about });
}

/** Goes on following the jobs that ran when the page was left. */
export function resume() {
  for (const { id, about } of JSON.parse(localStorage.getItem(KEPT) ?? "[]")) follows(id, about, { again: true });
}

function remember() {
  const list = [...running].map(([id, { about }]) => ({ id, about }));
  localStorage.setItem(KEPT, JSON.stringify(list));
  $("jobs-section").hidden = list.length === 0;
}

async function follows(id, about, { again = false } = {}) {
  const card = cardOf(id, about);
  running.set(id, { about, card });
  remember();
  if (!again) {
    say(`Asked for: ${about.note || about.title}`);
    card.element.scrollIntoView({ block: "nearest" }); // on a phone it lies below the form
  }
  try {
    if (again) await readPrediction(id); // 404 where the server was restarted
    await finish(await follow(id, (progress) => card.show(progress)), about);
  } catch (error) {
    const lost = error instanceof ApiError && error.status === 404;
    complain(lost ? `“${about.title}” was not finished: the server was restarted meanwhile.` : error.message);
  } finally {
    running.delete(id);
    card.element.remove();
    remember();
  }
}

async function finish(job, about) {
  if (job.status === "canceled") return say("Canceled");
  if (job.status !== "succeeded") return complain(job.error ?? "It failed, and the server does not say why.");
  const info = await readInfo(job.output_file);
  const made = info.made ?? {};
  const piece = {
    id: job.id,
    parent: about.parent,
    verb: job.input.verb ?? "generate",
    title: about.title,
    note: about.note,
    input: job.input,
    seed: job.input.seed,
    file: info.id,
    container: job.input.response_format ?? "wav",
    seconds: info.seconds,
    rate: info.sample_rate,
    channels: info.channels,
    made,
    command: info.command ?? null,
    clock: about.clock ?? null,
    remark: job.logs || null,
    took: job.metrics.predict_time,
    created: job.completed_at,
  };
  if (!(await writeBlob(piece.id, await readSound(info.id)))) piece.remark = "This browser has no room to keep its sound.";
  await keep(piece);
  if ($("audio").paused || piece.parent === state.current?.id) choose(piece);
  say(`Ready: ${piece.note || piece.title}, ${Math.round(piece.seconds)} seconds`);
}

const STAGES = { latent_diffusion: "Composing", decoder: "Rendering the sound" };

/** Words for how far a job is. */
function wordsOf(progress) {
  if (progress === null) return "The server does not answer; trying again";
  if (progress.status === "starting") {
    const before = progress.queue_place;
    return before ? `Waiting, ${before} ${before === 1 ? "job" : "jobs"} before it` : "Next in the queue";
  }
  if (!progress.stage) return "Begins";
  const left = progress.seconds_left === null ? "" : `, about ${Math.max(1, Math.ceil(progress.seconds_left))} s left`;
  return `${STAGES[progress.stage] ?? progress.stage}, step ${progress.step} of ${progress.total}${left}`;
}

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

  function show(progress) {
    if (!stop.disabled) words.textContent = wordsOf(progress);
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
