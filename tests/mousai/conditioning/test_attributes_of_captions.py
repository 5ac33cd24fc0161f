"""What is read out of the composer's captions, with all their nicknames, is true of the song or nothing."""

import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai.compose import STYLES
from mousai.compose.captions import caption_from_metadata
from mousai.compose.captions.nicknames import INSTRUMENT_NICKNAMES
from mousai.compose.captions.words import INSTRUMENT_WORDS, MOOD_WORDS
from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.leads import lead_in

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
FACTS = st.fixed_dictionaries(
    {
        "genre": st.sampled_from(sorted({style.genre for style in STYLES})),
        "bpm": st.integers(54, 200),
        "beats_per_bar": st.sampled_from([3, 4]),
        "key": st.builds("{} {}".format, st.sampled_from(NAMES), st.sampled_from(["major", "minor"])),
        "style": st.sampled_from([style.name for style in STYLES]),
        "mood": st.sampled_from(sorted(MOOD_WORDS)),
        "palette": st.sampled_from(["style", "leads", "all"]),
        "instruments": st.lists(st.sampled_from([*INSTRUMENT_NICKNAMES, "drums"]), min_size=1, max_size=6, unique=True),
    }
)


@settings(max_examples=300)
@given(FACTS, st.randoms(use_true_random=False))
def test_no_wrong_tempo_key_or_lead_is_read_out_of_a_caption(facts: dict[str, Any], rng: Random):
    row = {**facts, "lead": facts["instruments"][0]}
    text = caption_from_metadata(row, rng)
    stated = parse_attributes(text)
    assert stated.tempo in (None, row["bpm"]), text
    tonic, mode = row["key"].split()
    assert stated.key in (None, (NAMES.index(tonic), mode == "minor")), text
    called = {
        name
        for instrument in row["instruments"]
        for name in (instrument, *INSTRUMENT_WORDS.get(instrument, ()), *INSTRUMENT_NICKNAMES.get(instrument, ()))
    }
    styles = {"piano"} if re.search(r"solo piano|piano (solo|pop|piece|ballad)|klavier|piano", text.lower()) else set()
    styles |= {"violin"} if "string orchestra" in text.lower() else set()
    assert stated.lead in {None, *map(lead_in, called), *styles}, text


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("rhodes solo over a les paul", "electric piano"),
        ("soul, hammond b3 lead", "organ"),
        ("strat and drums", "electric guitar"),
        ("guitar solo over piano", None),
        ("guitar and sax", None),
        ("distorted guitars", "distorted guitar"),
        ("synth bass solo over a piano", None),
        ("synth lead, bass, acoustic guitar solo", "acoustic guitar"),
        ("techno, synth lead", "synthesizer"),
    ],
)
def test_leads_go_by_their_nicknames(text: str, lead: str | None):
    assert lead_in(text) == lead


@pytest.mark.parametrize("text", ["mid-tempo 90s hip hop", "slow tempo 80s pop", "tempo 70s", "mid-tempo 4/4"])
def test_a_decade_behind_the_word_tempo_is_no_tempo(text: str):
    assert parse_attributes(text).tempo is None


@pytest.mark.parametrize("text", ["d&b minor key", "r&b major key, 90 bpm"])
def test_a_letter_behind_an_ampersand_is_no_key(text: str):
    assert parse_attributes(text).key is None
