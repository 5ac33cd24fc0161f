"""Moûsai: from a sentence to minutes of 48 kHz stereo music with two diffusion models in a row.

Importing this package is light: each name below is imported from its module when it is first used, so that
`mousai --help` and the reading of an audio file wait for neither PyTorch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mousai.audio.files import read_audio, read_metadata, write_audio
    from mousai.audio.opening import AudioError
    from mousai.codec import Codec
    from mousai.conditioning.attributes import MusicAttributes
    from mousai.conditioning.conditioning import Conditioning
    from mousai.conditioning.controls import Controls
    from mousai.conditioning.notation.melodies import read_melody
    from mousai.conditioning.text import T5TextEncoder, TextEmbedding, TextEncoder
    from mousai.diffusion.config import LatentDiffusionConfig
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.errors import UserError
    from mousai.output import MousaiOutput
    from mousai.pipeline import Mousai
    from mousai.sampling_config import SamplingConfig
    from mousai.storage.folders import load_autoencoder, load_latent_diffusion
    from mousai.storage.weights import CheckpointError
    from mousai.streaming.chunks import AudioChunk
    from mousai.streaming.stream import MusicStream

__version__ = "0.1.0"

__all__ = [
    "AudioChunk",
    "AudioError",
    "CheckpointError",
    "Codec",
    "Conditioning",
    "Controls",
    "LatentDiffusion",
    "LatentDiffusionConfig",
    "Mousai",
    "MousaiOutput",
    "MusicAttributes",
    "MusicStream",
    "SamplingConfig",
    "T5TextEncoder",
    "TextEmbedding",
    "TextEncoder",
    "UserError",
    "__version__",
    "load_autoencoder",
    "load_latent_diffusion",
    "read_audio",
    "read_melody",
    "read_metadata",
    "write_audio",
]

_HOMES = {
    "AudioChunk": "mousai.streaming.chunks",
    "AudioError": "mousai.audio.opening",
    "CheckpointError": "mousai.storage.weights",
    "Codec": "mousai.codec",
    "Conditioning": "mousai.conditioning.conditioning",
    "Controls": "mousai.conditioning.controls",
    "LatentDiffusion": "mousai.diffusion.latent_diffusion",
    "LatentDiffusionConfig": "mousai.diffusion.config",
    "Mousai": "mousai.pipeline",
    "MousaiOutput": "mousai.output",
    "MusicAttributes": "mousai.conditioning.attributes",
    "MusicStream": "mousai.streaming.stream",
    "SamplingConfig": "mousai.sampling_config",
    "T5TextEncoder": "mousai.conditioning.text",
    "TextEmbedding": "mousai.conditioning.text",
    "TextEncoder": "mousai.conditioning.text",
    "UserError": "mousai.errors",
    "load_autoencoder": "mousai.storage.folders",
    "load_latent_diffusion": "mousai.storage.folders",
    "read_audio": "mousai.audio.files",
    "read_melody": "mousai.conditioning.notation.melodies",
    "read_metadata": "mousai.audio.files",
    "write_audio": "mousai.audio.files",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value  # found directly from now on
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
