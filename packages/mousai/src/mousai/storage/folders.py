"""Model folders: finding one, its description, reading and writing its parts.

model_index.json   autoencoder/   latent_diffusion/   text_encoder/   tokenizer/     (an imported model may lack some)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch

from dmae import DMAE, DMAEConfig
from mousai.conditioning.text import T5TextEncoder
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.settings import refuse_unknown
from mousai.storage.files import write_text
from mousai.storage.folder_contents import check_contents
from mousai.storage.folder_swap import recover, replaced_folder
from mousai.storage.hub import download, is_hub_id
from mousai.storage.parts import PARTS, check_part, check_savable, load_own, save_own
from mousai.storage.weights import CheckpointError, load_config, load_module, save_config, save_module

BUNDLED = Path(__file__).parents[1] / "models" / "tiny"
BUNDLED_NAME = "bundled"
"""Name of the bundled model where a name is wanted."""
INDEX_NAME, CARD_NAME = "model_index.json", "README.md"
_NAMES = (*PARTS, "tokenizer", INDEX_NAME, CARD_NAME)
# What a part is an object of, that no one else has to say how it is stored.
_TYPES: dict[str, type] = {"text_encoder": T5TextEncoder, "latent_diffusion": LatentDiffusion, "autoencoder": DMAE}


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """Description of a model folder: all but its weights.

    Args:
        parts: those of `PARTS` that it has.
        own: parts of their maker's own, with the names of their classes.
        autoencoder: sizes of stage 1; None also for one of its maker's own.
        latent_diffusion: sizes of stage 2; likewise.
        defaults: settings that the model is best run with.
        about: text that `mousai info` prints.
    """

    parts: tuple[str, ...]
    own: Mapping[str, str]
    autoencoder: DMAEConfig | None
    latent_diffusion: LatentDiffusionConfig | None
    defaults: SamplingConfig
    about: str


def model_folder(model: str | PathLike[str] | None, *, revision: str | None = None, field: str = "model") -> Path:
    """The folder of a model: the bundled one, one on disk, or one of the hub, downloaded at a pinned revision.

    Args:
        model: None and the name "bundled" are the model that comes along, also where a folder is called so:
            "./bundled" is the folder.
        revision: commit of a model of the hub, in full.
        field: name of the argument in errors.

    Raises:
        UserError: there is none by that name, or a link leads out of its folder; says what would do.
    """
    if model is None or model == BUNDLED_NAME:
        if revision is not None:
            raise UserError("revision", revision, "is the commit of a model of the hub; name the model too")
        return BUNDLED
    if not fspath(model):
        raise UserError(field, "", "is empty; give the folder of a model, or leave it out")
    folder = Path(model)
    recover(folder)
    if folder.is_dir():
        check_contents(folder, _NAMES)
        return folder
    text = str(model)
    if folder.exists():
        raise UserError(field, text, f"is a file; give the folder that holds {INDEX_NAME}")
    if not is_hub_id(text):
        raise UserError(field, text, "no such folder")
    if revision is None:
        raise UserError(field, text, "no such folder; for a model of the hub give its commit as revision too")
    folder = download(text, revision=revision, field=field)
    check_contents(folder, _NAMES)
    return folder


def describe(
    folder: Path, *, need: Sequence[str] = (), settings: type[SamplingConfig] = SamplingConfig
) -> ModelDescription:
    """Read what a model folder says of itself; needs no weights, and so no time.

    Args:
        folder: folder of a model.
        need: parts that have to be in it.
        settings: class of its defaults.

    Raises:
        CheckpointError: a config is missing or impossible, a part is not there, or a link leads out of the folder; one
            line that names the file and the key.
    """
    if Path(folder) != BUNDLED:  # which an installer may have linked, and is as trusted as the code beside it
        check_contents(folder, _NAMES)
    path = folder / INDEX_NAME
    index = load_config(path)
    unknown = set(index) - {"format", "version", "about", "defaults", "parts", "own"}
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
    own = index.get("own", {})
    if not isinstance(own, dict) or not all(name in parts and isinstance(kind, str) for name, kind in own.items()):
        raise CheckpointError(path, hint=f"own must map parts to the names of their classes, not {own!r}")
    ours = set(parts) - set(own)
    autoencoder = _config(DMAEConfig, folder / "autoencoder") if "autoencoder" in ours else None
    stage_2 = _config(LatentDiffusionConfig, folder / "latent_diffusion") if "latent_diffusion" in ours else None
    defaults = _defaults(index.get("defaults", {}), path, settings)
    if defaults.griffin_lim and autoencoder is not None and autoencoder.prior is None:
        raise CheckpointError(
            path, hint=f"default griffin_lim={defaults.griffin_lim} needs an autoencoder with a prior"
        )
    return ModelDescription(
        parts=tuple(parts),
        own=own,
        autoencoder=autoencoder,
        latent_diffusion=stage_2,
        defaults=defaults,
        about=str(index.get("about", "")),
    )


def autoencoder_config(folder: Path) -> DMAEConfig:
    """The sizes of a model folder's autoencoder; CheckpointError where it has none."""
    described = describe(folder, need=["autoencoder"])
    if described.autoencoder is None:
        raise _of_its_makers_own(folder, "autoencoder", described)
    return described.autoencoder


def latent_diffusion_config(folder: Path) -> LatentDiffusionConfig:
    """The sizes of a model folder's latent diffusion; CheckpointError where it has none."""
    described = describe(folder, need=["latent_diffusion"])
    if described.latent_diffusion is None:
        raise _of_its_makers_own(folder, "latent_diffusion", described)
    return described.latent_diffusion


def load_autoencoder(folder: Path) -> DMAE:
    """The autoencoder of a model folder, in float32, ready to run.

    Raises:
        CheckpointError: there is none, or its weights do not fit; one line that names the file and the key.
    """
    config = autoencoder_config(folder)
    return load_module(folder / "autoencoder", lambda: DMAE(config))


def load_latent_diffusion(folder: Path) -> LatentDiffusion:
    """The latent diffusion of a model folder, in float32, ready to run.

    Raises:
        CheckpointError: there is none, or its weights do not fit; one line that names the file and the key.
    """
    config = latent_diffusion_config(folder)
    return load_module(folder / "latent_diffusion", lambda: LatentDiffusion(config))


def load_part(folder: Path, name: str, given: Any = None) -> Any:
    """A part of a model folder, in float32, ready to run.

    Args:
        folder: folder of the model.
        name: one of `PARTS`.
        given: a part of one's own that takes its place: an object, or a class whose `from_pretrained` reads the folder
            of the part.

    Raises:
        CheckpointError: there is none, its weights do not fit, or it is of its maker's own and `given` is None.
        UserError: what is given lacks something that is asked of this part.
    """
    described = describe(folder, need=[] if given is not None and not isinstance(given, type) else [name])
    if given is not None or name in described.own:
        part = load_own(folder, name, given, described.own.get(name))
        check_part(name, part)
        return part
    loaders = {
        "text_encoder": T5TextEncoder.load,
        "latent_diffusion": load_latent_diffusion,
        "autoencoder": load_autoencoder,
    }
    return loaders[name](folder)


def save_parts(
    folder: Path,
    parts: Mapping[str, Any],
    *,
    defaults: SamplingConfig,
    about: str = "",
    dtype: torch.dtype | None = None,
    card: str | None = None,
) -> None:
    """Write a model folder of all parts or of some.

    A new folder, and one that takes the place of an older model, is written whole or not at all: at every moment one
    whole model has the name. In a folder of other things only the files of the model are written, each of them whole.

    Args:
        folder: made if it is missing.
        parts: some of "autoencoder", "latent_diffusion" and "text_encoder". One that is not of the library's own type
            writes itself by `save_pretrained`.
        defaults: settings that the model is best run with.
        about: text that `mousai info` prints.
        dtype: dtype of the stored weights; `None` keeps theirs.
        card: text of its README.md, if any.

    Raises:
        UserError: a part of one's own could not be read again.
        CheckpointError: a file cannot be written.
    """
    if dtype is not None and not dtype.is_floating_point:
        raise UserError("dtype", str(dtype), "cannot hold weights; give a floating-point dtype, such as torch.bfloat16")
    own = {name: part for name, part in parts.items() if type(part) is not _TYPES[name]}
    for name, part in own.items():
        check_savable(name, part)
    try:
        if folder.is_dir() and not (folder / INDEX_NAME).is_file() and any(folder.iterdir()):
            _write_parts(folder, parts, own, defaults=defaults, about=about, dtype=dtype, card=card)
            return
        with replaced_folder(folder, own=_NAMES) as new:
            _write_parts(new, parts, own, defaults=defaults, about=about, dtype=dtype, card=card)
            describe(new, settings=type(defaults))
    except OSError as error:
        raise CheckpointError(folder, hint=f"cannot be written: {error.strerror or error}") from error


def _write_parts(
    folder: Path,
    parts: Mapping[str, Any],
    own: Mapping[str, Any],
    *,
    defaults: SamplingConfig,
    about: str,
    dtype: torch.dtype | None,
    card: str | None,
) -> None:
    kinds = {name: save_own(folder, name, part) for name, part in own.items()}
    for name, part in parts.items():
        if name in own:
            continue
        if name == "text_encoder":
            part.save(folder, dtype=dtype)
        else:
            save_module(folder / name, part, part.config.to_dict(), dtype=dtype)
    if card is not None:
        write_text(folder / CARD_NAME, card)
    index = {"format": "mousai", "version": 1, "about": about, "defaults": defaults.to_dict()}
    if set(parts) != set(PARTS):
        index["parts"] = [name for name in PARTS if name in parts]
    if kinds:
        index["own"] = kinds
    save_config(folder / INDEX_NAME, index)


def _of_its_makers_own(folder: Path, name: str, described: ModelDescription) -> CheckpointError:
    hint = f"was written by a class {described.own[name]} of its maker's own, whose sizes are not known here"
    return CheckpointError(folder / name, hint=hint)


def _config(cls: Any, folder: Path) -> Any:
    values = load_config(folder)
    try:
        return cls.from_dict(values)
    except ValueError as error:
        raise CheckpointError(folder / "config.json", hint=str(error)) from error


def _defaults(values: Any, path: Path, settings: type[SamplingConfig]) -> SamplingConfig:
    if not isinstance(values, dict):
        raise CheckpointError(path, hint=f"defaults must be an object, not {values!r}")
    try:
        refuse_unknown(values, settings)
        return settings(**values)
    except UserError as error:
        raise CheckpointError(path, hint=f"default {error}") from error
