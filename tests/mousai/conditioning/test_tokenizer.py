"""Our tokenizer against transformers', number by number."""

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers

from mousai.conditioning.t5_files import load_tokenizer
from mousai.conditioning.tokenizer import TOKENIZING, Tokenizer
from mousai.storage.folders import BUNDLED

FOLDER = BUNDLED / "tokenizer"
TEXTS = st.lists(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["calm", "Piano", "120", "bpm", "<pad>", "</s>", "<unk>", "é", ","]), max_size=90).map(
        " ".join
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def theirs() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def ours() -> Tokenizer:
    return load_tokenizer(FOLDER)


def same(found: Any, expected: Any) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(value, expected[name]) if isinstance(value, torch.Tensor) else value == expected[name]
        for name, value in found.items()
    )


@given(texts=TEXTS)
def test_prompts_as_the_encoder_asks(ours: Tokenizer, theirs: Any, texts: list[str]):
    arguments: dict[str, Any] = {"padding": "max_length", "truncation": True, "max_length": 64, "return_tensors": "pt"}
    assert same(ours(texts, **arguments), theirs(texts, **arguments))


@given(
    texts=TEXTS,
    padding=st.sampled_from([False, True, "longest", "max_length"]),
    truncation=st.booleans(),
    max_length=st.none() | st.integers(1, 70),
    special=st.booleans(),
)
def test_every_way_of_asking(ours, theirs, texts, padding, truncation, max_length, special):
    arguments = {"padding": padding, "max_length": max_length, "add_special_tokens": special, "verbose": False}
    # Without a word about it, transformers takes a length alone for a wish to cut.
    arguments |= {"truncation": truncation, "return_offsets_mapping": True}
    assert same(ours(texts, **arguments), theirs(texts, **arguments))
    assert same(ours(texts[0], **arguments), theirs(texts[0], **arguments))


@given(text=st.text(max_size=100))
def test_names_and_numbers(ours: Tokenizer, theirs: Any, text: str):
    assert ours.tokenize(text) == theirs.tokenize(text)
    assert len(ours) == len(theirs) and ours.get_vocab() == theirs.get_vocab()
    assert (ours.pad_token_id, ours.eos_token_id, ours.unk_token_id) == (0, 1, 2)
    assert (theirs.pad_token_id, theirs.eos_token_id, theirs.unk_token_id) == (0, 1, 2)
    assert ours.model_max_length == theirs.model_max_length == 64


@pytest.mark.parametrize("side", ["left", "right"])
def test_sides(theirs: Any, side: str):
    backend = tokenizers.Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    sides = {"padding_side": side, "truncation_side": side}
    ours = Tokenizer(backend, special={"pad_token": "<pad>"}, sides=sides)
    expected = copy.deepcopy(theirs)
    expected.padding_side = expected.truncation_side = side
    arguments: dict[str, Any] = {"padding": "max_length", "truncation": True, "max_length": 9}
    texts = ["calm piano pop, 100 bpm, in C minor", "jazz"]
    assert same(ours(texts, **arguments), expected(texts, **arguments))


def test_special_tokens_that_a_vocabulary_lacks_get_the_numbers_that_transformers_gives():
    from transformers import PreTrainedTokenizerFast

    def made() -> tokenizers.Tokenizer:
        backend = tokenizers.Tokenizer(models.WordLevel({"<unk>": 0, "calm": 1, "<s>": 2}, unk_token="<unk>"))
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        return backend

    special = {"pad_token": "[P]", "eos_token": "[E]", "unk_token": "<unk>", "bos_token": "<s>", "cls_token": "[E]"}
    ours = Tokenizer(made(), special=special)
    theirs = PreTrainedTokenizerFast(tokenizer_object=made(), **special)
    assert ours.get_vocab() == theirs.get_vocab() and ours.get_vocab()["[E]"] == 3
    for text in ("calm [P] <s> [E]", "calm<s>calm", "[e] CALM"):
        assert ours(text)["input_ids"] == theirs(text)["input_ids"]


def test_written_and_read_again_by_us_and_by_transformers(ours: Tokenizer, tmp_path: Path):
    from transformers import AutoTokenizer

    ours(["calm"], padding="max_length", truncation=True, max_length=7)
    ours.save_pretrained(tmp_path)
    again, theirs = load_tokenizer(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert again.special_tokens_map == ours.special_tokens_map and again.sides == ours.sides
    text = "calm piano, 120 bpm </s> " * 9
    assert again(text) == ours(text)
    assert theirs(text, verbose=False)["input_ids"] == ours(text)["input_ids"]
    assert theirs.model_max_length == again.model_max_length == 64
    assert (theirs.pad_token, theirs.eos_token, theirs.unk_token) == ("<pad>", "</s>", "<unk>")


def test_copies_and_other_processes(ours: Tokenizer):
    for made in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert made("calm piano") == ours("calm piano") and made.pad_token_id == 0


def test_what_it_does_not_do_is_said(ours: Tokenizer):
    with pytest.raises(ValueError, match="padding='widest'"):
        ours("calm", padding="widest")
    with pytest.raises(ValueError, match="return_tensors='np'"):
        ours("calm", return_tensors="np")
    bare = Tokenizer(tokenizers.Tokenizer(models.WordLevel({"calm": 0}, unk_token="calm")), special={})
    with pytest.raises(ValueError, match="no pad_token"):
        bare("calm", padding="max_length", max_length=3)


@pytest.mark.parametrize("way", ["tokenize", "call", "save"])
def test_only_one_thread_at_a_time_changes_what_it_pads(ours: Tokenizer, tmp_path: Path, way: str):
    ways = {
        "tokenize": lambda: ours.tokenize("calm piano"),
        "call": lambda: ours("calm piano", padding="max_length", max_length=64),
        "save": lambda: ours.save_pretrained(tmp_path),
    }
    other = threading.Thread(target=ways[way], daemon=True)
    with TOKENIZING:
        other.start()
        other.join(0.1)
        assert other.is_alive()
    other.join(30)
    assert not other.is_alive()
