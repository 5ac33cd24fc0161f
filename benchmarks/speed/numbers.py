"""Exactness that speed costs: bfloat16 beside float32, windows beside the whole, compiled beside eager."""

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.speed.measure import Figure, Settings
from dmae import DecodingConfig
from mousai.codec import compile_net
from mousai.conditioning.conditioning import Conditioning
from mousai.pipeline import Mousai

RATE, N_FFT, HOP, MELS = 48000, 2048, 512, 80
WINDOW = 64
"""Latent frames per window where windows are compared with the whole: 5.5 s of the bundled model."""


def numbers(settings: Settings) -> Iterator[Figure]:
    """The bundled model, the same noise each time."""
    model = Mousai.from_pretrained(dtype="float32")
    half = Mousai.from_pretrained(dtype="bfloat16")
    seconds = 6.0 if settings.quick else 30.0
    for stage in ("stage 1", "stage 2"):
        ratio = snr(call(model, stage), call(half, stage))
        yield _figure(
            f"{stage}: bfloat16 to float32 in one call of the U-Net, signal-to-noise", ratio, "dB", least=30.0
        )
    latent = model.encode(music(seconds)[None])
    whole = decode(model, latent, window=4096)
    distance = log_mel_distance(whole, decode(half, latent, window=4096))
    yield _figure("decode: bfloat16 to float32, log-mel distance", distance, "dB", most=0.05)
    noisy = [from_noise(one, latent[..., :64]) for one in (model, half)]
    yield _figure(
        "decode from noise, 20 steps: bfloat16 to float32, log-mel distance", log_mel_distance(*noisy), "dB", most=0.5
    )
    windowed = decode(model, latent, window=WINDOW)
    yield _figure("decode: windows to the whole, log-mel distance", log_mel_distance(whole, windowed), "dB", most=0.05)
    borders = seams(latent.shape[-1])
    ratio = flux_at(windowed, borders) / flux_at(whole, borders)
    yield _figure("decode: spectral flux at the windows' borders, of that of the whole", ratio, "", most=1.01)
    if settings.compile:
        eager = call(model, "stage 1")
        compiled = copy.deepcopy(model.autoencoder)
        compile_net(compiled.decoder)
        yield _figure(
            "stage 1, one call: compiled to eager, signal-to-noise", snr(eager, _stage1(compiled)), "dB", least=80.0
        )


def _figure(name: str, value: float, unit: str, *, least: float | None = None, most: float | None = None) -> Figure:
    return Figure(
        section="numbers", name=name, ours=value, unit=unit, ratio=value, shown_ratio="", least=least, most=most
    )


def music(seconds: float) -> Tensor:
    """Something like music [2, samples] that needs no file: struck chords over a beat of noise, 120 bpm."""
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    since = time % 0.5
    wave = torch.zeros(2, len(time), dtype=torch.float64)
    chords = ((220.0, 277.18, 329.63), (196.0, 246.94, 293.66), (174.61, 220.0, 261.63), (164.81, 207.65, 246.94))
    for index, chord in enumerate(chords):
        here = (time // 2 % 4 == index) * torch.exp(-3 * since)
        for side, note in enumerate((*chord, chord[0] / 2)):
            tone = sum(torch.sin(2 * math.pi * k * note * time) / k**1.5 for k in range(1, 9)) * here
            wave += torch.tensor([[1.0 + 0.2 * side], [1.6 - 0.2 * side]], dtype=torch.float64) * tone * 0.05
    beat = torch.randn(len(time), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (wave + 0.1 * beat * torch.exp(-40 * since)).float()


def decode(model: Mousai, latent: Tensor, *, window: int) -> Tensor:
    """Latent [1, Z, L] -> waveform [C, T], as the model is best run."""
    return model.autoencoder.decode(
        latent,
        config=DecodingConfig(
            num_steps=model.defaults.decoder_steps,
            griffin_lim=model.defaults.griffin_lim,
            start=model.defaults.decoder_start,
            window_frames=window,
        ),
    )[0]


def from_noise(model: Mousai, latent: Tensor) -> Tensor:
    """Latent [1, Z, L] -> waveform [C, T] by diffusion alone, where every number comes from the U-Net."""
    return model.autoencoder.decode(latent, config=DecodingConfig(num_steps=20))[0]


def call(model: Mousai, stage: str) -> Tensor:
    """v of one call of a stage's U-Net, for noise and conditions that are the same each time."""
    if stage == "stage 1":
        return _stage1(model.autoencoder)
    latent_diffusion = model.latent_diffusion
    frames, config = 240, latent_diffusion.config
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(1, config.net.in_channels, frames, generator=draw)
    text = model.text_encoder(["calm piano pop, 100 bpm"], keep_padding=config.attend_to_padding)
    inject = latent_diffusion.inject(Conditioning(frames=frames, text=text), 1)
    conditions = {"inject": inject, **latent_diffusion.global_condition(text, inject)}
    with torch.no_grad():
        return latent_diffusion.denoise(
            x, torch.tensor([0.6]), context=text.hidden, context_mask=text.mask, **conditions
        )


@torch.no_grad()
def _stage1(autoencoder: torch.nn.Module) -> Tensor:
    latent = autoencoder.encode(music(5.0)[None])  # type: ignore[operator]
    bands = autoencoder.prior.conditions(latent)["bands"]  # type: ignore[operator]
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(1, autoencoder.config.diffused_channels, bands.shape[-1], generator=draw)  # type: ignore[union-attr, arg-type]
    v: Tensor = autoencoder.denoise(x, torch.tensor([0.1]), latent=latent, bands=bands)  # type: ignore[operator]
    return v


def snr(exact: Tensor, found: Tensor) -> float:
    """Power of what is right over that of the error, in dB."""
    error = (found.double() - exact.double()).square().mean().clamp_min(1e-30)
    return float(10 * torch.log10(exact.double().square().mean() / error))


def log_mel(wave: Tensor) -> Tensor:
    """Waveform [C, T] -> levels in dB of mel bands of its channels' mean [bands, frames], 80 dB deep."""
    import librosa

    filters = torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=MELS))
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(wave.mean(0), N_FFT, HOP, window=window, return_complex=True).abs().square()
    power = filters @ spectrum
    return 10 * torch.log10(power.clamp_min(float(power.max()) * 1e-8))


def log_mel_distance(a: Tensor, b: Tensor) -> float:
    """Mean absolute difference of the log-mel spectrograms, in dB."""
    return float((log_mel(a) - log_mel(b)).abs().mean())


def seams(frames: int) -> list[float]:
    """Seconds where the windows of a latent of so many frames are cross-faded, the middle of each fade."""
    from vdiffusion import window_plan

    overlap = WINDOW // 8
    _, starts = window_plan(frames, size=WINDOW, overlap=overlap)
    return [(start + overlap / 2) * 4096 / RATE for start in starts[1:]]


def flux_at(wave: Tensor, times: list[float], *, around: float = 0.2) -> float:
    """Spectral flux, the mean rise in dB from frame to frame over all bands, in the neighbourhood of some times."""
    rises = log_mel(wave).diff(dim=-1).clamp_min(0).mean(0)
    at = torch.arange(len(rises)) * HOP / RATE
    near = torch.stack([(at - time).abs() < around for time in times]).any(0)
    return float(rises[near].mean())
