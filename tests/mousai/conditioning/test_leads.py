"""The lead that a prompt names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose.styles import GENRES, STYLES, styles_of
from mousai.conditioning.leads import LEADS, family_of, lead_in


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("calm piano pop, 100 bpm", "piano"),
        ("electric piano ballad", "electric piano"),  # and no piano
        ("jazz with piano and double bass, sax solo", "saxophone"),
        ("the melody is on a nylon guitar, over strings and flute", "acoustic guitar"),
        ("Led by the Tin Whistle, with fiddle", "flute"),
        ("lead trumpet over an organ", "brass"),
        ("flute lead, piano", "flute"),
        ("violins on the melody, piano chords", "violin"),
        ("piano and flute", None),  # which of them?
        ("strings, and a violin", "violin"),  # one family
        ("techno with synth bass", None),
        ("synth pop", None),
        ("organic sounds on a harpsichord", None),
        ("no piano, just flute", "flute"),
        ("without a saxophone", None),
        ("roaring guitars", None),  # of which kind?
        ("", None),
    ],
)
def test_the_lead_of_a_prompt(text: str, lead: str | None):
    assert lead_in(text) == lead


def test_every_name_is_of_one_family_and_read_as_it():
    names = [name for family in LEADS.values() for name in family]
    assert len(names) == len(set(names))
    for family, own in LEADS.items():
        for name in own:
            assert lead_in(f"a tune with {name}, 90 bpm") == family
            assert lead_in(f"A TUNE, {name.upper()} LEAD; glockenspiel and cello".replace("LEAD LEAD", "LEAD")) in (
                family,
                None if name.endswith("lead") else family,
            )


def test_the_composers_leads_have_families():
    leads = {
        name
        for genre in GENRES
        for style in styles_of(genre)
        for part in style.parts
        if part.role == "lead"
        for name in part.instruments
    }
    assert len(leads) > 20
    assert {name for name in leads if lead_in(name) is None} == set()


@given(st.text())
def test_any_text_can_be_asked(text: str):
    assert lead_in(text) in (*LEADS, None)


def test_every_lead_of_every_style_has_one_family():
    names = [name for family in LEADS.values() for name in family]
    assert len(names) == len(set(names))
    for style in STYLES:
        for part in style.parts:
            if part.role == "lead":
                assert {family_of(name) for name in part.instruments} <= set(LEADS)
    assert family_of("Tenor Saxophone") == "saxophone" and family_of("theremin") is None
