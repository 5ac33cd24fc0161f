"""Reconstruction quality of the autoencoder, beside other codecs of the same bit rate.

model, k steps         encode, decode with k steps of the decoder's diffusion
without diffusion      the estimate that the decoder's diffusion starts from, where the model has one
Griffin-Lim, latent    the magnitudes that the same latent decodes to, phases by 32 iterations from random ones
Griffin-Lim, true      the recording's own magnitudes, phases by 32 iterations: what losing only the phase costs
Opus                   an audio codec at the latent's bit rate
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mousai.audio.files import read_audio, write_audio
from mousai.audio.writing import as_array
from mousai.evaluation.clips import progress
from mousai.evaluation.features.waveform import SAMPLE_RATE, Array
from mousai.evaluation.metrics.attacks import attack_distance, onset_times
from mousai.evaluation.metrics.levels import levels
from mousai.evaluation.metrics.reconstruction_metrics import (
    centred_chroma,
    chroma_agreement,
    griffin_lim,
    log_mel_correlation,
    log_mel_distance,
    stft_distance,
)
from mousai.evaluation.metrics.statistics import bootstrap_interval

if TYPE_CHECKING:
    from torch import Tensor

    from mousai.codec import Codec

METRICS = (
    *("log_mel_distance", "stft_distance", "log_mel_correlation", "chroma_cosine", "width_change"),
    "attack_distance",
)
"""Metrics of a reconstruction; `width_change` is how much wider (dB) the output is."""
STEPS = (1, 4, 10)
ITERATIONS = 32
ESTIMATE_ROUTE = "without diffusion"
LATENT_ROUTE, TRUE_ROUTE, OPUS_ROUTE = "Griffin-Lim, latent", "Griffin-Lim, true", "Opus"
BITS = 8
"""Bits per number of the latent in a codec of latents, for the comparison of bit rates."""


def reconstruction_metrics(
    original: Array, output: Array, *, chroma: Array | None = None, onsets: Array | None = None
) -> dict[str, float]:
    """`METRICS` of an output beside its original, both `[2, samples]` at 48 kHz.

    Args:
        original: the original.
        output: its reconstruction.
        chroma: the original's `centred_chroma`, where it is known already.
        onsets: the original's `onset_times`, where they are known already.
    """
    known = centred_chroma(original) if chroma is None else chroma
    return {
        "log_mel_distance": log_mel_distance(original, output),
        "stft_distance": stft_distance(original, output),
        "log_mel_correlation": log_mel_correlation(original, output),
        "chroma_cosine": chroma_agreement(known, centred_chroma(output)),
        "width_change": levels(output).width - levels(original).width,
        "attack_distance": attack_distance(original, output, onsets=onsets),
    }


def through_model(codec: "Codec", **settings: Any) -> Callable[[Array], Array]:
    """A function that reconstructs a waveform `[2, samples]`, with settings of decoding in place of the model's."""

    def reconstruct(audio: Array) -> Array:
        return as_array(codec.decode(_encoded(codec, audio), length=audio.shape[1], **settings)[0])

    return reconstruct


def _encoded(codec: "Codec", audio: Array) -> "Tensor":
    import torch

    waveform = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))[None]
    return codec.encode(waveform.to(codec.device))


def routes(codec: "Codec", *, steps: Sequence[int] = STEPS) -> dict[str, Callable[[Array], Array]]:
    """Functions that reconstruct a waveform `[2, samples]`, by name; the first is the model's own default."""
    import torch

    from dmae import griffin_lim as dmae_griffin_lim
    from dmae import to_mid_side
    from mousai.codec import limited

    config = codec.autoencoder.config
    default = codec.defaults.decoder_steps
    counts = [default, *(count for count in (*steps, *[0] * bool(codec.defaults.griffin_lim)) if count != default)]

    def latent_griffin_lim(audio: Array) -> Array:
        prior = codec.autoencoder.prior.require_magnitudes()
        with torch.no_grad():
            magnitudes = prior.magnitudes(prior.conditions(_encoded(codec, audio)))
            noise = torch.randn(magnitudes.shape, generator=torch.Generator().manual_seed(0), dtype=torch.complex64)
            mid_side = dmae_griffin_lim(
                magnitudes,
                noise.to(magnitudes.device),
                window=prior.bands.window,
                hop_length=prior.bands.hop_length,
                length=(magnitudes.shape[-1] - 1) * prior.bands.hop_length,
                iterations=ITERATIONS,
            )
            sound = limited(to_mid_side(mid_side)[..., : audio.shape[1]].contiguous())
        return as_array(sound[0])

    found: dict[str, Callable[[Array], Array]] = {}
    for count in counts:
        name = default_route(codec) if count == default else _route(count)
        found[name] = through_model(codec, decoder_steps=count)
    if config.prior is not None:  # without one a latent does not decode to magnitudes
        found[LATENT_ROUTE] = latent_griffin_lim
    found[TRUE_ROUTE] = lambda audio: griffin_lim(audio, iterations=ITERATIONS)
    return found


def default_route(codec: "Codec") -> str:
    """Name of the route with the model's default number of steps."""
    return f"{_route(codec.defaults.decoder_steps)} (default)"


def _route(count: int) -> str:
    """Name of the route with so many steps of the decoder's diffusion."""
    return f"model, {count} step{'s' if count > 1 else ''}" if count else ESTIMATE_ROUTE


def opus(audio: Array, *, bits_per_second: float) -> tuple[Array, float] | None:
    """Audio after Opus at the compression level whose bit rate is closest, and that rate, measured.

    `None` where this machine's libsndfile does not write Opus.
    """
    import soundfile

    if "OPUS" not in soundfile.available_subtypes("OGG"):
        return None

    def packed(level: float) -> bytes:
        buffer = io.BytesIO()
        with soundfile.SoundFile(
            buffer, "w", SAMPLE_RATE, len(audio), format="OGG", subtype="OPUS", compression_level=level
        ) as file:
            file.write(np.clip(audio, -1, 1).T)
        return buffer.getvalue()

    seconds = audio.shape[1] / SAMPLE_RATE
    tried = [packed(level) for level in (0.8, 0.9, 0.95, 0.98, 1.0)]
    best = min(tried, key=lambda data: abs(np.log(8 * len(data) / seconds / bits_per_second)))
    sound, _ = soundfile.read(io.BytesIO(best), dtype="float32", always_2d=True)
    found = np.zeros_like(audio)
    count = min(audio.shape[1], len(sound))
    found[:, :count] = sound[:count].T
    return found, 8 * len(best) / seconds


def sources(files: Sequence[Path], *, songs: int, seed: int, seconds: float) -> Iterator[tuple[str, bool, Array]]:
    """Name, whether it is a composed song, and waveform: the files, then songs from seeds of no data set."""
    for path in files:
        yield path.stem, False, read_audio(path, sample_rate=SAMPLE_RATE, duration=seconds)
    for number in range(songs):
        name, song = composed_song(number, seed=seed, seconds=seconds)
        yield name, True, song


def composed_song(number: int, *, seed: int, seconds: float) -> tuple[str, Array]:
    """Name and waveform `[2, samples]` of a song from a seed of no data set."""
    from mousai.compose import GENRES, compose_song, render_song

    digest = hashlib.sha256(f"mousai/benchmarks/reconstruction/{seed}/{number}".encode()).hexdigest()[:12]
    genre = GENRES[number % len(GENRES)]
    song = compose_song(int(digest, 16), genre=genre, duration=seconds)
    return f"{genre.replace(' ', '-')}-{digest}", render_song(song).mix


def measure_autoencoder(
    codec: "Codec",
    files: Sequence[Path],
    *,
    songs: int,
    seed: int,
    out: Path,
    seconds: float = 20.0,
    steps: Sequence[int] = STEPS,
) -> dict[str, Any]:
    """Reconstruct recordings and composed songs along every route, write the audio and measure it.

    Args:
        codec: the autoencoder.
        files: recordings.
        songs: number of songs to compose.
        seed: seed of the songs.
        out: folder for the audio.
        seconds: length of each in seconds.
        steps: numbers of decoder steps, beside the model's default.

    Returns:
        `pieces` with the metrics of each route; `medians` over the songs and over the files, each with `value` and
        bootstrap `interval`; `bit_rates`; `default`, the name of the model's own route.
    """
    out.mkdir(parents=True, exist_ok=True)
    config = codec.autoencoder.config
    rate = config.latent_channels * config.latent_rate * BITS
    by_name = routes(codec, steps=steps)
    default = default_route(codec)
    pieces: list[dict[str, Any]] = []
    rates: list[float] = []
    with progress(list(range(len(files) + songs)), "reconstructing") as turn:
        for (name, composed, audio), _ in zip(
            sources(files, songs=songs, seed=seed, seconds=seconds), turn, strict=True
        ):
            known = {"chroma": centred_chroma(audio), "onsets": onset_times(audio)}
            figures = {}
            kept = {"original": audio}
            for route, reconstruct in by_name.items():
                output = reconstruct(audio)
                figures[route] = reconstruction_metrics(audio, output, **known)
                if route in (default, LATENT_ROUTE):
                    kept[route] = output
            packed = opus(audio, bits_per_second=rate)
            if packed is not None:
                rates.append(packed[1])
                figures[OPUS_ROUTE] = reconstruction_metrics(audio, packed[0], **known)
                kept[OPUS_ROUTE] = packed[0]
            sounds = {}
            for route, sound in kept.items():
                kind = "model" if route == default else route.split(",")[0].split(" ")[0].lower()
                path = out / f"{name}.{kind}.ogg"
                write_audio(path, sound, SAMPLE_RATE, overwrite=True, peak="scale")
                sounds[route] = path.name
            pieces.append({"name": name, "composed": composed, "figures": figures, "sounds": sounds})
    return {
        "default": default,
        "bit_rates": {
            f"latent at {BITS} bit a number": rate,
            "latent in half precision": 2 * rate,
            **({"Opus, measured": float(np.mean(rates))} if rates else {}),
        },
        "medians": {
            kind: medians([piece for piece in pieces if piece["composed"] is composed])
            for kind, composed in (("songs", True), ("files", False))
            if any(piece["composed"] is composed for piece in pieces)
        },
        "pieces": pieces,
    }


def medians(pieces: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Median and bootstrap interval of every metric of every route, over the pieces that have one."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for route in pieces[0]["figures"]:
        found[route] = {}
        for metric in METRICS:
            values = [piece["figures"][route][metric] for piece in pieces]
            low, high = bootstrap_interval(values)
            finite = [value for value in values if np.isfinite(value)]
            value = round(float(np.median(finite)), 4) if finite else float("nan")
            found[route][metric] = {"value": value, "interval": [round(low, 4), round(high, 4)], "total": len(finite)}
    return found
