/** As much of a browser as the page's modules ask for: elements that do nothing, a server out of functions in `server`,
 *  and a time that passes a hundred times as fast. Scripts of tests stand behind it. */

const elements = new Map();
const made = () => ({ dataset: {}, style: {}, children: [], classList: { toggle() {}, add() {} }, paused: true, textContent: "", value: "",
  addEventListener(name, listener) { this[`on${name}`] = listener; }, setAttribute() {}, removeAttribute() {}, focus() {},
  append() {}, remove() {}, scrollIntoView() {}, pause() {}, replaceChildren() {},
  querySelectorAll: () => [], querySelector: () => made(), closest: () => made(), elements: { namedItem: () => null }, get labels() { return [made()]; } });
const $ = (id) => elements.get(id) ?? elements.set(id, made()).get(id);
const kept = new Map();
Object.assign(globalThis, {
  document: { getElementById: $, createElement: made, createElementNS: made, addEventListener() {}, baseURI: "http://here/" },
  localStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text),
    removeItem: (name) => kept.delete(name), key: (index) => [...kept.keys()][index], get length() { return kept.size; } },
  addEventListener() {}, requestAnimationFrame() {}, HTMLElement: class {},
});
const asked = [];
let open = 0, most = 0;
const server = {}; // path -> function that gives [status, body]
globalThis.fetch = async (path, options) => {
  asked.push(path);
  const look = path.startsWith("predictions/");
  if (look) most = Math.max(most, ++open);
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (look) open--;
  const [status, body] = (server[path] ?? (() => [404, { error: { message: "there is none" } }]))(options);
  if (status === 0) throw new TypeError("no connection");
  return new Response(JSON.stringify(body), { status });
};
const quick = globalThis.setTimeout;
globalThis.setTimeout = (listener, after) => quick(listener, after / 100);
const clock = performance.now.bind(performance);
performance.now = () => clock() * 100; // time passes a hundred times as fast
const until = async (wanted) => { while (!wanted()) await new Promise((resolve) => quick(resolve, 2)); };
const job = (id, status) => ({ id, status, input: { prompt: "techno", seed: 1 }, output_file: `f${id}`, logs: "", error: null,
  metrics: {}, progress: { status, queue_place: 1, stage: null, step: 0, total: 0, seconds_left: null }, completed_at: "now" });
const info = (id) => ({ id, media_type: "audio/wav", seconds: 1, sample_rate: 48000, channels: 2, made: {}, command: null });
