"""Files of latents: what `mousai encode` writes and `mousai decode` reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mousai import __version__
from mousai.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from dmae import DMAEConfig

LATENT_SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class LatentFile:
    """Content of a latent file.

    Args:
        latent: [channels, frames], float32.
        samples: samples of the recording, per channel.
        sample_rate: rate at which the recording was encoded, in Hz.
        hop_length: samples per latent frame.
        autoencoder: `fingerprint` of the model folder that wrote it.
    """

    latent: "Tensor"
    samples: int
    sample_rate: int
    hop_length: int
    autoencoder: str


def fingerprint(folder: Path) -> str:
    """Fingerprint of a model folder's encoder, read from the file of its weights alone."""
    from mousai.data.latent_cache import encoder_fingerprint
    from mousai.storage.weights import WEIGHTS_NAME, load_tensors

    return encoder_fingerprint(load_tensors(folder / "autoencoder" / WEIGHTS_NAME)[0])


def write_latent(path: Path, found: LatentFile, *, source: str) -> None:
    """Write a latent, whole or not at all; `source` is the name of the recording."""
    from mousai.storage.weights import save_tensors

    about = {
        "mousai": __version__,
        "encoded_from": source,
        "samples": str(found.samples),
        "sample_rate": str(found.sample_rate),
        "hop_length": str(found.hop_length),
        "autoencoder": found.autoencoder,
    }
    # A path may hold bytes that are no text; the header of the file is UTF-8.
    about = {key: value.encode("utf-8", "replace").decode() for key, value in about.items()}
    save_tensors(path, {"latent": found.latent.float()}, metadata=about)


def read_latent(path: str) -> LatentFile:
    """Read a latent, whatever model it is for.

    Raises:
        UserError: the file is missing, corrupt, or does not hold a latent and its lengths; one line that says what.
    """
    from mousai.storage.weights import load_tensors

    tensors, about = load_tensors(path)
    if tensors.keys() != {"latent"}:
        raise UserError(path, hint=f"holds {', '.join(sorted(tensors)) or 'nothing'}, not a latent; see mousai encode")
    latent = tensors["latent"]
    if latent.ndim != 2 or not latent.numel() or not latent.is_floating_point():
        kind = str(latent.dtype).removeprefix("torch.")
        raise UserError(path, hint=f"latent is {kind} {list(latent.shape)}, not floats [channels, frames]")
    numbers = {}
    for key in ("samples", "sample_rate", "hop_length"):
        text = about.get(key, "")
        if not (text.isascii() and text.isdecimal()) or not 0 < int(text[:18]) < 10**15:
            raise UserError(path, hint=f"its header says {key}={text!r}, not a number above 0; see mousai encode")
        numbers[key] = int(text)
    samples, hop_length = numbers["samples"], numbers["hop_length"]
    if -(-samples // hop_length) != latent.shape[1]:
        raise UserError(
            path, hint=f"latent has {latent.shape[1]} frames of {hop_length}, which are not {samples} samples"
        )
    return LatentFile(latent=latent.float(), **numbers, autoencoder=about.get("autoencoder", ""))


def check_latent(path: str, found: LatentFile, folder: Path, config: "DMAEConfig") -> None:
    """Refuse a latent that the model of a folder did not write.

    Raises:
        UserError: what differs, in one line.
    """
    expected = {
        "channels": (found.latent.shape[0], config.latent_channels),
        "sample_rate": (found.sample_rate, config.sample_rate),
        "hop_length": (found.hop_length, config.hop_length),
    }
    for key, (theirs, ours) in expected.items():
        if theirs != ours:
            raise UserError(
                path, hint=f"is of another model ({key}={theirs}, here {ours}); give the --model that wrote it"
            )
    if found.autoencoder != fingerprint(folder):
        raise UserError(path, hint="is of an encoder with other weights; give the --model that wrote it")
