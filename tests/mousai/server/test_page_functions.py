"""Functions of the page that need no browser, run by node: clocks, sentences, jobs, live sessions."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mousai.conditioning.attributes import key_name, parse_attributes
from mousai.conditioning.leads import LEADS
from mousai.server.routes.page import FOLDER

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node (Debian, Ubuntu: apt-get install nodejs)")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the page's modules that node takes for modules."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(FOLDER / "js", folder / "js")
    shutil.copytree(FOLDER / "vendor", folder / "vendor")
    (folder / "package.json").write_text('{"type": "module"}')
    return folder / "js"


def run(modules: Path, script: str, given: Any = None) -> Any:
    """What `script` returns, the body of an asynchronous function of `given`; 10 s are the most that it may take."""
    text = (
        f"const given = {json.dumps(given)};\n"
        "const main = async () => {" + script + "};\n"
        "main().then((found) => { console.log(JSON.stringify(found)); process.exit(0); });\n"
    )
    (modules / "main.js").write_text(text)
    assert NODE is not None
    done = subprocess.run([NODE, modules / "main.js"], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_a_recording_states_of_its_clock_stops_no_page(modules: Path):
    stated = [
        *({"tempo": "-120"}, {"tempo": "1e9"}, {"tempo": "NaN"}, {"tempo": "0"}, {"tempo": "120", "first_downbeat": "x"}),
        *({"tempo": "120", "first_downbeat": "-1e18"}, {"tempo": "120", "first_downbeat": "1e300"}),
        *({"tempo": "120", "first_downbeat": "5.5"}, {"tempo": "120", "first_downbeat": "Infinity"}),
    ]
    script = """
      const { clockOf, gridLines } = await import("./clock.js");
      return given.flatMap((made) => [{ made }, { made: {}, clock: { tempo: Number(made.tempo), downbeat: Number(made.first_downbeat) } }])
        .map((piece) => ({ clock: clockOf(piece), lines: clockOf(piece) && gridLines(clockOf(piece), 600, { beats: true }).length }));
    """
    found = run(modules, script, stated)
    assert [one["clock"] for one in found[:8]] == [None] * 8
    for one in found[8:]:
        assert one["clock"]["tempo"] == 120 and 0 <= one["clock"]["downbeat"] < 2
        assert one["lines"] in (1200, 1201)
    assert [found[at]["clock"]["downbeat"] for at in (8, 9, 14, 15)] == [0, 0, 1.5, 1.5]


def test_what_the_server_tells_of_a_file_counts_before_what_the_page_reads(modules: Path):
    piece = {"made": {"prompt": "120 bpm"}, "known": {"tempo": 90, "first_downbeat": 0.25}}
    unknown = {"made": {"prompt": "120 bpm"}, "known": {"tempo": None, "first_downbeat": None}}
    given = [piece, unknown, {**piece, "clock": {"tempo": 100, "downbeat": 1}}, {"made": piece["made"]}]
    found = run(modules, 'const { clockOf } = await import("./clock.js"); return given.map(clockOf);', given)
    clocks = [{"tempo": 90, "downbeat": 0.25}, None, {"tempo": 100, "downbeat": 1}, {"tempo": 120, "downbeat": 0}]
    assert found == clocks


SENTENCES = [
    *("calm piano pop, 100 bpm", "120-130 bpm", "tempo 120", "tempo of 96 and drums", "bpm: 128", "bpm = 90"),
    *("between 100 and 120 bpm", "from 100 to 120 BPM", "4 and 120 bpm", "120,5 bpm", "1,200 bpm", "99.5bpm"),
    *("90 beats per minute", "not 120 bpm, 90 bpm", "without a tempo of 100", "20 bpm", "301 bpm", "30 bpm", "300 bpm"),
    *("tempo 4/4", "tempo: 4/4, 88 bpm", "130-120 bpm", "120 – 130 bpm", "1980 tempo 90", "12 bpm 100", "v1.2 bpm"),
    *("in F# minor", "f sharp minor", "Bb major", "B flat maj", "Cb major", "a minor feel", "in A minor", "E♭ major"),
    *("In a minor key", "A minor", "a major hit", "a minor, drums", "not in C major", "C major, then A minor"),
    *("a minor key of sorts", "SONG IN A MINOR MOOD", "D-min", "G maj with drums", "a minor flute solo", "", "techno"),
]


def test_a_sentence_is_read_as_the_server_reads_it(modules: Path):
    script = 'const { readWords } = await import("./words.js"); return given[0].map((one) => readWords(one, { leads: given[1] }));'
    found = run(modules, script, [SENTENCES, list(LEADS)])
    for sentence, one in zip(SENTENCES, found, strict=True):
        read = parse_attributes(sentence)
        key = None if read.key is None else key_name(read.key)
        assert (one["tempo"], one["key"]) == (read.tempo, key), sentence


def test_a_knob_replaces_what_the_sentence_says(modules: Path):
    script = """
      const { writeKey, writeTempo } = await import("./words.js");
      return [writeTempo("techno, 120-130 bpm, dark", 90), writeTempo("not 120 bpm, 90 bpm", 100), writeTempo("pop, tempo 120", ""),
        writeTempo("a pop song", 110), writeKey("pop in f sharp minor, 90 bpm", "C major"), writeKey("a minor feel", "A minor")];
    """
    assert run(modules, script) == [
        *("techno, 90 bpm, dark", "not 120 bpm, 100 bpm", "pop", "a pop song, 110 bpm"),
        *("pop in C major, 90 bpm", "a minor feel, A minor"),
    ]


def test_a_long_text_is_read_at_once(modules: Path):
    given = ["tempo" + " " * 10**6, "1 " * 10**6, "a" + " " * 10**6, "120-" * 10**5]
    script = """
      const { readWords } = await import("./words.js");
      const begun = performance.now();
      for (const one of given) readWords(one);
      return performance.now() - begun;
    """
    assert run(modules, script, given) < 1000


STUBS = """
  const elements = new Map();
  const made = () => ({ dataset: {}, style: {}, children: [], classList: { toggle() {}, add() {} }, paused: true, textContent: "",
    addEventListener(name, listener) { this[`on${name}`] = listener; }, setAttribute() {}, removeAttribute() {}, focus() {},
    append() {}, remove() {}, scrollIntoView() {}, pause() {}, querySelectorAll: () => [], replaceChildren() {} });
  const $ = (id) => elements.get(id) ?? elements.set(id, made()).get(id);
  const kept = new Map();
  Object.assign(globalThis, {
    document: { getElementById: $, createElement: made, createElementNS: made, addEventListener() {}, baseURI: "http://here/" },
    localStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text),
      removeItem: (name) => kept.delete(name), key: (index) => [...kept.keys()][index], get length() { return kept.size; } },
    addEventListener() {}, requestAnimationFrame() {},
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
"""


def test_many_jobs_take_one_connection_and_end_in_pieces(modules: Path):
    script = """
      const jobs = await import("./jobs.js");
      const { state } = await import("./state.js");
      let next = 0;
      server.predictions = () => [202, job(next++, "starting")];
      for (let id = 0; id < 12; id++) {
        let looks = 0;
        server[`predictions/${id}`] = () => [200, job(id, looks++ < 3 ? "processing" : "succeeded")];
        server[`v1/files/f${id}/info`] = () => [200, info(`f${id}`)];
        server[`v1/files/f${id}`] = () => [200, "sound"];
      }
      for (let id = 0; id < 12; id++) await jobs.start({ prompt: "techno" }, { title: `job ${id}` });
      await until(() => kept.size === 1 && state.pieces.size === 12);
      await until(() => $("jobs-section").hidden);
      return [most, [...kept.keys()], $("error-text").textContent];
    """
    assert run(modules, STUBS + script) == [1, ["mousai.current"], ""]


def test_a_job_outlives_a_server_that_is_away_and_is_forgotten_where_it_is_gone(modules: Path):
    script = """
      const jobs = await import("./jobs.js");
      const { state } = await import("./state.js");
      const about = { parent: null, note: "", title: "the piece" };
      for (const id of ["one", "gone", "here"]) kept.set(`mousai.job.${id}`, JSON.stringify({ about, asked: 1 }));
      state.pieces.set("here", { id: "here" });
      const troubles = [[0], [503, {}], [0]];
      const failing = (answer) => () => troubles.length ? troubles.shift() : [200, answer];
      server["predictions/one"] = failing(job("one", "succeeded"));
      const more = [[429, {}], [0], [500, {}]];
      server["v1/files/fone/info"] = () => more.length ? more.shift() : [200, info("fone")];
      server["v1/files/fone"] = () => [200, "sound"];
      jobs.resume();
      await until(() => state.pieces.has("one") && kept.size === 1);
      return [troubles.length + more.length, [...kept.keys()], $("error-text").textContent, asked.includes("predictions/here")];
    """
    left, names, error, asked = run(modules, STUBS + script)
    assert left == 0 and names == ["mousai.current"] and not asked
    assert "“the piece” is lost" in error and "--keep" in error


def test_a_job_of_which_the_browser_cannot_keep_the_piece_is_found_again(modules: Path):
    script = """
      const jobs = await import("./jobs.js");
      kept.set("mousai.job.one", JSON.stringify({ about: { parent: null, note: "", title: "the piece" }, asked: 1 }));
      server["predictions/one"] = () => [200, job("one", "succeeded")];
      server["v1/files/fone/info"] = () => [200, info("fone")];
      server["v1/files/fone"] = () => [200, "sound"];
      const { state } = await import("./state.js");
      state.pieces.set = () => { throw new Error("the disk is full"); };
      jobs.resume();
      await until(() => $("error-text").textContent);
      return [[...kept.keys()], $("error-text").textContent];
    """
    assert run(modules, STUBS + script) == [["mousai.job.one"], "“the piece”: the disk is full"]


LIVE = """
  const sockets = [];
  globalThis.WebSocket = class {
    static OPEN = 1;
    static CONNECTING = 0;
    readyState = 1;
    constructor() { this.sent = []; sockets.push(this); }
    addEventListener(name, listener) { this[`on${name}`] = listener; }
    send(text) { this.sent.push(JSON.parse(text)); }
    close() {}
    plays(seconds) {
      this.onmessage({ data: JSON.stringify({ type: "chunk", seconds: 0, bar: 1, beat: 1, tempo: 120, prompt: "techno" }) });
      this.onmessage({ data: new Int16Array(seconds * 96000).buffer });
    }
  };
  let audio = null;
  globalThis.AudioContext = class {
    currentTime = 0;
    state = "running";
    constructor() { audio = this; }
    createBuffer(channels, frames) { return { getChannelData: () => new Float32Array(frames) }; }
    createBufferSource() { return { connect() {}, start() {} }; }
    close() { this.state = "closed"; }
  };
  const { startLive } = await import("./live.js");
  const { state } = await import("./state.js");
  state.model = { max_duration: 600, leads: [] };
  startLive();
  $("prompt").value = "techno";
  $("seed").value = $("negative_prompt").value = "";
  $("error").hidden = true;
  const press = (id) => $(id).onclick({});
"""


def test_what_an_earlier_live_session_says_does_not_end_the_next_one(modules: Path):
    script = """
      press("go-live");
      sockets[0].plays(4);
      audio.currentTime = 2;
      press("live-stop");
      press("live-drop");
      press("go-live");
      sockets[0].onmessage({ data: JSON.stringify({ type: "error", message: "late" }) });
      sockets[0].onclose();
      const during = [$("live").hidden, $("live-stop").hidden, $("error").hidden, [...sockets[1].sent]];
      sockets[1].plays(4);
      audio.currentTime = 2;
      sockets[1].onclose();
      return [during, $("live").hidden, $("live-keep").hidden];
    """
    during, hidden, keep_hidden = run(modules, STUBS + LIVE + script)
    assert during == [False, False, True, []]
    assert (hidden, keep_hidden) == (False, False)


def test_a_live_session_that_is_stopped_before_its_first_sound_leaves_nothing_to_keep(modules: Path):
    script = """
      press("go-live");
      sockets[0].plays(4);
      audio.currentTime = 0.2; // the first sound is heard after 0.25 s
      press("live-stop");
      return [$("live").hidden, $("live-keep").hidden, asked];
    """
    assert run(modules, STUBS + LIVE + script) == [True, True, []]


def test_a_recording_that_the_browser_cannot_read_is_asked_for_in_another_container(modules: Path):
    script = """
      const { heardOf } = await import("./sound.js");
      globalThis.OfflineAudioContext = class {
        async decodeAudioData(bytes) {
          if (new TextDecoder().decode(bytes) === "FORM") throw new DOMException("no", "EncodingError");
          return { duration: 1 };
        }
      };
      server["v1/files/a/info"] = () => [200, info("a")];
      server["v1/files/a?format=wav"] = () => [200, "wav"];
      const { playable, buffer } = await heardOf({ id: "a", file: "a", container: "aiff" }, new Blob(["FORM"]));
      return [await playable.text(), buffer.duration];
    """
    assert run(modules, STUBS + script) == ['"wav"', 1]


def test_the_page_says_who_has_the_sound(modules: Path):
    script = """
      const { keptWords } = await import("./details.js");
      return [keptWords("12:00", true), keptWords("12:00", false), keptWords(null, true), keptWords(null, false)];
    """
    both, server, browser, neither = run(modules, script)
    assert "until 12:00" in both and "keeps a copy" in both
    assert "until 12:00" in server and "no copy" in server
    assert "no longer" in browser and "keeps a copy" in browser
    assert "Neither" in neither


def test_what_a_file_states_of_its_seed_and_key_is_taken_as_it_is_known(modules: Path):
    script = """
      const { attributesOf, fieldsOf, seedOf } = await import("./piece.js");
      const told = { media_type: "audio/mpeg", made: { key: "C major" }, tempo: 90, key: "A minor", lead: null, first_downbeat: 0 };
      const { container, known } = fieldsOf(told);
      return [container, attributesOf({ known, made: told.made }, { key: null, lead: "flute" }), ["7", "-1", "x", undefined].map((seed) => seedOf({ seed }))];
    """
    assert run(modules, script) == ["mp3", {"key": "A minor", "lead": None}, [7, None, None, None]]
