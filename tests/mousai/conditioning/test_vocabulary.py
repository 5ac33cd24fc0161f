"""Words that a model's captions had: which prompts it knows nothing of, and the file that says so."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.vocabulary import (
    LARGEST,
    MOST_WORDS,
    VOCABULARY,
    content_words,
    is_strange,
    joined,
    load_vocabulary,
    vocabulary_json,
    vocabulary_of,
)
from mousai.errors import UserError

KNOWN = vocabulary_of(["calm piano pop, 100 bpm", "música electrónica for a party", "lo-fi hip hop"])


def test_content_words_say_how_music_sounds() -> None:
    assert content_words("A calm Piano song with 2 flutes, 100 bpm!") == ["calm", "piano", "flutes", "bpm"]
    assert content_words("Música électronique") == ["musica", "electronique"]
    assert content_words("some music, please make a track") == []


@pytest.mark.parametrize("prompt", ["qwxz blorp", "Blorp!", "qwxz music", "zzz, 120"])
def test_a_prompt_of_nothing_known_is_strange(prompt: str) -> None:
    assert is_strange(prompt, KNOWN)


@pytest.mark.parametrize(
    "prompt",
    ["qwxz piano", "pianos", "pian", "musica electronica", "electronic", "party!", "", "a song", "120", "d&b", "LO-FI"],
)
def test_one_known_word_is_enough_and_no_word_says_nothing(prompt: str) -> None:
    assert not is_strange(prompt, KNOWN)


@given(st.lists(st.text("abcdefgh ", max_size=20), max_size=6))
def test_no_caption_is_strange_to_the_vocabulary_of_captions(captions: list[str]) -> None:
    vocabulary = vocabulary_of(captions)
    assert not any(is_strange(caption, vocabulary) for caption in captions)


def test_the_most_frequent_words_are_kept() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    many = " ".join(f"{a}{b}{c}{d}" for a in letters for b in letters for c in letters for d in letters[:2])
    assert "piano" in vocabulary_of(["piano piano", many]) and len(vocabulary_of(["piano piano", many])) == MOST_WORDS


def test_words_that_join_others_stay_within_what_can_be_read_again(tmp_path: Path) -> None:
    new = frozenset(f"new{number}" for number in range(MOST_WORDS))
    old = frozenset(f"{'o' * (number % 30)}ld{number}" for number in range(LARGEST))
    both = joined(new, old)
    assert len(both) == LARGEST and new < both and both <= new | old
    assert max(map(len, both - new)) <= min(map(len, old - both))
    assert joined(new, both) == both  # so a run that goes on changes nothing
    path = tmp_path / VOCABULARY
    path.write_text(json.dumps(vocabulary_json(both)))
    assert load_vocabulary(path) == both
    assert joined(frozenset({"a"}), frozenset({"b"})) == {"a", "b"}


def test_a_vocabulary_is_kept_beside_the_text_encoder(tmp_path: Path) -> None:
    text = T5TextEncoder.small(["calm piano pop"], features=32, layers=1)
    assert not text.strange("qwxz blorp")  # nobody knows what its captions had
    text.save(tmp_path / "without")
    assert T5TextEncoder.load(tmp_path / "without").vocabulary is None
    text.vocabulary = KNOWN
    assert text.strange("qwxz blorp") and not text.strange("calm")
    text.save(tmp_path / "with")
    assert T5TextEncoder.load(tmp_path / "with").vocabulary == KNOWN


@pytest.mark.parametrize("held", ['{"words": "piano"}', '{"words": [1]}', "{}", "[]", "{"])
def test_a_file_that_is_no_vocabulary_is_named(tmp_path: Path, held: str) -> None:
    path = tmp_path / VOCABULARY
    path.write_text(held)
    with pytest.raises(UserError, match=VOCABULARY):
        load_vocabulary(path)
    path.write_text(json.dumps(vocabulary_json(KNOWN)))
    assert load_vocabulary(path) == KNOWN and load_vocabulary(tmp_path / "none.json") is None
