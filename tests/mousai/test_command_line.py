"""Command lines that make a piece again: every number in them is the very number that was used."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.cli import build_parser
from mousai.conditioning.attributes import MusicAttributes
from mousai.regions import parse_span
from mousai.settings import number_word
from mousai.verbs.command_line import LONGEST_COMMAND, clock_words, option_words, span_word, stored_command


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value: float):
    assert float(number_word(value)) == value


@pytest.mark.parametrize(
    ("value", "word"), [(8.0, "8"), (0.1, "0.1"), (123.046875, "123.046875"), (100 / 3, "33.333333333333336")]
)
def test_the_shortest_such_text_is_written(value: float, word: str):
    assert number_word(value) == word


@given(st.floats(0, 3600), st.floats(0, 3600))
def test_a_region_reads_back_as_itself(start: float, end: float):
    assert parse_span(span_word(start, end), "region") == (start, end)


@pytest.mark.parametrize(
    "known",
    [
        MusicAttributes(),
        MusicAttributes(tempo=370 / 3, first_downbeat=1 / 3),
        MusicAttributes(key=(9, True)),
        MusicAttributes(tempo=120.0, key=(0, False)),
    ],
)
def test_a_clock_reads_back_as_itself_and_nothing_is_estimated_beside_it(known: MusicAttributes):
    words = ["edit", "in.wav", "--region", "0:1", "-o", "a.wav", *clock_words(known)]
    parsed = build_parser("edit").parse_args(words)
    assert parsed.tempo == known.tempo and parsed.no_estimates == (known.tempo is None or known.key is None)
    assert parsed.first_downbeat == (None if known.tempo is None else known.first_downbeat)


def test_options_have_the_names_of_their_fields_and_what_is_not_given_is_left_out():
    given = {"negative_prompt": "-- drums", "lora": None, "lora_scale": 0.5}
    assert option_words(given) == ["--negative-prompt=-- drums", "--lora-scale=0.5"]


def test_a_command_that_would_fill_a_file_is_not_stored():
    assert stored_command(["edit", "it's"]) == shlex.join(["edit", "it's"])
    assert stored_command(["edit", "x" * LONGEST_COMMAND]) is None
