"""Prompts in other words: the same request, and the comparison with the original prompts."""

import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mousai.conditioning.attributes import parse_attributes
from mousai.evaluation.clips import plan_clips
from mousai.evaluation.metrics.prompt_robustness import (
    NO_PROMPT,
    VARIATIONS,
    add_meaningless_words,
    compare_with_original,
    reorder_clauses,
    vary_prompts,
)
from mousai.evaluation.prompts import PROMPTS


def words(text: str) -> list[str]:
    return sorted(re.findall(r"[\w']+", text))


@given(seed=st.integers(0, 1000), prompt=st.sampled_from(PROMPTS))
def test_the_same_words_reorder_clauses(seed: int, prompt) -> None:
    found = reorder_clauses(prompt.text, Random(seed))
    assert (found != prompt.text) == ("," in prompt.text) and words(found) == words(prompt.text)
    assert parse_attributes(found) == parse_attributes(prompt.text)


@given(seed=st.integers(0, 1000), prompt=st.sampled_from(PROMPTS))
def test_words_that_mean_nothing_take_none_away(seed: int, prompt) -> None:
    found = add_meaningless_words(prompt.text, Random(seed))
    added = len(words(found)) - len(words(prompt.text))
    assert added == prompt.text.count(",") + 2
    assert set(words(prompt.text)) <= set(words(found))
    assert parse_attributes(found) == parse_attributes(prompt.text)


def test_ten_prompts_of_ten_genres_with_the_seeds_that_they_had() -> None:
    rows = plan_clips([(prompt, 2) for prompt in PROMPTS], seed=7)
    found = vary_prompts(rows)
    assert list(found) == [*VARIATIONS, NO_PROMPT]
    for name in VARIATIONS:
        assert len({row["genre"] for row in found[name]}) == len(found[name]) == 10
        assert [row["seed"] for row in found[name]] == [7 + 2 * number for number in range(10)]
    assert [row["prompt"] for row in found[NO_PROMPT]] == [""] * 4


def test_variations_are_compared_with_the_same_clips_of_the_original_prompts() -> None:
    def row(seed: int, genre: bool, key: bool | None, silent: float = 0.0) -> dict[str, object]:
        right = {"genre_right": genre, "tempo_right": True, "key_right": key, "lead_right": None}
        return {"seed": seed, **right, "levels": {"silent": silent}}

    original = [row(0, True, True), row(1, True, False), row(2, False, None)]
    varied = {"other order": [row(0, False, True), row(2, True, None)], NO_PROMPT: [row(5, True, None, 0.9)]}
    found = compare_with_original(varied, original)
    order = found["other order"]
    assert (order["genre"]["count"], order["genre"]["total"], order["genre"]["original"]) == (1, 2, 0.5)
    assert (order["key"]["count"], order["key"]["total"], order["key"]["original"]) == (1, 1, 1.0)
    assert "lead" not in order
    assert found[NO_PROMPT]["silent"]["value"] == 1.0
