"""How much of the music survives the autoencoder, beside other ways to carry it in as few numbers.

model, k steps         encode, decode with k steps of the diffusion
Griffin-Lim, latent    the magnitudes that the same latent decodes to, phases by 32 iterations from random ones
Griffin-Lim, true      the recording's own magnitudes, phases by 32 iterations: what losing the phase alone costs
Opus                   a codec of sound at the latent's bit rate
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mousai.audio.files import read_audio, write_audio
from mousai.evaluation.clips import counted
from mousai.evaluation.levels import levels
from mousai.evaluation.pairs import (
    centred_chroma,
    chroma_agreement,
    griffin_lim,
    log_mel_correlation,
    log_mel_distance,
    stft_distance,
)
from mousai.evaluation.sound import RATE, Array

if TYPE_CHECKING:
    from mousai.codec import Codec

FIGURES = ("log_mel_distance", "stft_distance", "log_mel_correlation", "chroma_cosine", "width_change")
"""Of a pair; the last is how much wider (dB) the output is."""
STEPS = (1, 4, 10)
ITERATIONS = 32
LATENT_ROUTE, TRUE_ROUTE = "Griffin-Lim, latent", "Griffin-Lim, true"
BITS = 8
"""Per number of the latent, when its bit rate is compared: what a codec of latents would store."""


def measure(original: Array, output: Array, *, chroma: Array | None = None) -> dict[str, float]:
    """The figures of an output beside its original, both `[2, samples]` at 48 kHz; `chroma` is the original's."""
    known = centred_chroma(original) if chroma is None else chroma
    return {
        "log_mel_distance": log_mel_distance(original, output),
        "stft_distance": stft_distance(original, output),
        "log_mel_correlation": log_mel_correlation(original, output),
        "chroma_cosine": chroma_agreement(known, centred_chroma(output)),
        "width_change": levels(output).width - levels(original).width,
    }


def routes(codec: "Codec", *, steps: Sequence[int] = STEPS) -> dict[str, Callable[[Array], Array]]:
    """Ways there and back for a waveform `[2, samples]`, by name; the first is the model's own default."""
    import torch

    from dmae import griffin_lim as plain_griffin_lim
    from dmae.transform import to_mid_side
    from mousai.codec import below_full_scale

    config = codec.autoencoder.config
    usual = codec.defaults.decoder_steps

    def encoded(audio: Array) -> Any:
        return codec.encode(torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))[None])

    def decoded(count: int) -> Callable[[Array], Array]:
        def there_and_back(audio: Array) -> Array:
            found: Array = (
                codec.decode(encoded(audio), length=audio.shape[1], decoder_steps=count)[0].float().cpu().numpy()
            )
            return found

        return there_and_back

    def by_griffin_lim(audio: Array) -> Array:
        model, prior = codec.autoencoder, codec.autoencoder.require_prior()
        with torch.no_grad():
            magnitudes = model.target_magnitudes(model.condition(encoded(audio)))
            noise = torch.randn(magnitudes.shape, generator=torch.Generator().manual_seed(0), dtype=torch.complex64)
            mid_side = plain_griffin_lim(
                magnitudes,
                noise.to(magnitudes.device),
                window=prior.bands.window,
                hop_length=prior.bands.hop_length,
                length=(magnitudes.shape[-1] - 1) * prior.bands.hop_length,
                iterations=ITERATIONS,
            )
            sound = below_full_scale(to_mid_side(mid_side)[..., : audio.shape[1]].contiguous())
        found: Array = sound[0].float().cpu().numpy()
        return found

    found: dict[str, Callable[[Array], Array]] = {default_route(codec): decoded(usual)}
    for count in steps:
        if count != usual:
            found[f"model, {count} step{'s' if count > 1 else ''}"] = decoded(count)
    if config.prior is not None:  # without one the latent says nothing of magnitudes
        found[LATENT_ROUTE] = by_griffin_lim
    found[TRUE_ROUTE] = lambda audio: griffin_lim(audio, iterations=ITERATIONS)
    return found


def default_route(codec: "Codec") -> str:
    """The name of the route that the model is best run with."""
    count = codec.defaults.decoder_steps
    return f"model, {count} step{'s' if count > 1 else ''} (default)"


def opus(audio: Array, *, bits_per_second: float) -> tuple[Array, float] | None:
    """Sound through Opus at the level of compression whose bit rate comes closest, and that rate, measured.

    `None` where this machine's libsndfile writes no Opus.
    """
    import soundfile

    if "OPUS" not in soundfile.available_subtypes("OGG"):
        return None

    def packed(level: float) -> bytes:
        buffer = io.BytesIO()
        with soundfile.SoundFile(
            buffer, "w", RATE, len(audio), format="OGG", subtype="OPUS", compression_level=level
        ) as file:
            file.write(np.clip(audio, -1, 1).T)
        return buffer.getvalue()

    seconds = audio.shape[1] / RATE
    tried = [packed(level) for level in (0.8, 0.9, 0.95, 0.98, 1.0)]
    best = min(tried, key=lambda data: abs(np.log(8 * len(data) / seconds / bits_per_second)))
    sound, _ = soundfile.read(io.BytesIO(best), dtype="float32", always_2d=True)
    found = np.zeros_like(audio)
    count = min(audio.shape[1], len(sound))
    found[:, :count] = sound[:count].T
    return found, 8 * len(best) / seconds


def sources(files: Sequence[Path], *, songs: int, seed: int, seconds: float) -> Iterator[tuple[str, bool, Array]]:
    """Name, whether it is a composed song, and sound: songs from seeds of no data set, then the files."""
    for path in files:
        yield path.stem, False, read_audio(path, sample_rate=RATE, duration=seconds)
    if songs:
        from mousai.compose import GENRES, compose_song, render_song

        for number in range(songs):
            digest = hashlib.sha256(f"mousai/benchmarks/reconstruction/{seed}/{number}".encode()).hexdigest()[:12]
            genre = GENRES[number % len(GENRES)]
            song = compose_song(int(digest, 16), genre=genre, duration=seconds)
            yield f"{genre.replace(' ', '-')}-{digest}", True, render_song(song).mix


def reconstruct(
    codec: "Codec",
    files: Sequence[Path],
    *,
    songs: int,
    seed: int,
    out: Path,
    seconds: float = 20.0,
    steps: Sequence[int] = STEPS,
) -> dict[str, Any]:
    """Send songs and recordings along every route and measure what arrives.

    Args:
        codec: the autoencoder.
        files: recordings.
        songs: number of songs composed afresh.
        seed: another one gives other songs.
        out: folder for the sounds.
        seconds: of each.
        steps: of the decoder, beside the model's default.

    Returns:
        `pieces` with the figures of each route; `medians` over the songs and over the files; `bit_rates`; `default`,
        the name of the model's own route.
    """
    out.mkdir(parents=True, exist_ok=True)
    config = codec.autoencoder.config
    rate = config.latent_channels * config.latent_rate * BITS
    ways = routes(codec, steps=steps)
    pieces: list[dict[str, Any]] = []
    rates: list[float] = []
    with counted(list(range(len(files) + songs)), "reconstructing") as turn:
        for (name, composed, audio), _ in zip(
            sources(files, songs=songs, seed=seed, seconds=seconds), turn, strict=True
        ):
            chroma = centred_chroma(audio)
            figures = {}
            heard = {"original": audio}
            for way, go in ways.items():
                output = go(audio)
                figures[way] = measure(audio, output, chroma=chroma)
                if way in (default_route(codec), LATENT_ROUTE):
                    heard[way] = output
            packed = opus(audio, bits_per_second=rate)
            if packed is not None:
                rates.append(packed[1])
                figures["Opus"] = measure(audio, packed[0], chroma=chroma)
                heard["Opus"] = packed[0]
            sounds = {}
            for way, sound in heard.items():
                path = out / f"{name}.{way.split(',')[0].split(' ')[0].lower()}.ogg"
                write_audio(path, sound, RATE, overwrite=True, peak="scale")
                sounds[way] = path.name
            pieces.append({"name": name, "composed": composed, "figures": figures, "sounds": sounds})
    return {
        "default": default_route(codec),
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


def medians(pieces: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The median of every figure for every route."""
    return {
        way: {
            figure: round(float(np.nanmedian([piece["figures"][way][figure] for piece in pieces])), 4)
            for figure in FIGURES
        }
        for way in pieces[0]["figures"]
    }
