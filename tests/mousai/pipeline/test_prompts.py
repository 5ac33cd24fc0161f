"""Prompts: guidance towards them and away from negative ones, and words that the model does not see."""

import pytest
import torch

from mousai.arguments import PromptCutWarning, UnknownWordsWarning
from mousai.pipeline import Mousai
from tests.mousai.pipeline.quick_calls import PROMPT, QUICK, close
from tests.mousai.refusing import refused


def test_at_scale_one_a_negative_prompt_would_count_for_nothing_and_is_refused(pipeline: Mousai):
    message = refused(pipeline, PROMPT, **QUICK, guidance_scale=1.0, negative_prompt="fast metal")
    assert message == "guidance_scale=1: uses no negative_prompt; give more, or leave it out"


def test_a_prompt_led_away_from_itself_is_not_led_at_all(pipeline: Mousai):
    led = pipeline(PROMPT, **QUICK, guidance_scale=7.0, negative_prompt=PROMPT, seed=1).audios
    assert close(led, pipeline(PROMPT, **QUICK, guidance_scale=1.0, seed=1).audios)


def test_at_scale_zero_the_negative_prompt_is_played(pipeline: Mousai):
    played = pipeline("fast metal", **QUICK, guidance_scale=0.0, negative_prompt=PROMPT, seed=1).audios
    assert close(played, pipeline(PROMPT, **QUICK, guidance_scale=1.0, seed=1).audios)


def test_negative_prompts_one_for_all_or_one_for_each(pipeline: Mousai):
    prompts = [PROMPT, "slow jazz trio"]
    one = pipeline(prompts, **QUICK, negative_prompt="metal", seed=1).audios
    assert torch.equal(pipeline(prompts, **QUICK, negative_prompt=["metal", "metal"], seed=1).audios, one)
    other = pipeline(prompts, **QUICK, negative_prompt=["metal", "bass"], seed=1).audios
    assert close(other[0], one[0]) and not close(other[1], one[1])
    message = refused(pipeline, prompts, **QUICK, negative_prompt=["metal"] * 3)
    assert "negative_prompt" in message and "3 for 2" in message


def test_a_prompt_that_is_cut_says_so(pipeline: Mousai):
    with pytest.warns(PromptCutWarning, match="too long, not seen of it: .*bass"):
        pipeline("piano " * 70 + "bass", **QUICK)


def test_words_that_are_not_known_are_said(pipeline: Mousai):
    for words in ("静かなピアノ", "速いメタル"):
        with pytest.warns(UnknownWordsWarning, match=f"the text encoder does not know '{words}'; other such words"):
            pipeline(words, **QUICK)


def test_a_prompt_of_which_no_word_is_known_says_so_and_a_model_without_a_list_is_silent(
    pipeline: Mousai, monkeypatch: pytest.MonkeyPatch
):
    strange = "nilo dopi"  # of letters that the tokenizer knows, and no word
    assert pipeline.unknown(strange) == [] and pipeline.not_understood(strange) is None
    monkeypatch.setattr(pipeline.text_encoder, "vocabulary", frozenset(["calm", "piano", "pop"]))
    assert pipeline.not_understood(f"{strange} piano") is None and pipeline.not_understood("") is None
    with pytest.warns(UnknownWordsWarning, match=f"^no word of '{strange}' was in the captions that this model"):
        pipeline(strange, **QUICK)
