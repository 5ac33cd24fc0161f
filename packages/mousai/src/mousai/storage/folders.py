"""Model folders: where one is, what it says of itself, its parts read and written.

model_index.json   autoencoder/   latent_diffusion/   text_encoder/   tokenizer/     (an imported model may lack some)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from dmae import DMAE, DMAEConfig
from mousai.conditioning.text import MAX_TOKENS, TextEncoder
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.settings import refuse_unknown
from mousai.storage.hub import download, is_hub_id
from mousai.storage.weights import CheckpointError, load_config, load_state, save_config, save_module

BUNDLED = Path(__file__).parents[1] / "models" / "tiny"
BUNDLED_NAME = "bundled"
"""How the model that comes along is called where a name is wanted."""
INDEX_NAME = "model_index.json"
PARTS = ("text_encoder", "latent_diffusion", "autoencoder")


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """What a model folder says of itself, all but its weights.

    Args:
        parts: which of `PARTS` it has.
        autoencoder: sizes of stage 1.
        latent_diffusion: sizes of stage 2.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.
    """

    parts: tuple[str, ...]
    autoencoder: DMAEConfig | None
    latent_diffusion: LatentDiffusionConfig | None
    defaults: SamplingConfig
    about: str


def model_folder(model: str | PathLike[str] | None, *, revision: str | None = None) -> Path:
    """The folder of a model: the bundled one, one on disk, or one of the hub, downloaded at a pinned revision.

    Args:
        model: None and the name "bundled" are the model that comes along, also where a folder is called so:
            "./bundled" is the folder.
        revision: commit of a model of the hub.

    Raises:
        UserError: there is none by that name; says what would do.
    """
    if model is None or model == BUNDLED_NAME:
        if revision is not None:
            raise UserError("revision", revision, "is the commit of a model of the hub; name the model too")
        return BUNDLED
    folder = Path(model)
    if folder.is_dir():
        return folder
    text = str(model)
    if folder.exists():
        raise UserError("model", text, f"is a file; give the folder that holds {INDEX_NAME}")
    if not is_hub_id(text):
        raise UserError("model", text, "no such folder")
    if revision is None:
        raise UserError("model", text, "no such folder; for a model of the hub give its commit as revision too")
    patterns = ["*.json", "*.safetensors", "*/*.json", "*/*.safetensors", "*/*.model"]
    return download(text, revision=revision, patterns=patterns)


def describe(folder: Path, *, need: Sequence[str] = ()) -> ModelDescription:
    """Read what a model folder says of itself; needs no weights, and so no time.

    Args:
        folder: of a model.
        need: parts that have to be in it.

    Raises:
        CheckpointError: a config is missing or impossible, or a part is not there; one line that names the file and the
            key.
    """
    path = folder / INDEX_NAME
    index = load_config(path)
    unknown = set(index) - {"format", "version", "about", "defaults", "parts"}
    if index.get("format") != "mousai" or index.get("version") != 1 or unknown:
        what = f"unknown key {sorted(unknown)[0]!r}" if unknown else "not a model of format 'mousai', version 1"
        raise CheckpointError(path, hint=f"{what}")
    parts = index.get("parts", list(PARTS))
    if not isinstance(parts, list) or not parts or not all(part in PARTS for part in parts):
        raise CheckpointError(path, hint=f"parts must be a list of some of {', '.join(PARTS)}, not {parts!r}")
    if missing := [part for part in need if part not in parts]:
        raise CheckpointError(
            folder, hint=f"has no {' and no '.join(missing)}, only {', '.join(parts)}; see mousai import"
        )
    autoencoder = _config(DMAEConfig, folder / "autoencoder") if "autoencoder" in parts else None
    stage_2 = _config(LatentDiffusionConfig, folder / "latent_diffusion") if "latent_diffusion" in parts else None
    defaults = _defaults(index.get("defaults", {}), path)
    if defaults.griffin_lim and autoencoder is not None and autoencoder.prior is None:
        raise CheckpointError(
            path, hint=f"default griffin_lim={defaults.griffin_lim} needs an autoencoder with a prior"
        )
    return ModelDescription(
        parts=tuple(parts),
        autoencoder=autoencoder,
        latent_diffusion=stage_2,
        defaults=defaults,
        about=str(index.get("about", "")),
    )


def autoencoder_config(folder: Path) -> DMAEConfig:
    """The sizes of a model folder's autoencoder; CheckpointError where it has none."""
    config = describe(folder, need=["autoencoder"]).autoencoder
    assert config is not None
    return config


def latent_diffusion_config(folder: Path) -> LatentDiffusionConfig:
    """The sizes of a model folder's latent diffusion; CheckpointError where it has none."""
    config = describe(folder, need=["latent_diffusion"]).latent_diffusion
    assert config is not None
    return config


def load_autoencoder(folder: Path) -> DMAE:
    """The autoencoder of a model folder, in float32, ready to run.

    Raises:
        CheckpointError: there is none, or its weights do not fit; one line that names the file and the key.
    """
    autoencoder = DMAE(autoencoder_config(folder))
    load_state(folder / "autoencoder", autoencoder)
    return autoencoder.eval()


def load_latent_diffusion(folder: Path) -> LatentDiffusion:
    """The latent diffusion of a model folder, in float32, ready to run.

    Raises:
        CheckpointError: there is none, or its weights do not fit; one line that names the file and the key.
    """
    latent_diffusion = LatentDiffusion(latent_diffusion_config(folder))
    load_state(folder / "latent_diffusion", latent_diffusion)
    return latent_diffusion.eval()


def check_fit(parts: Mapping[str, DMAE | LatentDiffusion | TextEncoder]) -> None:
    """Check that the parts of a model, or some of them, belong together.

    Raises:
        UserError: two do not fit; says which sizes.
    """
    text, latent_diffusion, autoencoder = (parts.get(name) for name in PARTS)
    if not isinstance(latent_diffusion, LatentDiffusion):
        return
    config = latent_diffusion.config
    if isinstance(autoencoder, DMAE):
        if config.net.in_channels != autoencoder.config.latent_channels:
            raise UserError(
                f"the latent diffusion writes {config.net.in_channels} latent channels, the autoencoder reads "
                f"{autoencoder.config.latent_channels}; they are of different models"
            )
        made = autoencoder.config.latent_rate
        if config.frame_rate and not math.isclose(config.frame_rate, made, rel_tol=1e-6):
            raise UserError(
                f"the latent diffusion's frame_rate is {config.frame_rate:g}, the autoencoder's has {made:g} frames a "
                "second; they are of different models"
            )
    if isinstance(text, TextEncoder):
        if config.net.context_features != text.features:
            raise UserError(
                f"the latent diffusion reads text of {config.net.context_features} features, the text encoder gives "
                f"{text.features}; they are of different models"
            )
        if 0 < config.max_tokens < MAX_TOKENS:
            raise UserError(
                f"the latent diffusion's null embedding has {config.max_tokens} tokens, the text encoder gives "
                f"{MAX_TOKENS}; they are of different models"
            )


def save_parts(
    folder: Path,
    parts: Mapping[str, DMAE | LatentDiffusion | TextEncoder],
    *,
    defaults: SamplingConfig,
    about: str = "",
    dtype: torch.dtype | None = None,
) -> None:
    """Write a model folder of all parts or of some.

    Args:
        folder: made if it is missing.
        parts: of "autoencoder", "latent_diffusion" and "text_encoder".
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.
        dtype: of the stored weights; `None` keeps theirs.
    """
    for name, part in parts.items():
        if isinstance(part, TextEncoder):
            part.save(folder, dtype=dtype)
        else:
            save_module(folder / name, part, part.config.to_dict(), dtype=dtype)
    index = {"format": "mousai", "version": 1, "about": about, "defaults": defaults.to_dict()}
    if set(parts) != set(PARTS):
        index["parts"] = [name for name in PARTS if name in parts]
    save_config(folder / INDEX_NAME, index)


def _config(cls: Any, folder: Path) -> Any:
    values = load_config(folder)
    try:
        return cls.from_dict(values)
    except ValueError as error:
        raise CheckpointError(folder / "config.json", hint=str(error)) from error


def _defaults(values: Any, path: Path) -> SamplingConfig:
    if not isinstance(values, dict):
        raise CheckpointError(path, hint=f"defaults must be an object, not {values!r}")
    try:
        refuse_unknown(values, SamplingConfig)
        return SamplingConfig(**values)
    except UserError as error:
        raise CheckpointError(path, hint=f"default {error}") from error
