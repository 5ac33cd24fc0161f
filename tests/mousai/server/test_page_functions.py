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
