"""The classifier two-sample test of an autoencoder on composed songs: each route of reconstruction beside the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mousai import __version__
from mousai.evaluation.clips import progress
from mousai.evaluation.features.waveform import CLIP_SECONDS
from mousai.evaluation.metrics.autoencoder import (
    BITS,
    LATENT_ROUTE,
    OPUS_ROUTE,
    composed_song,
    default_route,
    opus,
    routes,
)
from mousai.evaluation.metrics.two_sample_test import STEPS, Excerpts, cut_excerpts, two_sample_test
from mousai.evaluation.npz import load_npz, save_npz

if TYPE_CHECKING:
    from mousai.codec import Codec

DECODER_STEPS = (4,)
"""Numbers of decoder steps beside the model's default."""
TRUTH = "truth"
MEASURE = 1
"""Version of what is kept of a song; raised when that changes, so that it is made again."""


def measure_two_samples(
    codec: "Codec",
    *,
    songs: int,
    seed: int,
    out: Path,
    settings: Mapping[str, Any],
    seconds: float = CLIP_SECONDS,
    decoder_steps: Sequence[int] = DECODER_STEPS,
    steps: int = STEPS,
) -> dict[str, Any]:
    """Compose songs, reconstruct them along every route, and let a net tell each route from the truth.

    The excerpts of every song are kept in `out`, so that an interrupted run continues.

    Args:
        codec: the autoencoder.
        songs: number of songs, three or more.
        seed: seed of the songs, and of the nets.
        out: folder of the excerpts.
        settings: what the excerpts depend on beside these arguments: the model's hash, its dtype.
        seconds: length of each song in seconds.
        decoder_steps: numbers of decoder steps, beside the model's default.
        steps: training steps of each net.

    Returns:
        `routes`, of each what `two_sample_test` returns; `default`, the name of the model's own; `figure`, that of the
        model's own with the `reference`, Griffin-Lim from the same latent, where the model has it.
    """
    out.mkdir(parents=True, exist_ok=True)
    about = {
        **{"measure": MEASURE, "mousai": __version__, "seed": seed, "seconds": seconds},
        **{"decoder_steps": list(decoder_steps), **settings},
    }
    each: list[dict[str, Excerpts]] = []
    with progress(list(range(songs)), "reconstructing for the two-sample test") as numbers:
        for number in numbers:
            path = out / f"{number:03d}.npz"
            found = _kept(path, about)
            if found is None:
                found = _excerpts(codec, number, seed=seed, seconds=seconds, decoder_steps=decoder_steps)
                names = list(found)
                arrays = {f"excerpts_{place}": found[name].astype(np.float16) for place, name in enumerate(names)}
                save_npz(path, {**about, "names": names}, arrays)
            each.append(found)
    true = np.stack([song[TRUTH] for song in each])
    tested: dict[str, dict[str, Any]] = {}
    with progress([name for name in each[0] if name != TRUTH], "telling decoded from true") as names_left:
        for name in names_left:
            decoded = np.stack([song[name] for song in each])
            tested[name] = two_sample_test(true, decoded, seed=seed, steps=steps)
    default = default_route(codec)
    reference = {"reference": tested[LATENT_ROUTE]["value"]} if LATENT_ROUTE in tested else {}
    return {"default": default, "figure": {**tested[default], **reference}, "routes": tested}


def _kept(path: Path, about: Mapping[str, Any]) -> dict[str, Excerpts] | None:
    """Excerpts of a song as they were kept; `None` where there are none that were made the same way."""
    if not path.is_file():
        return None
    metadata, arrays = load_npz(path)
    if any(metadata.get(name) != value for name, value in about.items()):
        return None
    return {name: arrays[f"excerpts_{place}"].astype(np.float32) for place, name in enumerate(metadata["names"])}


def _excerpts(
    codec: "Codec", number: int, *, seed: int, seconds: float, decoder_steps: Sequence[int]
) -> dict[str, Excerpts]:
    """Excerpts of a song as it is, under `TRUTH`, and after every route; rounded as they are kept."""
    _, audio = composed_song(number, seed=seed, seconds=seconds)
    sounds = {TRUTH: audio}
    for name, reconstruct in routes(codec, steps=decoder_steps).items():
        sounds[name] = reconstruct(audio)
    config = codec.autoencoder.config
    packed = opus(audio, bits_per_second=config.latent_channels * config.latent_rate * BITS)
    if packed is not None:
        sounds[OPUS_ROUTE] = packed[0]
    return {name: cut_excerpts(sound).astype(np.float16).astype(np.float32) for name, sound in sounds.items()}
