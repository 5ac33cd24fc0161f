"""`mousai info`: what a model is, or how a file was made."""

import argparse
from math import prod
from pathlib import Path

from mousai.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `info` takes."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="folder of a model, or its id on the Hugging Face hub (default: the model that comes along); or a sound "
        "or latent file that mousai wrote",
    )
    parser.add_argument("--revision", metavar="R", help="commit of a model of the hub, needed for one")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    path = None if args.model is None else Path(args.model)
    if path is None or not path.is_file():
        print("\n".join(_model(args.model, args.revision)))
    elif args.revision is not None:
        raise UserError(f"--revision: {path} is a file, not a model of the hub")
    else:
        print("\n".join(_latent(path) if path.suffix == ".safetensors" else _sound(path)))
    return 0


def _model(name: str | None, revision: str | None) -> list[str]:
    """Read from the configs and the headers of the weights; no weight is loaded."""
    from mousai.conditioning.text import MAX_TOKENS
    from mousai.storage.folders import PARTS, describe, model_folder
    from mousai.storage.weights import WEIGHTS_NAME, tensor_shapes

    folder = model_folder(name, revision=revision)
    model = describe(folder)
    weights = {part: folder / part / WEIGHTS_NAME for part in PARTS if part in model.parts}
    counts = {part: sum(prod(shape) for shape in tensor_shapes(path).values()) for part, path in weights.items()}
    size = sum(path.stat().st_size for path in weights.values())
    title = "the model that comes along" if name is None else name
    lines = [title if title == str(folder) else f"{title}, in {folder}"]
    if model.about:
        lines += ["", *model.about.strip().splitlines()]
    rows = [
        *((part.replace("_", " "), f"{count:,} parameters") for part, count in counts.items()),
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
    if missing := [part.replace("_", " ") for part in PARTS if part not in model.parts]:
        rows.append(("lacks", f"{' and '.join(missing)}, to make music from text"))
    best = model.defaults
    made = (
        f"--steps {best.num_inference_steps} --guidance-scale {best.guidance_scale:g} "
        f"--sampler {best.sampler} --time-grid {best.time_grid} "
    )
    rows.append(("best with", f"{made if model.latent_diffusion else ''}--decoder-steps {best.decoder_steps}"))
    return [*lines, "", *(f"{key + ':':<18}{value}" for key, value in rows)]


def _sound(path: Path) -> list[str]:
    from mousai.audio.files import audio_info, read_metadata
    from mousai.cli.generate import command_of
    from mousai.cli.shared import quiet_decoders

    with quiet_decoders():
        found, made = audio_info(path), read_metadata(path)
    lines = [f"{path}: {found.duration:.2f} s, {found.sample_rate} Hz, channels: {found.channels}"]
    if "mousai" not in made:
        return [*lines, "not made by mousai, or its comment was removed"]
    lines += ["", *(f"{key + ':':<18}{value}" for key, value in made.items())]
    if "prompt" in made:
        lines += ["", "made again by", f"  {command_of(made, str(path.with_stem(f'{path.stem}-again')))}"]
    return lines


def _latent(path: Path) -> list[str]:
    from mousai.cli.latents import read_latent

    found = read_latent(str(path))
    seconds = found.samples / found.sample_rate
    return [
        f"{path}: latent {list(found.latent.shape)}, of {seconds:.2f} s at {found.sample_rate} Hz, "
        f"by the encoder {found.autoencoder or 'of an unknown model'}"
    ]
