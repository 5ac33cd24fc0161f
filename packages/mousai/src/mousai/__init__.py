"""Moûsai: from a sentence to minutes of 48 kHz stereo music with two diffusion models in a row.

Importing this package is light: each name below is imported from its module when it is first used, so that
`mousai --help` and the reading of an audio file wait for neither PyTorch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mousai.audio import AudioError, read_audio, read_metadata, write_audio
    from mousai.checkpoint import CheckpointError
    from mousai.codec import Codec
    from mousai.errors import UserError
    from mousai.folders import load_autoencoder, load_generator
    from mousai.latent import LatentDiffusion
    from mousai.latent_config import LatentDiffusionConfig
    from mousai.pipeline import Mousai
    from mousai.text import TextEmbedding

__version__ = "0.1.0"

__all__ = [
    "AudioError",
    "CheckpointError",
    "Codec",
    "LatentDiffusion",
    "LatentDiffusionConfig",
    "Mousai",
    "TextEmbedding",
    "UserError",
    "__version__",
    "load_autoencoder",
    "load_generator",
    "read_audio",
    "read_metadata",
    "write_audio",
]

_HOMES = {
    "AudioError": "mousai.audio",
    "CheckpointError": "mousai.checkpoint",
    "LatentDiffusion": "mousai.latent",
    "LatentDiffusionConfig": "mousai.latent_config",
    "Codec": "mousai.codec",
    "Mousai": "mousai.pipeline",
    "TextEmbedding": "mousai.text",
    "UserError": "mousai.errors",
    "load_autoencoder": "mousai.folders",
    "load_generator": "mousai.folders",
    "read_audio": "mousai.audio",
    "read_metadata": "mousai.audio",
    "write_audio": "mousai.audio",
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
