"""`mousai info`: what a model is, or how a file was made."""

import argparse
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.cli.common.shared import say
from mousai.errors import UserError

if TYPE_CHECKING:
    from mousai.diffusion.config import LatentDiffusionConfig
    from mousai.sampling_config import SamplingConfig

_WIDTH = 18


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `info` takes."""
    parser.add_argument(
        "thing",
        nargs="?",
        metavar="MODEL_OR_FILE",
        help="folder of a model, or its id on the Hugging Face hub (default: the bundled model); or a sound, a latent "
        "or an adapter that mousai wrote",
    )
    parser.add_argument(
        "--model",
        metavar="DIR_OR_ID",
        help="the model, as other commands take it; beside a latent or an adapter: say whether it fits this model",
    )
    parser.add_argument("--revision", metavar="R", help="commit of a model of the hub, needed for one")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    path = None if args.thing is None else Path(args.thing)
    if path is None or not path.is_file():
        if args.thing is not None and args.model is not None:
            raise UserError("model", args.model, f"{args.thing} is a model too; give one of the two, or a file")
        if args.thing is not None and path is not None and _names_a_file(args.thing, path):
            raise UserError(args.thing, hint="no such folder or file; give a model, or a file that mousai wrote")
        say(_model(args.model if args.thing is None else args.thing, args.revision))
        return 0
    if args.revision is not None and args.model is None:
        raise UserError("revision", args.revision, f"{path} is a file, not a model of the hub")
    if path.suffix != ".safetensors":
        if args.model is not None:
            raise UserError("model", args.model, f"{path} is no latent and no adapter, which alone are of a model")
        say(_sound(path))
        return 0
    say(_tensors(path, None if args.model is None else (args.model, args.revision)))
    return 0


def _names_a_file(thing: str, path: Path) -> bool:
    """Tell whether what is not there was meant as a file or a folder here, and not as a model of the hub."""
    from mousai.audio.files import READ_SUFFIXES
    from mousai.storage.folders import BUNDLED_NAME

    if path.is_dir() or thing == BUNDLED_NAME:
        return False
    return "/" not in thing or path.suffix.lower() in (*READ_SUFFIXES, ".safetensors")


def _model(name: str | None, revision: str | None) -> list[str]:
    """Read from the configs and the headers of the weights; no weight is loaded."""
    from mousai.conditioning.text import MAX_TOKENS
    from mousai.conditioning.usual_tempo import USUAL_TEMPO
    from mousai.device import describe_device
    from mousai.storage.folders import describe, model_folder
    from mousai.storage.parts import PARTS
    from mousai.storage.weights import WEIGHTS_NAME, tensor_shapes

    folder = model_folder(name, revision=revision)
    model = describe(folder)
    weights = {part: folder / part / WEIGHTS_NAME for part in PARTS if part in model.parts and part not in model.own}
    counts = {part: sum(prod(shape) for shape in tensor_shapes(path).values()) for part, path in weights.items()}
    size = sum(path.stat().st_size for path in weights.values())
    title = "the bundled model" if name is None else name
    lines = [title if title == str(folder) else f"{title}, in {folder}"]
    if model.about:
        lines += ["", *model.about.strip().splitlines()]
    rows = [
        *((part.replace("_", " "), f"{count:,} parameters") for part, count in counts.items()),
        *((part.replace("_", " "), f"of its maker's own, a {kind}") for part, kind in model.own.items()),
        ("together", f"{sum(counts.values()):,} parameters, {size / 1e6:,.1f} MB"),
    ]
    if (config := model.autoencoder) is not None:
        channels = {1: "mono", 2: "stereo"}.get(config.audio_channels, f"{config.audio_channels} channels")
        rows += [
            ("sound", f"{config.sample_rate} Hz, {channels}"),
            (
                "latent",
                f"{config.latent_channels} channels, {config.latent_rate:.4g} frames a second: "
                f"{config.compression:.4g} times fewer numbers than the sound",
            ),
        ]
    if model.latent_diffusion is not None and model.latent_diffusion.net.context_features:
        rows.append(("prompt", f"{MAX_TOKENS} tokens, about {MAX_TOKENS * 5 // 8} words"))
        if "text_encoder" not in model.own and (folder / "text_encoder" / USUAL_TEMPO).exists():
            rows.append(("usual tempo", "learned, for prompts that state none"))
    if model.latent_diffusion is not None:
        rows.append(("controls", _controls(model.latent_diffusion)))
    if missing := [part.replace("_", " ") for part in PARTS if part not in model.parts]:
        rows.append(("lacks", f"{' and '.join(missing)}, to make music from text"))
    rows += [
        ("best with", " ".join(_best_with(model.defaults, composes=model.latent_diffusion is not None))),
        ("device", f"{describe_device()} (--device auto)"),
    ]
    return [*lines, "", *_table(rows)]


def _controls(config: "LatentDiffusionConfig") -> str:
    """What the model can follow beside the prompt, with the options that ask for it."""
    from mousai.conditioning.control_plan import CONTROL_OF

    found = ["tempo, key, lead (in the prompt)"] if config.frame_rate else []
    for control in config.controls:
        options = ", ".join(f"--{name}" for name, needed in CONTROL_OF.items() if needed == control)
        found.append(f"{control} ({options})" if options else f"{control} part of a recording (edit, extend)")
    return ", ".join(found) or "none beside the prompt"


def _best_with(defaults: "SamplingConfig", *, composes: bool) -> list[str]:
    """Options of the settings that the model is best run with; those that need a recording are no such thing."""
    from mousai.settings import settings_of

    stages = ("latent_diffusion", "decoder") if composes else ("decoder",)
    words: list[str] = []
    for name, setting in settings_of(type(defaults)).items():
        if setting.stage in stages and not setting.needs:
            value = getattr(defaults, name)
            if value is not False:  # a flag that is not set is nobody's choice
                words += setting.words(name, f"{value:g}" if isinstance(value, float) else value)
    return words


def _sound(path: Path) -> list[str]:
    from mousai.audio.files import audio_info, read_metadata
    from mousai.cli.common.made_again import command_of
    from mousai.cli.common.shared import quiet_decoders

    with quiet_decoders():
        found, made = audio_info(path), read_metadata(path)
    lines = [f"{path}: {found.duration:.2f} s, {found.sample_rate} Hz, channels: {found.channels}"]
    if "mousai" not in made:
        return [*lines, "not made by mousai, or its comment was removed"]
    lines += ["", *_table(list(made.items()))]
    command = command_of(made, str(path.with_stem(f"{path.stem}-again")))
    return lines if command is None else [*lines, "", "made again by", f"  {command}"]


def _tensors(path: Path, model: tuple[str, str | None] | None) -> list[str]:
    from mousai.diffusion.lora import FORMAT
    from mousai.storage.folders import model_folder
    from mousai.storage.weights import tensor_metadata

    folder = None if model is None else model_folder(model[0], revision=model[1])
    return (_adapter if tensor_metadata(path).get("format") == FORMAT else _latent)(path, folder)


def _latent(path: Path, folder: Path | None) -> list[str]:
    from mousai.cli.common.latents import check_latent, read_latent
    from mousai.storage.folders import autoencoder_config

    found = read_latent(str(path))
    seconds = found.samples / found.sample_rate
    lines = [
        f"{path}: latent {list(found.latent.shape)}, of {seconds:.2f} s at {found.sample_rate} Hz, "
        f"by the encoder {found.autoencoder or 'of an unknown model'}"
    ]
    if folder is not None:
        check_latent(str(path), found, folder, autoencoder_config(folder))
        lines.append(f"fits the model {folder}")
    return lines


def _adapter(path: Path, folder: Path | None) -> list[str]:
    """Read from headers alone: what is changed, how strongly, and of which model."""
    from mousai.diffusion.lora import A, check_fits
    from mousai.storage.weights import WEIGHTS_NAME, tensor_metadata, tensor_shapes

    about, shapes = tensor_metadata(path), tensor_shapes(path)
    names = sorted(key.removesuffix(A) for key in shapes if key.endswith(A))
    rows = [
        ("trained on", about.get("base", "an unknown model")),
        ("rank", f"{about.get('rank', 'unknown')}, alpha {about.get('alpha', 'unknown')}"),
        ("changes", f"{len(names)} weights, by {sum(prod(shape) for shape in shapes.values()):,} parameters"),
        ("size", f"{path.stat().st_size / 1e6:,.1f} MB"),
    ]
    if folder is not None:
        check_fits(path, folder / "latent_diffusion" / WEIGHTS_NAME, model=str(folder))
        rows.append(("fits", str(folder)))
    return [f"{path}: an adapter (LoRA); mousai generate PROMPT --lora {path} -o OUT", "", *_table(rows)]


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(_WIDTH, *(len(key) + 2 for key, _ in rows)) if rows else _WIDTH
    return [f"{key + ':':<{width}}{value}" for key, value in rows]
