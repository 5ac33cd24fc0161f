"""Functions of the page that need no browser, run by node: clocks, sentences, what is told of a piece."""

from pathlib import Path

from mousai.conditioning.attributes import key_name, parse_attributes
from mousai.conditioning.leads import LEADS

from .page_in_node import STUBS, needs_node, run

pytestmark = needs_node


def test_what_a_recording_states_of_its_clock_stops_no_page(modules: Path):
    stated = [
        *({"tempo": "-120"}, {"tempo": "1e9"}, {"tempo": "NaN"}, {"tempo": "0"}),
        {"tempo": "120", "first_downbeat": "x"},
        *({"tempo": "120", "first_downbeat": "-1e18"}, {"tempo": "120", "first_downbeat": "1e300"}),
        *({"tempo": "120", "first_downbeat": "5.5"}, {"tempo": "120", "first_downbeat": "Infinity"}),
    ]
    script = """
      const { clockOf, gridLines } = await import("./clock.js");
      const typed = ({ tempo, first_downbeat }) => ({ tempo: Number(tempo), downbeat: Number(first_downbeat) });
      const lines = (clock) => clock && gridLines(clock, 600, { beats: true }).length;
      return given.flatMap((made) => [{ made }, { made: {}, clock: typed(made) }])
        .map(clockOf).map((clock) => ({ clock, lines: lines(clock) }));
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
    script = """
      const { readWords } = await import("./words.js");
      return given[0].map((one) => readWords(one, { leads: given[1] }));
    """
    found = run(modules, script, [SENTENCES, list(LEADS)])
    for sentence, one in zip(SENTENCES, found, strict=True):
        read = parse_attributes(sentence)
        key = None if read.key is None else key_name(read.key)
        assert (one["tempo"], one["key"]) == (read.tempo, key), sentence


def test_a_knob_replaces_what_the_sentence_says(modules: Path):
    script = """
      const { writeKey, writeTempo } = await import("./words.js");
      return [
        writeTempo("techno, 120-130 bpm, dark", 90), writeTempo("not 120 bpm, 90 bpm", 100),
        writeTempo("pop, tempo 120", ""), writeTempo("a pop song", 110),
        writeKey("pop in f sharp minor, 90 bpm", "C major"), writeKey("a minor feel", "A minor"),
      ];
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
      const read = { tempo: 90, key: "A minor", lead: null, first_downbeat: 0 };
      const told = { media_type: "audio/mpeg", made: { key: "C major" }, ...read };
      const { container, known } = fieldsOf(told);
      const shown = attributesOf({ known, made: told.made }, { key: null, lead: "flute" });
      return [container, shown, ["7", "-1", "x", undefined].map((seed) => seedOf({ seed }))];
    """
    assert run(modules, script) == ["mp3", {"key": "A minor", "lead": None}, [7, None, None, None]]
