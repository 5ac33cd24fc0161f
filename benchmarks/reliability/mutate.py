"""Mutations of bytes, JSON, texts and command lines; every one a function of a seeded `random.Random`."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

_SIZES = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 1000, 2**31, 2**63, -(2**63), 10**19, 0.0, -0.0, 0.5, 1e-300, 1e300, -1e300),
    *(
        "",
        " ",
        "\0",
        "0",
        "x" * 300,
        "../../x",
        "/etc/passwd",
        "\u202e\x1b[2J",
        "nan",
        "true",
        "1e999",
        "é\u0301\u200d",
    ),
    *([], {}, [[]], [0] * 50, ["x"], {"": ""}, {"x": None}, [None, 1, "a"]),
)
_LITERALS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-",
    "01",
    "'a'",
    "9" * 400,
    '"\\ud800"',
    '"\\u0000"',
    "[" * 80,
    "",
)
_PIECES = (
    *(
        "\0",
        "\ud800",
        "\u202e",
        "\u200b",
        "\u0301" * 40,
        "\ufeff",
        "🎷",
        "\x1b[2J",
        "\r\n",
        "\t",
        " " * 200,
        "٣",
        "½",
        "²",
    ),
    *("-", "--", "=", ":", "|", ",", ".", "/", "'", '"', "\\", "%s", "{}", "$(x)", "#", "♯", "♭", "∞", "NaN", "inf"),
    *(
        "9" * 400,
        "1e999",
        "-1",
        "0",
        "0x10",
        "1_000",
        "1,200",
        "120.5.5",
        "120 bpm",
        "bpm",
        "minor",
        "a minor",
        "key of",
    ),
    *("not in", "led by", "bars", "C#m7b5/G", "Am:0", "verse:0", "0:0", "8:4", "1/0", "x" * 3000, "to 130 and " * 50),
)


def count_of(rng: random.Random) -> int:
    """How many mutations a case gets: mostly one, seldom many."""
    return rng.choice((1, 1, 1, 1, 2, 2, 3, 8))


def mutated_bytes(rng: random.Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Bytes with a few mutations: flips, numbers in their place, cuts, repetitions, and parts of other files.

    Args:
        rng: what is drawn.
        data: the file.
        others: files whose parts are spliced in.
    """
    found = bytearray(data)
    for _ in range(count_of(rng)):
        at = rng.randrange(len(found) + 1)
        if rng.random() < 0.6:  # headers are where it is decided
            at = min(at, rng.randrange(1, 200))
        length = min(rng.choice((1, 2, 4, 8, 16, 100, 1000)), len(found) - at)
        kind = rng.randrange(10)
        if kind <= 1 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 2 and at < len(found):
            found[at] = rng.choice((0, 1, 0x20, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind <= 4:
            width = rng.choice((2, 4, 8))
            number = rng.choice((*_SIZES, len(found), rng.getrandbits(64))) % 256**width
            found[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
        elif kind == 5:
            del found[at:]
        elif kind == 6:
            del found[at : at + length]
        elif kind == 7:
            found[at:at] = found[at : at + length] * rng.choice((1, 2, 50))
        elif kind == 8:
            found[at : at + length] = rng.choice((bytes(length), rng.randbytes(length)))
        elif others:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            found[at : at + length] = other[begin : begin + rng.choice((4, 32, 1000))]
    return bytes(found[: 2**20])


def mutated_json(rng: random.Random, value: Any) -> str:
    """JSON whose values, keys or depth were changed in a few places; sometimes no JSON any more."""
    holder = [copy.deepcopy(value)]
    try:
        for _ in range(count_of(rng)):
            _change(rng, holder)
        text = json.dumps(holder[0], ensure_ascii=rng.random() < 0.5)
    except RecursionError:  # a part put into itself a few times is deeper than Python copies
        text = "[" * 3000 + "]" * 3000
    if rng.random() < 0.15:
        at = rng.choice([k for k, letter in enumerate(text) if letter in ':,[{"'] or [0])
        text = text[: at + 1] + rng.choice(_LITERALS) + text[at + 1 + rng.choice((0, 1, 3)) :]
    if rng.random() < 0.05 and text.startswith("{"):  # a key twice
        text = "{" + json.dumps(rng.choice(list(holder[0]) or ["x"])) + ": 1, " + text[1:]
    return text


def _change(rng: random.Random, holder: list[Any]) -> None:
    """Change one place inside of the only value of `holder`."""
    places: list[tuple[Any, Any]] = [(holder, 0)]
    for container, key in places:  # grows while it is walked
        below = container[key]
        if isinstance(below, dict | list):
            places += [(below, one) for one in (below if isinstance(below, dict) else range(len(below)))]
    container, key = rng.choice(places[1:] if len(places) > 1 and rng.random() < 0.98 else places)
    old, kind = container[key], rng.randrange(10)
    if kind == 0 and isinstance(container, dict):
        del container[key]
    elif kind == 1 and isinstance(container, dict):
        container[mutated_text(rng, key) if rng.random() < 0.5 else f"{key}_"] = container.pop(key)
    elif kind == 2:
        other, there = rng.choice(places)
        container[key] = copy.deepcopy(other[there])
    elif kind == 3:
        for _ in range(rng.choice((1, 3, 70, 400))):
            old = [old] if rng.random() < 0.5 else {"x": old}
        container[key] = old
    elif kind == 4 and isinstance(old, list):
        container[key] = old * rng.choice((0, 2, 100)) if rng.random() < 0.7 else old[:-1]
    elif kind <= 6 and isinstance(old, int | float) and not isinstance(old, bool):
        container[key] = rng.choice((old + 1, old - 1, -old, old * 2, old * 1000, old / 2, float(old), str(old)))
    elif kind <= 6 and isinstance(old, str):
        container[key] = mutated_text(rng, old)
    else:
        container[key] = copy.deepcopy(rng.choice(_VALUES))


def mutated_text(rng: random.Random, text: str, more: Sequence[str] = ()) -> str:
    """A text with a few mutations: odd letters, numbers, words of others, repetitions and cuts.

    Args:
        rng: what is drawn.
        text: the text.
        more: texts whose words are spliced in.
    """
    for _ in range(count_of(rng)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((0, 1, 3, 10)))
        kind = rng.randrange(11)
        if kind >= 8:
            text = text[:at] + rng.choice("0123456789abcdefgABCDEFG#:/|, .-") + text[at + rng.choice((0, 1)) :]
        elif kind <= 2:
            text = text[:at] + rng.choice(_PIECES) + text[end:]
        elif kind == 3:
            text = text[:at] + text[end:]
        elif kind == 4:
            text = text[:at] + text[at:end] * rng.choice((2, 3, 200)) + text[end:]
        elif kind == 5 and more:
            words = rng.choice(more).split()
            begin = rng.randrange(len(words) + 1)
            text = text[:at] + " ".join(words[begin : begin + rng.choice((1, 2, 4))]) + text[end:]
        elif kind == 6:
            text = (
                text[:at]
                + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0x110000))))
                + text[at:]
            )
        else:
            text = rng.choice((text.upper(), text.swapcase(), text[::-1], text * 2, text[:at], text[at:]))
    return text[:30_000]


def mutated_words(rng: random.Random, words: Sequence[str], options: Sequence[str]) -> list[str]:
    """A command line with words left out, doubled, exchanged, changed, and with options that it did not have.

    Args:
        rng: what is drawn.
        words: the command line.
        options: options of any command.
    """
    found = list(words)
    for _ in range(count_of(rng)):
        at = rng.randrange(len(found) + 1)
        kind = rng.randrange(9)
        if kind == 0:
            del found[at : at + 1]
        elif kind == 1:
            found[at:at] = found[at : at + 1] * rng.choice((1, 2, 30))
        elif kind == 2 and len(found) > 1:
            other = rng.randrange(len(found))
            at = min(at, len(found) - 1)
            found[at], found[other] = found[other], found[at]
        elif kind <= 4:
            value = rng.choice((rng.choice(_PIECES), rng.choice(found or [""]), str(rng.randrange(-5, 300))))
            option = rng.choice(options)
            found[at:at] = [f"{option}={value}"] if rng.random() < 0.3 else [option, value][: rng.choice((1, 2, 2))]
        elif kind == 5:
            found[at:at] = [rng.choice(_PIECES)]
        elif at < len(found):
            found[at] = rng.choice((mutated_text(rng, found[at]), rng.choice(_PIECES)))
    return found
