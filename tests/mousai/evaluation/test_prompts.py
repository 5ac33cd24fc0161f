"""The prompts: they name what they ask for, cover the styles, and have words that no caption has."""

import re
from random import Random

from mousai.compose import GENRES, caption, compose_song
from mousai.compose.styles import styles_of
from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.leads import family_of
from mousai.evaluation.judges.key import key_parts
from mousai.evaluation.prompts import PROMPTS, all_prompts, grid


def test_prompts_cover_the_genres_evenly() -> None:
    assert len(PROMPTS) == 40
    assert {sum(prompt.genre == genre for prompt in PROMPTS) for genre in GENRES} == {4}
    for first in range(0, 40, 10):
        assert {prompt.genre for prompt in PROMPTS[first : first + 10]} == set(GENRES)
    assert len({prompt.text for prompt in all_prompts()}) == len(all_prompts()) == 72


def test_the_grid_is_whole() -> None:
    cells = list(grid())
    assert len(cells) == 32
    for style in {cell.style for cell in cells}:
        of_style = [cell for cell in cells if cell.style == style]
        for name in ("bpm", "key", "lead"):
            values = [getattr(cell, name) for cell in of_style]
            assert len(set(values)) == 2 and values.count(values[0]) == 4


def test_the_text_names_what_the_prompt_asks_for_and_the_style_has_it() -> None:
    for prompt in all_prompts():
        (style,) = [style for style in styles_of(prompt.genre) if style.name == prompt.style]
        assert style.tempo[0] <= prompt.bpm <= style.tempo[1]
        parsed = parse_attributes(prompt.text)
        assert parsed.tempo == prompt.bpm
        assert (parsed.key is None) == (prompt.key is None)
        if prompt.key is not None and parsed.key is not None:
            assert key_parts(prompt.key) == (parsed.key[0], int(parsed.key[1]))
        if prompt.lead is not None:
            (lead,) = [part for part in style.parts if part.role == "lead"]
            assert prompt.lead in lead.instruments and family_of(prompt.lead) is not None


def test_no_caption_has_all_words_of_a_prompt_and_most_prompts_have_words_that_no_caption_has() -> None:
    bags = []
    for seed in range(1500):
        song = compose_song(seed, duration=4.0)
        bags.append(set(re.findall(r"\w+", caption(song, Random(seed)).lower())))
    known = set().union(*bags)
    asked = [set(re.findall(r"[^\W\d]+", prompt.text.lower())) for prompt in all_prompts()]
    assert not any(words <= bag for words in asked for bag in bags)
    assert sum(bool(words - known) for words in asked) >= 70
