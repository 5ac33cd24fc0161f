"""JSON and text come from regular files of bounded size and depth, with no key twice and no number without end."""

import os

import pytest

from mousai import UserError
from mousai.storage.json_files import json_lines, parse_json, read_json, read_text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' stands twice"),
        ("9" * 400, "a number of 400 digits"),
        ("9" * 5000, "a number of 5000 digits"),
        ("1e400", "is too large"),
        ("[NaN]", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("[" * 65 + "]" * 65, "more than 64 deep"),
        ("[" * 100_000, "more than 64 deep"),
        ('{"a":' * 70 + "1" + "}" * 70, "more than 64 deep"),
        ("{", "Expecting"),
    ],
)
def test_json_that_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        parse_json(text)


def test_a_length_without_bound_is_read_as_transformers_writes_it():
    assert parse_json("1000000000000000019884624838656") == int(1e30)


def test_json_that_is_taken():
    assert parse_json('{"a": [1, 2.5, null, {"b": "c"}], "a ": true}') == {"a": [1, 2.5, None, {"b": "c"}], "a ": True}
    assert parse_json("[" * 64 + "]" * 64)
    assert parse_json(str(2**63)) == 2**63
    assert list(json_lines('{"a": "x\u2028y\x85z"}\n\n[2]\n')) == [(1, {"a": "x\u2028y\x85z"}), (3, [2])]


def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "large").write_bytes(b" " * 101)
    (tmp_path / "small").write_bytes(b"{}" + b" " * 98)
    (tmp_path / "list").write_text("[]")
    refused = {
        "pipe": "no regular file",
        "zero": "no regular file",
        "large": "has 101 bytes",
        "nowhere": "No such file",
        "list": "must hold a JSON object",
        ".": "no regular file",
        "n" * 300: "name too long",
    }
    for name, why in refused.items():
        with pytest.raises(UserError, match=why):
            read_json(tmp_path / name, most=100)
    assert read_json(tmp_path / "small", most=100) == {}
    with pytest.raises(UserError, match="at most"):
        read_text("/proc/self/smaps", most=100)  # whose size is said to be 0
