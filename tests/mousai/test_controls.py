"""Chords, melody, section and form, from the call of the pipeline to the conditions of stage 2."""

from pathlib import Path

import pytest
import torch

from mousai import Conditioning, Controls, Mousai, MusicAttributes, UserError, read_melody
from tests.mousai.pipeline.conditionings import watched_conditionings

QUICK = {"num_inference_steps": 1, "decoder_steps": 1, "seed": 1}
PROMPT = "calm piano pop, 120 bpm"  # bars of 2 s
NOTES = [(0.0, 0.5, 60), (0.5, 1.0, 62)]


@pytest.fixture(scope="module")
def pipe(controlled_model: Path) -> Mousai:
    pipe = Mousai.from_pretrained(controlled_model, dtype="float32", device="cpu")
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def conditions(pipe: Mousai, monkeypatch: pytest.MonkeyPatch) -> list[Conditioning]:
    """What stage 2 is given by each call."""
    return watched_conditionings(pipe, monkeypatch)


def refused(pipe: Mousai, *args, **settings) -> str:
    with pytest.raises(UserError) as caught:
        pipe(*args, **{**QUICK, **settings})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_controls_reach_stage_2(pipe: Mousai, conditions: list[Conditioning]):
    result = pipe(PROMPT, duration=3.0, chords="Am F", melody=NOTES, section="chorus", **QUICK)
    [cond] = conditions
    assert list(cond.controls) == [
        Controls(
            chords=((0.0, 2.0, "A:min"), (2.0, 3.0, "F:maj")),
            melody=tuple(NOTES),
            sections=((0.0, 3.0, "chorus"),),
        )
    ]
    assert {name: result.settings[name] for name in ("chords", "melody", "section")} == {
        "chords": "Am F",
        "melody": "[[0.0,0.5,60],[0.5,1.0,62]]",
        "section": "chorus",
    }


def test_a_call_without_controls_tells_of_none(pipe: Mousai, conditions: list[Conditioning]):
    result = pipe(PROMPT, duration=0.2, **QUICK)
    assert list(conditions[0].controls) == []
    assert not {"chords", "melody", "section", "form"} & result.settings.keys()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"chords": "Am"}, {"chords": "F#"}),
        ({"chords": "Am"}, {}),
        ({"melody": NOTES}, {"melody": [(0.0, 1.0, 67)]}),
        ({"section": "intro"}, {"section": "chorus"}),
        ({"form": "intro:1 chorus:1"}, {"form": "intro:1 outro:1"}),
    ],
)
def test_what_is_asked_is_heard(pipe: Mousai, one: dict, other: dict):
    kept = {"duration": 4.0, "output_type": "latent", **QUICK}
    first, second = (pipe(PROMPT, **asked, **kept).audios for asked in (one, other))
    assert not torch.allclose(first, second, atol=1e-4)
    assert torch.equal(first, pipe(PROMPT, **one, **kept).audios)


def test_each_piece_of_a_batch_has_the_bars_of_its_own_tempo(pipe: Mousai, conditions: list[Conditioning]):
    prompts = ["piano, 120 bpm", "metal, 60 bpm"]
    result = pipe(prompts, duration=3.0, num_waveforms_per_prompt=2, chords="Am F", **QUICK)
    fast, slow = ((0.0, 2.0, "A:min"), (2.0, 3.0, "F:maj")), ((0.0, 3.0, "A:min"),)
    assert [one.chords for one in conditions[0].controls] == [fast, fast, slow, slow]
    alone = pipe(prompts[1], duration=3.0, chords="Am F", **{**QUICK, "seed": 3})
    assert torch.allclose(result.audios[2], alone.audios[0], atol=1e-5)


def test_the_form_gives_the_length(pipe: Mousai, conditions: list[Conditioning]):
    result = pipe(PROMPT, form="intro:1 verse:1", **QUICK)
    assert result.audios.shape[-1] == 4 * 48000 and result.settings["duration"] == 4.0
    assert conditions[0].controls[0].sections == ((0.0, 2.0, "intro"), (2.0, 4.0, "verse"))
    longer = pipe("piano", form="intro:1", duration=2.5, attributes=MusicAttributes(tempo=120), **QUICK)
    assert longer.audios.shape[-1] == 120000
    assert conditions[1].controls[0].sections == ((0.0, 2.5, "intro"),)


def test_times_are_those_of_the_recording(pipe: Mousai, conditions: list[Conditioning]):
    sound = 0.1 * torch.randn(2, 2 * 48000, generator=torch.Generator().manual_seed(0))
    clock = MusicAttributes(tempo=120, first_downbeat=0.5)
    given = {"chords": "Am F", "melody": read_melody(NOTES, start=2.0), "attributes": clock}
    pipe("piano", inpaint_audio=sound, inpaint_before_seconds=1.0, duration=4.5, **given, **QUICK)
    for cond in conditions:
        [controls] = set(cond.controls)
        # From -1 s, where the new music before it begins, to 3.5 s.
        assert controls.chords == ((-1.0, 0.5, "F:maj"), (0.5, 2.5, "A:min"), (2.5, 3.5, "F:maj"))
        assert controls.melody == ((2.0, 2.5, 60), (2.5, 3.0, 62))
    assert [cond.start_seconds[0] for cond in conditions] == pytest.approx([-1.0, -1.0], abs=1 / 46)  # a frame


def test_times_of_a_recording_to_start_from(pipe: Mousai, conditions: list[Conditioning]):
    sound = 0.1 * torch.randn(2, 48000, generator=torch.Generator().manual_seed(0))
    pipe("piano", init_audio=sound, chords=[("Am", 0.0), ("F", 0.5)], **QUICK)
    assert conditions[0].controls[0].chords == ((0.0, 0.5, "A:min"), (0.5, 1.0, "F:maj"))
    # The prompt's tempo is not the recording's.
    assert "chords: counts bars, which need a tempo" in refused(pipe, PROMPT, init_audio=sound, chords="Am F")


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"chords": "Hm"}, "chords='Hm': is no chord; nearest: Bm"),
        ({"chords": [("Am", 9.0)], "duration": 2.0}, "chords: A:min begins at 9 s, after the end of the piece"),
        ({"melody": NOTES, "duration": 0.5}, "melody: ends at 1.00 s, the piece at 0.50 s"),
        ({"section": "bridge"}, "section='bridge': must be one of intro, verse, chorus, break, outro"),
        ({"section": "verse", "form": "verse:4"}, "section='verse': is one section for the whole piece"),
        ({"form": "verse:4", "duration": 3.0}, "duration=3: is shorter than form, 4 bars, 8.00 s at 120 bpm"),
        ({"form": "verse:1000 chorus:1000"}, "form='verse:1000 chorus:1000': lasts 4000 s; a piece lasts 3600 s"),
    ],
)
def test_impossible_controls(pipe: Mousai, conditions: list[Conditioning], settings: dict, shown: str):
    assert shown in refused(pipe, PROMPT, **settings)
    assert conditions == []


def test_prompts_without_a_tempo_have_no_bars(pipe: Mousai):
    assert "chords: counts bars, which need a tempo" in refused(pipe, "piano", chords="Am F")
    assert "form: counts bars, which need a tempo" in refused(pipe, "piano", form="verse:4")


def test_chords_beside_the_new_music_are_refused(pipe: Mousai, conditions: list[Conditioning]):
    sound = 0.1 * torch.randn(2, 3 * 48000, generator=torch.Generator().manual_seed(0))
    region = {"inpaint_mask_start_seconds": 1.5, "inpaint_mask_end_seconds": 2.0}
    shown = refused(pipe, "piano", inpaint_audio=sound, melody=NOTES, **region)
    assert "melody: none of it lies in the new music, 1.5 to 2 s" in shown and conditions == []


def test_a_model_that_was_not_trained_with_it(saved_model: Path, controlled_model: Path):
    plain = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    assert plain.controls == ()
    for name, value in {"chords": "Am", "melody": NOTES, "section": "verse", "form": "verse:1"}.items():
        assert refused(plain, PROMPT, **{name: value}).startswith(f"{name}: this model was not trained with")
    assert Mousai.from_pretrained(controlled_model, device="cpu").controls == ("chords", "melody", "section")
