/**
 * Following jobs: one request at a time, however many jobs there are. Browsers open six connections to a server at
 * most, in all tabs together; a stream of events for each job would leave none for anything else.
 */

import { ApiError, readPrediction } from "./api.js";

const OFTEN = 200; // milliseconds between two looks at a job that runs
const SOON = 50; // and at one that is about to end
const SELDOM = 2000; // and at one that waits, or while the server is away
const ENDS = ["succeeded", "failed", "canceled"];

const followed = new Map(); // id -> {onProgress, resolve, reject, due}
let timer = null;
let busy = false;

/**
 * Follows a job to its end, over any time in which the server does not answer.
 * @param {string} id the job
 * @param {function(object|null, Error=): void} onProgress called at each look; with null and the reason while the
 *   server does not answer, or refuses to
 * @returns {Promise<object>} the job as it ended
 * @throws {ApiError} of status 404: the server does not know the job, or not any more
 */
export function follow(id, onProgress) {
  return new Promise((resolve, reject) => {
    followed.set(id, { onProgress, resolve, reject, due: 0 });
    plan();
  });
}

function plan() {
  clearTimeout(timer);
  if (busy || followed.size === 0) return;
  const next = Math.min(...[...followed.values()].map((one) => one.due));
  timer = setTimeout(look, Math.max(0, next - performance.now()));
}

async function look() {
  busy = true;
  for (const [id, one] of [...followed]) {
    if (one.due <= performance.now()) await ask(id, one);
  }
  busy = false;
  plan();
}

async function ask(id, one) {
  try {
    const job = await readPrediction(id);
    if (ENDS.includes(job.status)) {
      followed.delete(id);
      for (const other of followed.values()) other.due = 0; // the next one begins
      one.resolve(job);
      return;
    }
    one.due = performance.now() + (job.status === "processing" ? pauseOf(job.progress) : SELDOM);
    one.onProgress(job.progress);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 404) {
      followed.delete(id);
      one.reject(error);
      return;
    }
    one.due = performance.now() + Math.max(SELDOM, 1000 * (error.retryAfter ?? 0));
    one.onProgress(null, error);
  }
}

/** Milliseconds until the next look at a job that runs: a quarter of what is left of it, within bounds. */
function pauseOf({ seconds_left: left }) {
  return left === null ? OFTEN : Math.min(OFTEN, Math.max(SOON, 250 * left));
}

/** Looks at all jobs now: a tab that was in the background is given few turns. */
export function lookNow() {
  for (const one of followed.values()) one.due = 0;
  plan();
}

/** Waits for some milliseconds. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Does what may fail while the server is away until it succeeds.
 * @param {function(): Promise} makes what is done
 * @param {function(Error): void} onFailure called before each further try
 * @throws {Error} one of status 404, or no refusal of the server at all: another try would end like it
 */
export async function untilDone(makes, onFailure) {
  for (;;) {
    try {
      return await makes();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 404) throw error;
      onFailure(error);
      await pause(Math.max(SELDOM, 1000 * (error.retryAfter ?? 0)));
    }
  }
}
