"""Pairs of a prompt and a caption: the tables, and how they are shown."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mousai import UserError
from mousai.conditioning.attributes import parse_attributes
from mousai.training.config import WordingConfig
from mousai.training.data.haste import in_haste
from mousai.training.data.wordings import Wording, Wordings, read_wordings, split_wordings, validation_wordings

STATED = ("tempo", "key")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def row(prompt: Any, caption: Any) -> str:
    return json.dumps({"prompt": prompt, "caption": caption}) + "\n"


MANY = "".join(row(f"p{number}", f"c{number}") for number in range(30))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pairs.txt", MANY, "must be a table of pairs, .jsonl or .csv with the keys prompt and caption"),
        ("pairs.jsonl", row("p", "c"), "has 1 pairs; 20 or more are needed"),
        ("pairs.jsonl", MANY + row("p", ""), "line 31: needs the key caption, a text"),
        ("pairs.jsonl", MANY + row(3, "c"), "line 31: needs the key prompt, a text"),
        ("pairs.jsonl", MANY + row("p" * 2001, "c"), "line 31: prompt has 2001 letters; 2000 are the most"),
        ("pairs.jsonl", row("p", "c") * 20, "has one caption for all prompts, from which nothing can be told apart"),
        ("pairs.csv", "prompt,caption\n" + "p,c\n" * 20 + "p,\n", "row 21: needs the key caption, a text"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, name: str, text: str, said: str):
    path = write(tmp_path, name, text)
    with pytest.raises(UserError) as caught:
        read_wordings(path)
    assert str(caught.value) == f"data={path}: {said}"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("prompt", "has no column caption"),
        ("prompt;caption", "has no column prompt (columns are separated by commas, not by semicolons)"),
        ("prompt\tcaption", "has no column prompt (columns are separated by commas, not by tabs)"),
        ("prompt,caption,caption", "has two columns named caption; rename one of them, or remove it"),
        ("prompt, caption ,prompt", "has two columns named prompt; rename one of them, or remove it"),
    ],
)
def test_a_head_that_does_not_name_the_columns_once_is_one_line(tmp_path: Path, head: str, said: str):
    # The rows have more commas than the head: that is not the mistake to be told.
    path = write(tmp_path, "pairs.csv", head + "\n" + "slow, sad;calm, low piano;x\n" * 20)
    with pytest.raises(UserError) as caught:
        read_wordings(path)
    assert str(caught.value) == f"{path}: {said}"


def test_columns_without_a_name_are_let_be(tmp_path: Path):
    rows = "".join(f"p{n},c{n},,\n" for n in range(20))
    assert len(read_wordings(write(tmp_path, "pairs.csv", "prompt,caption,,\n" + rows))) == 20


def test_a_missing_table_is_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="no such file; give a table of pairs"):
        read_wordings(tmp_path / "none.jsonl")


def test_tables_of_both_kinds_say_the_same(tmp_path: Path):
    lines = [(f"some, prompt {n}", f"caption  {n % 3}") for n in range(25)]
    plain = write(tmp_path, "a.jsonl", "".join(row(*line) for line in lines))
    commas = write(tmp_path, "b.csv", "prompt,caption\n" + "".join(f'"{p}",{c}\n' for p, c in lines))
    one, two = ([(each.prompt, each.caption) for each in read_wordings(path)] for path in (plain, commas))
    assert one == two and one[1] == ("some, prompt 1", "caption 1")


def test_pairs_of_one_prompt_stay_together():
    pairs = [Wording(f"Prompt {n % 40}".upper() if n % 2 else f"prompt {n % 40}", str(n), "") for n in range(400)]
    train_pairs, val = split_wordings(pairs, 0.2)
    assert len(train_pairs) + len(val) == 400 and val
    assert not {one.prompt.lower() for one in train_pairs} & {one.prompt.lower() for one in val}


def test_a_single_pair_is_not_left_out():
    pairs = [Wording(f"prompt {n}", f"caption {n}", "") for n in range(20)]
    assert split_wordings(pairs, 0.001) == (pairs, [])  # a fiftieth of twenty, at least one: nothing to tell it from
    several = [Wording(f"prompt {n // 2}", f"caption {n}", "") for n in range(40)]
    train_pairs, val = split_wordings(several, 0.001)
    assert (len(train_pairs), len(val)) == (38, 2)


def test_validation_takes_pairs_from_everywhere_and_leaves_none_alone():
    pairs = [Wording(f"prompt {n}", f"caption {n // 10}", "") for n in range(50)]
    shown = validation_wordings(pairs, most=20, batch=8, seed=3)
    assert shown == validation_wordings(pairs, most=20, batch=8, seed=3) and len(set(shown)) == len(shown) == 20
    assert shown != validation_wordings(pairs, most=20, batch=8, seed=4)
    assert len({one.caption for one in shown[:8]}) > 2
    sizes = {
        (count, batch): len(validation_wordings(pairs[:count], most=50, batch=batch, seed=0))
        for count, batch in ((17, 8), (16, 8), (2, 8), (3, 2), (0, 8))
    }
    assert sizes == {(17, 8): 16, (16, 8): 16, (2, 8): 2, (3, 2): 2, (0, 8): 0}


def test_items_follow_from_their_number_and_passes_have_every_pair():
    pairs = [Wording(f"A prompt, number {n}, for you.", f"caption {n}", f"line {n}") for n in range(30)]
    items, again = (Wordings(pairs, WordingConfig(), seed=3) for _ in range(2))
    assert [items[n] for n in range(90)] == [again[n] for n in reversed(range(90))][::-1]
    for first in (0, 30, 60):
        assert sorted(items[n]["files"] for n in range(first, first + 30)) == sorted(one.place for one in pairs)
    plain = Wordings(pairs, WordingConfig(repeat_caption=0, careless=0, tempo=0), seed=3)
    assert {(plain[n]["prompt"], plain[n]["caption"]) for n in range(30)} == {(p.prompt, p.caption) for p in pairs}


def test_shares_of_items_are_as_asked():
    pairs = [Wording(f"A prompt, number {n}, for you.", f"caption {n}", "") for n in range(100)]
    shown = [Wordings(pairs, WordingConfig(repeat_caption=0.3, careless=0, tempo=0.2), seed=1)[n] for n in range(1000)]
    same = [item for item in shown if item["prompt"] == item["caption"]]
    timed = [item for item in shown if "bpm" in item["prompt"]]
    assert 250 < len(same) < 350 and 100 < len(timed) < 180
    for item in timed:  # prompt and caption are told the same
        assert item["prompt"].rsplit(", ", 1)[1] == item["caption"].rsplit(", ", 1)[1]
    stated = [Wording(f"prompt {n} at 99 bpm", f"caption {n}", "") for n in range(100)]
    assert not any("bpm" in Wordings(stated, WordingConfig(tempo=0.9), seed=1)[n]["caption"] for n in range(100))


def test_validation_shows_pairs_as_they_are():
    pairs = [Wording(f"Prompt {n}!", f"caption {n}", "") for n in range(30)]
    items = Wordings(pairs, WordingConfig(careless=0.9), seed=0, count=7)
    assert len(items) == 7 and [items[n]["prompt"] for n in range(7)] == [one.prompt for one in pairs[:7]]
    assert len(list(items)) == 7


def test_haste_leaves_a_prompt_to_read():
    rng = np.random.default_rng(0)
    prompt = "Dusty drums, a lazy Rhodes and rain on the window."
    typed = {in_haste(prompt, rng) for _ in range(200)}
    assert len(typed) > 50
    for text in typed:
        assert len(prompt) / 3 < len(text) <= len(prompt) and len(text.split()) >= 6
    assert all(in_haste(text, rng) for text in ("a", ".", "ab", "!!!"))


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("Slow lazy House groove in A minor, 124 BPM, with warm pads.", ["A minor", "124 BPM"]),
        ("Something for the gym, bpm: 174.5, f# major, heavy drums!", ["bpm: 174.5", "f# major"]),
        (
            "A happy 808 beat at 120 to 128 bpm with B-flat minor chords",
            ["808", "120 to 128 bpm", "B-flat minor"],
        ),
        ("Calm harp for reading a book, without any drums, no vocals", ["without any", "no vocals"]),
        ("Driving waltz in 3/4 from 1987 at 90 beats per minute please", ["3/4", "1987", "90 beats per minute"]),
    ],
)
def test_haste_leaves_numbers_tempo_and_key(prompt: str, kept: list[str]):
    rng = np.random.default_rng(0)
    typed = [in_haste(prompt, rng) for _ in range(500)]
    assert len(set(typed)) > 100
    for text in typed:
        assert all(part in text for part in kept), text
        assert all(getattr(parse_attributes(text), name) == getattr(parse_attributes(prompt), name) for name in STATED)


def test_haste_states_no_key_that_was_not_meant():
    rng = np.random.default_rng(0)
    for prompt in (
        "a sad tune, not in C major",
        "a dark minor mood, for A big major label",
        "play D, minor chords",
    ):
        before = parse_attributes(prompt)
        typed = {in_haste(prompt, rng) for _ in range(500)}
        assert len(typed) > 10 and all(parse_attributes(text).key == before.key for text in typed)


def test_shares_outside_their_range_are_one_line():
    with pytest.raises(UserError, match=r"wordings.careless=1: must be 0 or more, below 1"):
        WordingConfig(careless=1)
