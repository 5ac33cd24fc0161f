"""Jobs and live sessions of the page, run by node: what comes late, twice, or not at all."""

from pathlib import Path

from .page_in_node import STUBS, needs_node, run

pytestmark = needs_node


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
      const left = troubles.length + more.length;
      return [left, [...kept.keys()], $("error-text").textContent, asked.includes("predictions/here")];
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
    names, error = run(modules, STUBS + script)
    assert "mousai.job.one" in names and error == "“the piece”: the disk is full"


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
      const chunk = { type: "chunk", seconds: 0, bar: 1, beat: 1, tempo: 120, prompt: "techno" };
      this.onmessage({ data: JSON.stringify(chunk) });
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


def test_a_verb_is_asked_for_with_what_was_on_the_desk_when_it_was_pressed(modules: Path):
    script = """
      const forms = [];
      document.createElement = (name) => {
        const one = made();
        if (name === "form") forms.push(one);
        return one;
      };
      const { startWork } = await import("./work.js");
      const { choose, select, state, tell } = await import("./state.js");
      startWork();
      state.model = { verbs: ["generate", "loop"], defaults: {}, leads: [] };
      const properties = { recording: {}, region: { type: "array" }, seam: { type: "number" } };
      state.inputs = { loop: { properties } };
      tell("model", {});
      const song = { parent: null, container: "wav", seconds: 8, made: { prompt: "pop, 120 bpm" } };
      const piece = (id) => ({ ...song, id, title: id, file: id });
      const press = () => forms[0].onsubmit({ preventDefault() {}, target: forms[0] });
      choose(piece("a"));
      await press(); // nothing is decoded yet
      const early = [...asked];
      state.buffer = { duration: 8 };
      select({ start: 2, end: 4 }, "deck");
      let sent = null;
      server["v1/files/a/info"] = () => [200, info("a")];
      server.predictions = ({ body }) => ((sent = JSON.parse(body).input), [202, job("one", "processing")]);
      server["predictions/one"] = () => [200, job("one", "processing")];
      const done = press();
      choose(piece("b"));
      await done;
      const about = JSON.parse(kept.get("mousai.job.one")).about;
      return [early, sent, about.parent, $("error-text").textContent];
    """
    early, sent, parent, error = run(modules, STUBS + script)
    assert (early, parent, error) == ([], "a", "")
    assert sent == {"verb": "loop", "response_format": "wav", "recording": "a", "region": [2, 4]}
