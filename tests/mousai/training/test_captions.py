"""Captions of songs for training: the paper's recipe, and the composer's sentences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.training.data.captions import caption_of

FIELDS = {"title": "Night Drive", "artist": "Nobody", "genre": "pop", "year": 1999, "duration": 30.0, "seed": 5}


def test_the_papers_recipe():
    """Every field that tells something is there nine times in ten, in any order, between spaces or commas."""
    rng = np.random.default_rng(0)
    drawn = [caption_of(FIELDS, rng) for _ in range(2000)]
    for text in ("Night Drive", "Nobody", "pop", "1999"):
        share = np.mean([text in caption for caption in drawn])
        assert share == pytest.approx(0.9, abs=0.03)
    assert not any("30" in caption or "5" in caption for caption in drawn)
    several = [caption for caption in drawn if "Night Drive" in caption and "Nobody" in caption]
    assert np.mean(["," in caption for caption in several]) == pytest.approx(0.5, abs=0.05)
    first = np.mean([caption.index("Nobody") < caption.index("Night Drive") for caption in several])
    assert first == pytest.approx(0.5, abs=0.05)
    assert caption_of(FIELDS, np.random.default_rng(3)) == caption_of(FIELDS, np.random.default_rng(3))


def test_a_single_field_is_never_dropped():
    rng = np.random.default_rng(0)
    assert {caption_of({"caption": "slow piano", "seed": 1}, rng) for _ in range(50)} == {"slow piano"}
    assert caption_of({}, rng) == ""


def test_numbers_and_lists():
    told = {
        caption_of({"bpm": 96.0, "instruments": ["piano", "double bass"]}, np.random.default_rng(k)) for k in range(99)
    }
    assert "96 bpm, piano, double bass" in told and "piano, double bass 96 bpm" in told
    assert caption_of({"bpm": "fast"}, np.random.default_rng(0)) == ""


@given(
    st.dictionaries(
        st.sampled_from(["caption", "title", "genre", "bpm", "year", "mood", "x"]), st.text() | st.integers()
    )
)
def test_any_fields_make_a_caption(fields: dict):
    caption = caption_of(fields, np.random.default_rng(0))
    assert isinstance(caption, str)


def test_composed_songs_are_told_in_the_composers_sentences():
    row = {"genre": "jazz", "style": "swing", "bpm": 120, "key": "C major", "mood": "calm", "lead": "piano"}
    row |= {"instruments": ["piano"], "palette": "style", "composer": 3}
    drawn = {caption_of(row, np.random.default_rng(k)) for k in range(50)}
    assert len(drawn) > 40 and any("jazz" in caption.lower() for caption in drawn)
