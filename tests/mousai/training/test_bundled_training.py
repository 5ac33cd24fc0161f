"""What the training of the bundled model on a GPU is made of: songs without end, steps, averages, files of weights."""

import copy
import itertools
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bundled import autoencoder, generator, onto_latent
from bundled.common import Clock, EMAConfig, Steps, load_parts, save_parts
from bundled.model import put_together
from bundled.songs import Kind, Made, SongStream
from mousai import Mousai
from mousai.conditioning.attributes import MusicAttributes, attribute_signal, parse_attributes
from mousai.conditioning.text import TextEncoder
from mousai.storage.folders import BUNDLED, load_latent_diffusion


def test_the_average_is_that_of_the_weights_and_two_swaps_are_none() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = EMAConfig(model, beta=0.5, power=10.0)
    seen = []
    for step, value in enumerate((4.0, 8.0, 2.0, 6.0)):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(step)
        seen.append(average.state["weight"].item())
    # 1 - 1 ** -10 = 0 takes the first weights whole, then the decay is 1/2.
    assert seen == pytest.approx([4.0, 6.0, 4.0, 5.0], abs=5e-3)
    average.swap()
    assert model.weight.item() == pytest.approx(5.0, abs=5e-3) and average.state["weight"].item() == 6.0
    average.swap()
    assert model.weight.item() == 6.0


def test_tied_weights_are_averaged_as_one() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(1, 1, bias=False)
            self.second = nn.Linear(1, 1, bias=False)
            self.second.weight = self.first.weight

    model = Tied()
    average = EMAConfig(model, beta=0.5, power=10.0)
    for step in range(2):
        with torch.no_grad():
            model.first.weight.fill_(2.0 * step)
        average.update(step)
    assert list(average.state) == ["first.weight"]
    average.swap()
    assert model.second.weight.item() == pytest.approx(1.0, abs=1e-2)


def test_a_step_without_a_finite_gradient_is_passed_over_and_many_are_refused() -> None:
    model = nn.Linear(2, 1, bias=False)
    before = model.weight.detach().clone()
    make_step = Steps(model, torch.optim.AdamW(model.parameters(), lr=0.5), patience=2)
    model.weight.grad = torch.tensor([[1.0, float("nan")]])
    make_step(1.0)
    make_step(1.0)
    assert torch.equal(model.weight, before) and make_step.skipped == 2
    model.weight.grad = torch.tensor([[1.0, -1.0]])
    make_step(0.0)  # at a rate of none it stays where it is, and the count begins anew
    assert torch.equal(model.weight, before)
    make_step(1.0)
    assert not torch.equal(model.weight, before)
    model.weight.grad = torch.full((1, 2), float("inf"))
    make_step(1.0)
    make_step(1.0)
    with pytest.raises(RuntimeError, match="not finite in 5 of 7 steps, 3 times in a row"):
        make_step(1.0)


def test_the_rate_rises_and_falls_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    clock = Clock(60.0, warmup=4)
    assert [clock.rate(step) for step in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    now = 130.0
    assert clock.done == 0.5 and clock.rate(99) == pytest.approx(0.51)
    now = 190.0
    assert clock.done > 1 and clock.rate(99) == pytest.approx(0.02)


def test_weights_come_back_from_files_of_a_limited_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundled.common.PART", 50)
    state = {f"w{n}": torch.full((40 if n == 0 else 10,), float(n)) for n in range(24)}
    state["count"] = torch.tensor([70000])
    save_parts({**state, **{f"more{n}": torch.zeros(40) for n in range(9)}}, tmp_path, "some")
    save_parts(state, tmp_path, "some")  # takes the place of the larger one
    assert len(list(tmp_path.iterdir())) == 13
    back = load_parts(tmp_path, "some")
    assert back.keys() == state.keys() and back["w3"].dtype is torch.bfloat16
    assert all(torch.equal(back[key].float(), state[key].float()) for key in state)


def test_what_is_told_of_crops_is_the_signal_of_their_songs() -> None:
    known = [
        MusicAttributes(tempo=97.0, key=(3, True), lead="flute"),
        MusicAttributes(tempo=140.0, key=(0, False), lead="piano"),
    ]
    rate = 48000 / 4096
    songs = object.__new__(generator.Songs)
    songs.device, songs.frame_rate = torch.device("cpu"), rate
    songs.steady = torch.stack([attribute_signal([one], frames=1, frame_rate=rate)[0, :, 0] for one in known])
    songs.tempo = torch.tensor([one.tempo for one in known], dtype=torch.float64)
    starts = torch.tensor([0.0, 3.25], dtype=torch.float64)
    told = torch.tensor([[False, True, True], [True, False, False]])
    found = songs.signal(torch.tensor([0, 1]), starts, told)
    less = [replace(known[0], tempo=None), replace(known[1], key=None, lead=None)]
    expected = attribute_signal(less, frames=generator.FRAMES, frame_rate=rate, starts=[0.0, 3.25])
    assert torch.equal(found, expected)


def test_the_loss_is_that_of_the_generator() -> None:
    text, model = TextEncoder.load(BUNDLED), load_latent_diffusion(BUNDLED)
    captions = ["flute jazz, 97 bpm, Eb minor", "a calm piano piece in C major at 140 bpm", "reggae"]
    known = [parse_attributes(caption) for caption in captions]
    generator_, rate = torch.Generator().manual_seed(0), model.config.frame_rate
    latent, noise = (torch.randn(3, 128, 32, generator=generator_) for _ in range(2))
    t, dropped, starts = torch.tensor([0.2, 0.5, 0.9]), torch.tensor([False, True, False]), [0.0, 1.0, 2.5]
    told = text.tokenizer(captions, padding="max_length", truncation=True, max_length=64, return_tensors="pt")
    batch = {
        "latent": latent,
        "signal": attribute_signal(known, frames=32, frame_rate=rate, starts=starts),
        "tokens": told["input_ids"],
        "mask": told["attention_mask"].bool(),
    }
    with torch.no_grad():
        found = generator.Both(model, text).loss(batch, t, noise, dropped).mean()
        expected = model.loss(latent, text(captions), stated=known, starts=starts, t=t, noise=noise, dropped=dropped)
    torch.testing.assert_close(found, expected)


def test_crops_are_changed_in_half_and_stay_within_full_scale() -> None:
    torch.manual_seed(0)
    wave = 0.5 * torch.randn(24, 2, 9600).clamp(-1.9, 1.9)
    changed = autoencoder.augmented(wave)
    same = (changed - wave).abs().amax(dim=(1, 2)) < 1e-4
    assert 6 <= int(same.sum()) <= 18
    assert changed.abs().max() <= 1.0


@pytest.mark.fluidsynth
def test_songs_come_as_the_data_sets_have_them(tmp_path: Path) -> None:
    from mousai.compose import compose_song, render_song, song_facts
    from mousai.compose.dataset import song_genre, song_seed

    stream = SongStream([Kind("style", 5), Kind("leads", 6)], tmp_path, workers=1, duration=3.0)
    try:
        made: list[Made] = []
        while len(made) < 3:
            made += list(itertools.islice(stream.fetch(), 1))  # as training does, one at a time
            time.sleep(0.05)
        taken = {f"{song.number}.npy" for song in made}
        assert not taken & {path.name for path in tmp_path.iterdir()}
    finally:
        stream.close()
    assert not tmp_path.exists()  # nothing is left behind
    third = compose_song(song_seed(5, 1), genre=song_genre(5, 1), duration=3.0, palette="style")
    assert [song.facts["palette"] for song in made[:3]] == ["style", "leads", "style"]
    assert made[2].number == 2 and made[2].facts == song_facts(third)
    np.testing.assert_allclose(made[2].wave / 32767, render_song(third), atol=1e-4)


@pytest.mark.fluidsynth
@pytest.mark.slow
def test_both_stages_learn_from_songs_that_are_composed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoencoder, "CHECKED", 2)
    monkeypatch.setattr(generator, "CHECKED", 5)
    common = ["--seconds", "1", "--batch", "2", "--workers", "2", "--songs", "6", "--first", "5", "--held-out", "2"]
    monkeypatch.setattr("sys.argv", ["autoencoder", "--out", str(tmp_path), "--plain", *common])
    autoencoder.main()
    rows = [json.loads(line) for line in (tmp_path / "autoencoder.jsonl").read_text().splitlines()]
    assert rows[-1]["done"] and rows[-1]["step"] >= 1 and "attack" in rows[-2]
    monkeypatch.setattr(
        "sys.argv", ["latent-diffusion", "--out", str(tmp_path), "--autoencoder", str(tmp_path), *common]
    )
    generator.main()
    rows = [json.loads(line) for line in (tmp_path / "generator.jsonl").read_text().splitlines()]
    assert rows[-1]["done"] and rows[-1]["step"] >= 1 and 0 < rows[-2]["validation"] < 1
    pipe = Mousai.from_pretrained(dtype="float32")
    before = {
        name: copy.deepcopy(one.state_dict()) for name, one in (("a", pipe.autoencoder), ("g", pipe.latent_diffusion))
    }
    assert put_together(pipe, [tmp_path]) == ["autoencoder", "generator"]
    for name, one in (("a", pipe.autoencoder), ("g", pipe.latent_diffusion)):
        assert any(not torch.equal(weight, before[name][key]) for key, weight in one.state_dict().items())
    assert pipe.latent_diffusion.config.latent_std == rows[0]["latent_std"]
    assert pipe("flute jazz", duration=1.0, num_inference_steps=2).audios.isfinite().all()


def test_parts_of_another_size_are_refused(tmp_path: Path) -> None:
    pipe = Mousai.from_pretrained(dtype="float32")
    state = {f"model.{key}": value for key, value in pipe.latent_diffusion.state_dict().items()}
    save_parts(state, tmp_path, "generator")  # without a text encoder
    (tmp_path / "generator.json").write_text(json.dumps(pipe.latent_diffusion.config.to_dict()))
    with pytest.raises(RuntimeError, match="its generator and text encoder have other weights"):
        put_together(pipe, [tmp_path])
    with pytest.raises(FileNotFoundError, match="holds no plain-0"):
        load_parts(tmp_path, "plain")


@pytest.mark.parametrize("given", [["--first", "20", "--songs", "10"], ["--held-out", "9", "--first", "9"]])
def test_songs_that_leave_none_to_learn_from_are_refused(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["latent-diffusion", "--out", "out", "--seconds", "1", *given])
    with pytest.raises(SystemExit):
        generator.main()
    assert "must rise, from 1 or more" in capsys.readouterr().err.splitlines()[-1]


def test_a_model_reads_a_latent_through_the_map_to_its_own() -> None:
    torch.manual_seed(0)
    old, true, bias = 0.2 * torch.randn(400, 6), torch.randn(6, 6), torch.randn(6)
    weight, found, left = onto_latent.linear_map(old, old @ true.T + bias)
    torch.testing.assert_close(weight, true, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found, bias, atol=1e-4, rtol=1e-4)
    assert left < 1e-6
    half = onto_latent.linear_map(torch.randn(4000, 6), torch.randn(4000, 6))[2]
    assert half > 0.98  # nothing in common
    layer, beside = nn.Linear(9, 4), torch.randn(400, 3)
    expected = layer(torch.cat([beside, old @ true.T + bias], dim=1))
    onto_latent.read_through(layer, true, bias)
    torch.testing.assert_close(layer(torch.cat([beside, old], dim=1)), expected, atol=1e-4, rtol=1e-4)


def test_of_a_latent_that_was_only_turned_the_same_magnitudes_are_decoded(saved_model: Path) -> None:
    from mousai.storage.folders import load_autoencoder

    old, new = load_autoencoder(saved_model), load_autoencoder(saved_model)
    wave = 0.1 * torch.randn(1, 2, 60 * 1024)
    with torch.no_grad():
        turn = torch.linalg.qr(torch.randn(8, 8))[0]
        for layer in (new.encoder.net.linear, new.encoder.net.to_out):
            layer.weight.copy_(turn @ layer.weight)
            layer.bias.copy_(turn @ layer.bias)
        latents = tuple(model.encode(wave)[0].T for model in (old, new))
        for layer in (new.prior.net.linear, new.prior.net.to_in):
            layer.weight.copy_(layer.weight @ turn.T)
        magnitudes = new.magnitudes(latents[1].T[None])
        noisy, t = torch.randn(1, 512, 4 * len(latents[1])), torch.tensor([0.5])
        bands = new.condition(latents[1].T[None])
        v, unread = (new.denoise(noisy, t, latent=one.T[None], bands=bands) for one in reversed(latents))
        left = onto_latent.onto_latent(old, new, latents)
        assert left < 1e-4
        assert torch.equal(new.encode(wave), old.encode(wave))
        latent = new.encode(wave)
        torch.testing.assert_close(new.magnitudes(latent), magnitudes, rtol=1e-2, atol=1e-3)
        again = new.denoise(noisy, t, latent=latent, bands=bands)
        assert (again - v).norm() < 0.2 * (unread - v).norm()  # the bound of the latent is not linear
