"""Prompts that were written by hand, as musicians, film makers and game developers ask: 200, of which 100 are held out.

No template made them and no caption was worded after them. Seed 25 drew the half that is held out: neither captions nor
settings are chosen by what a model makes of it. The other half may be looked at. 200 are few, so that a share is known
to about 7 points either way (95 % of 100); more would have to be made up by rules, which is what these are not.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mousai.conditioning.attributes import key_name, parse_attributes

PARTS = ("shown", "held-out")
FILE = Path(__file__).with_name("hand_prompts.tsv")


@dataclass(frozen=True)
class HandPrompt:
    """A prompt and the genres that would satisfy it.

    Args:
        text: the prompt.
        genres: one or more of `mousai.compose.GENRES`, the likeliest first.
    """

    text: str
    genres: tuple[str, ...]

    def asked(self) -> dict[str, object]:
        """What the prompt asks for, as fields of a clip's row; tempo and key are those that its text states."""
        stated = parse_attributes(self.text)
        return {
            "genre": self.genres[0],
            "genres": list(self.genres),
            "style": None,
            "bpm": stated.tempo,
            "key": None if stated.key is None else key_name(stated.key),
            "lead": None,
        }


@cache
def hand_prompts(part: str) -> tuple[HandPrompt, ...]:
    """The prompts of one of `PARTS`."""
    rows = (line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines()[1:])
    return tuple(HandPrompt(text, tuple(genres.split(","))) for of, genres, text in rows if of == part)
