/** HTTP: the routes that the page uses. Addresses are relative, so that the page works below a proxy's prefix too. */

/** A refusal of the server, or a server that cannot be reached, as one sentence. */
export class ApiError extends Error {
  constructor(message, { status = 0, field = null, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { status, field, retryAfter });
  }
}

const PATIENCE = 30_000; // milliseconds for an answer about a job: one that hangs would hide all later ones
const UNREACHABLE = "The server cannot be reached. Is the window in which mousai ui was started still open?";

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new ApiError(UNREACHABLE);
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  const told = body?.error ?? {};
  const retryAfter = Number(answer.headers.get("Retry-After")) || null;
  const message = told.message ?? `The server answered with ${answer.status} ${answer.statusText}`;
  throw new ApiError(message, { status: answer.status, field: told.param ?? null, retryAfter });
}

async function bodyOf(answer, kind) {
  try {
    return await answer[kind]();
  } catch {
    throw new ApiError("The server's answer is cut short.");
  }
}

const json = async (address, options) => bodyOf(await ask(address, options), "json");

/** The model that is served: verbs, leads, styles, limits, default settings. */
export const readModel = async () => (await json("v1/models")).data[0];

/** Inputs of the verbs as JSON schemas, by verb. */
export async function readInputs() {
  const { components } = await json("openapi.json");
  const found = {};
  for (const schema of Object.values(components.schemas)) {
    const verb = schema.properties?.verb;
    if (verb) found[verb.const ?? verb.default] = schema;
  }
  return found;
}

/** Whether the model is loaded, and how many jobs wait; null where nobody answers. */
export async function readHealth() {
  try {
    const answer = await fetch("health");
    return await answer.json();
  } catch {
    return null;
  }
}

/** Asks for a job and returns it as it was accepted. */
export function predict(input) {
  const headers = { "Content-Type": "application/json", Prefer: "respond-async" };
  return json("predictions", { method: "POST", headers, body: JSON.stringify({ input }) });
}

export const readPrediction = (id) => json(`predictions/${id}`, { signal: AbortSignal.timeout(PATIENCE) });
export const cancelPrediction = (id) => json(`predictions/${id}/cancel`, { method: "POST" });
export const readInfo = (file) => json(`v1/files/${file}/info`);
export const readSound = async (file, format = null) =>
  bodyOf(await ask(`v1/files/${file}${format ? `?format=${format}` : ""}`), "blob");

/** Uploads a recording and returns what the server found in it. */
export function upload(blob, name) {
  const body = new FormData();
  body.append("file", blob, name);
  return json("v1/files", { method: "POST", body });
}
