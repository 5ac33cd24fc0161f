"""The three parts of a model: what each must have, whether they fit together, and parts of one's own.

A part may be any object that has what `NEEDS` lists. One that also has `save_pretrained(folder)` and, on its class,
`from_pretrained(folder)` can lie in a model folder. The folder then says the name of its class, for people to read;
whoever loads the model passes the class or the object. No code is ever imported because a file names it.
"""

import math
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from mousai.conditioning.text import MAX_TOKENS
from mousai.errors import UserError
from mousai.storage.weights import CheckpointError

PARTS = ("text_encoder", "latent_diffusion", "autoencoder")
NEEDS = {
    "text_encoder": ("__call__", "features"),
    "latent_diffusion": (
        "sample",
        "config.net.in_channels",
        "config.net.context_features",
        "config.frame_rate",
        "config.max_tokens",
    ),
    "autoencoder": (
        "encode",
        "decode",
        "config.sample_rate",
        "config.audio_channels",
        "config.latent_channels",
        "config.latent_rate",
        "config.hop_length",
    ),
}
"""Attributes and methods that the pipeline uses of each part."""
_DIFFERENT = "they are of different models"


def check_part(name: str, part: object) -> None:
    """Check that an object has what is asked of a part.

    Raises:
        UserError: names what it lacks.
    """
    if isinstance(part, type):
        raise UserError(name, hint=f"is the class {part.__name__}; give an object of it")
    if lacking := [need for need in NEEDS[name] if not _has(part, need)]:
        raise UserError(name, hint=f"is of type {type(part).__name__}, which lacks {', '.join(lacking)}")


def check_fit(parts: Mapping[str, Any]) -> None:
    """Check that the parts of a model, or some of them, are what they are called and belong together.

    A text encoder may say by `max_tokens` how many tokens it gives; otherwise it is taken to give `MAX_TOKENS`.

    Raises:
        UserError: a part lacks something, or two do not fit; says which sizes.
    """
    for name, part in parts.items():
        check_part(name, part)
    text, latent_diffusion, autoencoder = (parts.get(name) for name in PARTS)
    if latent_diffusion is None:
        return
    config = latent_diffusion.config
    if autoencoder is not None:
        if config.net.in_channels != autoencoder.config.latent_channels:
            raise UserError(
                "latent_diffusion",
                hint=f"writes {config.net.in_channels} latent channels, the autoencoder reads "
                f"{autoencoder.config.latent_channels}; {_DIFFERENT}",
            )
        made = autoencoder.config.latent_rate
        if config.frame_rate and not math.isclose(config.frame_rate, made, rel_tol=1e-6):
            raise UserError(
                "latent_diffusion",
                hint=f"its frame_rate is {config.frame_rate:g}, the autoencoder's latent has {made:g} frames a second; "
                f"{_DIFFERENT}",
            )
    if text is not None:
        if config.net.context_features != text.features:
            raise UserError(
                "latent_diffusion",
                hint=f"reads text of {config.net.context_features} features, the text encoder gives {text.features}; "
                f"{_DIFFERENT}",
            )
        tokens = getattr(text, "max_tokens", MAX_TOKENS)
        if 0 < config.max_tokens < tokens:
            raise UserError(
                "latent_diffusion",
                hint=f"its null embedding has {config.max_tokens} tokens, the text encoder gives {tokens}; "
                f"{_DIFFERENT}",
            )


def check_savable(name: str, part: Any) -> None:
    """Check that a part of one's own can be saved and read again.

    Raises:
        UserError: it has no `save_pretrained` or no `from_pretrained`.
    """
    lacking = [method for method in ("save_pretrained", "from_pretrained") if not callable(getattr(part, method, None))]
    if lacking:
        kind = type(part).__name__
        raise UserError(name, hint=f"is of type {kind}, which lacks {' and '.join(lacking)}; with both it can be saved")


def save_own(folder: Path, name: str, part: Any) -> str:
    """Have a part of one's own write itself into its folder of a model; returns the name of its class."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    part.save_pretrained(folder / name)
    return type(part).__name__


def load_own(folder: Path, name: str, given: Any, kind: str | None) -> Any:
    """A part of one's own: the object that is given, or what the class that is given reads from the model folder.

    Args:
        folder: folder of the model.
        name: name of the part, one of `PARTS`.
        given: the object or class; None where the caller gave none.
        kind: name of the class that wrote it, as the folder says; None where it holds a part of this library.

    Raises:
        CheckpointError: the folder holds a part of somebody's own, and no class was given.
    """
    if given is None:
        hint = f"was written by a class {kind} of its maker's own; pass it, from_pretrained(..., {name}={kind})"
        raise CheckpointError(folder / name, hint=hint)
    if not isinstance(given, type):
        return given
    read = getattr(given, "from_pretrained", None)
    if not callable(read):
        raise UserError(name, hint=f"is the class {given.__name__}, which has no from_pretrained; pass an object")
    return read(folder / name)


def _has(part: object, dotted: str) -> bool:
    try:
        attrgetter(dotted)(part)
    except AttributeError:
        return False
    return True
