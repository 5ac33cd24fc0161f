import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mousai.conditioning.attributes import parse_attributes
from mousai.evaluation.clips import plan_clips
from mousai.evaluation.prompts import PROMPTS
from mousai.evaluation.metrics.prompt_robustness import VARIATIONS, NO_PROMPT, compare_with_original, in_another_order, reworded, with_meaningless_words


def words(text: str) -> list[str]:
    return sorted(re.findall(r"[\w']+", text))


@given(seed=st.integers(0, 1000), prompt=st.sampled_from(PROMPTS))
def test_the_same_words_in_another_order(seed: int, prompt) -> None:
    found = in_another_order(prompt.text, Random(seed))
    assert (found != prompt.text) == ("," in prompt.text) and words(found) == words(prompt.text)
    assert parse_attributes(found) == parse_attributes(prompt.text)


@given(seed=st.integers(0, 1000), prompt=st.sampled_from(PROMPTS))
def test_words_that_mean_nothing_take_none_away(seed: int, prompt) -> None:
    found = with_meaningless_words(prompt.text, Random(seed))
    added = len(words(found)) - len(words(prompt.text))
    assert added == prompt.text.count(",") + 2
    assert set(words(prompt.text)) <= set(words(found))
    assert parse_attributes(found) == parse_attributes(prompt.text)


def test_ten_prompts_of_ten_genres_with_the_seeds_that_they_had() -> None:
    rows = plan_clips([(prompt, 2) for prompt in PROMPTS], seed=7)
    found = reworded(rows)
    assert list(found) == [*VARIATIONS, NO_PROMPT]
    for name in VARIATIONS:
        assert len({row["genre"] for row in found[name]}) == len(found[name]) == 10
        assert [row["seed"] for row in found[name]] == [7 + 2 * number for number in range(10)]
    assert [row["prompt"] for row in found[NO_PROMPT]] == [""] * 4


def test_what_is_right_stands_beside_the_prompt_as_written() -> None:
    def row(seed: int, style: bool, key: bool | None) -> dict[str, object]:
        return {"seed": seed, "genre_right": style, "tempo_right": True, "key_right": key, "lead_right": None}

    usual = [row(0, True, True), row(1, True, False), row(2, False, None)]
    found = compare_with_original({"other order": [row(0, False, True), row(2, True, None)]}, usual)["other order"]
    assert found["style"] == {"asked": 2, "right": 1, "as_written": 1}
    assert found["key"] == {"asked": 1, "right": 1, "as_written": 1}
    assert found["lead"] == {"asked": 0, "right": 0, "as_written": 0}
