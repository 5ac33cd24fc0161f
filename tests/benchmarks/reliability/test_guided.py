"""Bytes that a fuzzer tries as what is drawn."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.reliability import guided
from benchmarks.reliability.guided_worker import Drawn
from benchmarks.reliability.mutate import mutated_text


@given(st.binary(max_size=64), st.integers(1, 300))
def test_numbers_follow_from_the_bytes_and_stay_in_their_range(data, bits):
    one, two = Drawn(data), Drawn(data)
    for _ in range(20):
        assert 0 <= one.random() < 1 and 0 <= one.getrandbits(bits) < 2**bits
        assert one.choice("abc") in "abc" and len(one.randbytes(3)) == 3
    for _ in range(20):
        two.random(), two.getrandbits(bits), two.choice("abc"), two.randbytes(3)
    assert one.random() == two.random() and mutated_text(one, "calm") == mutated_text(two, "calm")


def test_what_the_bytes_say_is_drawn():
    assert Drawn(b"\0\0\0\x80").random() == 0 and Drawn(b"\0\x80").random() == 0.5
    assert Drawn(b"\x2a").getrandbits(8) == 42
    # A change behind what was drawn changes nothing of it.
    assert Drawn(b"ab" + bytes(8)).random() == Drawn(b"ab" + b"\1" * 8).random()
    found = {Drawn(random.Random(seed).randbytes(8)).choice("abcdef") for seed in range(100)}
    assert found == set("abcdef")


def test_without_atheris_a_line_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guided, "find_spec", lambda name: None)
    assert guided.main(["--seconds", "1"]) == 2
    assert capsys.readouterr().err == "guided.py: needs atheris; pip install atheris\n"
