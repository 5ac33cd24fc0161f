"""The model that comes along: what it weighs, that it plays, and that notes survive its autoencoder."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mousai import Mousai
from mousai.compose import compose_song, render_song
from mousai.compose.styles import GENRES
from mousai.conditioning.leads import LEADS
from mousai.errors import UserError
from mousai.storage.folders import BUNDLED, model_folder


@pytest.fixture(scope="module")
def pipeline() -> Mousai:
    return Mousai.from_pretrained(dtype="float32")


def test_weighs_less_than_48_megabytes_and_holds_no_pickle():
    files = [path for path in BUNDLED.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    assert sum(path.stat().st_size for path in files) < 48e6


def test_goes_by_the_name_bundled_and_a_folder_called_so_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundled").mkdir()
    assert model_folder("bundled") == model_folder(None) == BUNDLED
    with pytest.raises(UserError, match="revision='abc': is the commit of a model of the hub; name the model too"):
        model_folder("bundled", revision="abc")
    assert model_folder("./bundled").resolve() == model_folder(Path("bundled")).resolve() == tmp_path / "bundled"


def test_is_64_times_compressed_48_khz_stereo(pipeline: Mousai):
    config = pipeline.autoencoder.config
    assert (config.sample_rate, config.audio_channels, config.compression) == (48000, 2, 64)


def test_plays_for_the_time_asked_and_the_same_again(pipeline: Mousai):
    settings = {"duration": 2.5, "num_inference_steps": 8, "seed": 5}
    first = pipeline("calm piano pop, 100 bpm", **settings).audios
    assert first.shape == (1, 2, 120000)
    assert first.abs().max() <= 0.99 + 1e-6 and first.square().mean().sqrt() > 0.01
    assert torch.equal(pipeline("calm piano pop, 100 bpm", **settings).audios, first)
    other = pipeline("fast metal with distorted guitar, 170 bpm", **settings).audios
    assert (other - first).square().mean() > 0.1 * first.square().mean()


@pytest.mark.parametrize(
    ("prompt", "slowest", "fastest"),
    [
        ("deep house for a rooftop party", 115, 132),
        ("techno", 118, 140),
        ("dark trap beat", 60, 90),
        ("reggae relajado para la playa", 62, 92),
        ("rooftop party, 99 bpm", None, None),
        ("qoodip", None, None),
    ],
)
def test_tells_usual_tempos(pipeline: Mousai, prompt: str, slowest: int | None, fastest: int | None):
    tempo = pipeline.usual_tempo(prompt)
    assert tempo is None if slowest is None or fastest is None else tempo is not None and slowest <= tempo <= fastest


def test_says_in_one_line_that_it_knows_no_word_of_a_prompt(pipeline: Mousai):
    assert "no word of 'qoodip' was in the captions" in str(pipeline.not_understood("qoodip"))
    for genre in GENRES:
        assert pipeline.not_understood(f"some {genre}, please") is None
    for lead in LEADS:
        assert pipeline.not_understood(lead) is None
    assert pipeline.not_understood("") is None


@pytest.mark.slow
@pytest.mark.fluidsynth
@pytest.mark.parametrize(("genre", "seed"), [("pop", 770001), ("electronic", 770002), ("jazz", 770003)])
def test_notes_survive_the_autoencoder(pipeline: Mousai, genre: str, seed: int):
    from mousai.evaluation.metrics.reconstruction_metrics import chroma_cosine, log_mel_correlation

    wave = render_song(compose_song(seed, genre=genre, duration=12.0)).mix
    audio = torch.from_numpy(np.ascontiguousarray(wave))[None]
    again = pipeline.decode(pipeline.encode(audio), length=audio.shape[-1])[0].numpy()
    assert again.shape == wave.shape
    assert log_mel_correlation(wave, again) >= 0.88
    assert chroma_cosine(wave, again) >= 0.6


@pytest.mark.slow
def test_the_chords_that_are_asked_for_are_heard(pipeline: Mousai):
    from mousai.evaluation.judges.chords import estimate_chords

    asked = ["A:min", "F:maj", "C:maj", "G:maj"]  # three seconds each at 80 bpm
    heard = []
    for prompt, seed in (("soul ballad, 80 bpm", 3), ("calm piano pop, 80 bpm", 5)):
        audio = pipeline(prompt, chords="Am F C G", duration=24.0, seed=seed).audios[0].numpy()
        segments = estimate_chords(audio, sample_rate=48000)
        for time in np.arange(0.25, 24.0, 0.5):
            label = next(label for start, end, label in segments if start <= time < end)
            heard.append(label == asked[int(time // 3) % 4])
    assert np.mean(heard) > 0.6  # by chance one in twenty-four


@pytest.mark.slow
def test_an_intro_is_quieter_than_a_chorus_wherever_it_stands(pipeline: Mousai):
    for prompt, seed in (("house groove, 124 bpm", 1), ("techno, 130 bpm", 3)):
        for form, louder in (("intro:4 chorus:4", 1), ("chorus:4 intro:4", 0)):
            audio = pipeline(prompt, form=form, seed=seed).audios[0]
            levels = [10 * part.square().mean().log10() for part in audio.chunk(2, dim=1)]
            assert levels[louder] - levels[1 - louder] > 2  # in composed songs about 6 dB
