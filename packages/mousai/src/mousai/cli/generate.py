"""`mousai generate`: sentences in, music out."""

import argparse
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mousai.cli.progress import Progress
from mousai.cli.shared import (
    add_compile_argument,
    add_model_arguments,
    add_output_arguments,
    check_text,
    checked_device,
    dtype_name,
    model_name,
    read_sound,
    write_sound,
)
from mousai.errors import UserError

_DURATION, _STRENGTH, _LORA_SCALE = 20.0, 0.7, 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `generate` takes."""
    parser.add_argument(
        "prompt",
        nargs="+",
        metavar="PROMPT",
        help="what the music is like, in quotes: style, tempo (128 bpm), key (E minor), instruments, mood. "
        "Several sentences make a piece each; their files are numbered, song-1.wav, song-2.wav, ...",
    )
    add_output_arguments(parser, files=".wav, .flac, .ogg or .mp3; with several pieces it is numbered before the dot")
    parser.add_argument("--duration", type=float, metavar="S", help="seconds of music (default 20)")
    parser.add_argument(
        "--count", type=int, default=1, metavar="N", help="pieces for each sentence, numbered likewise (default 1)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="the same number makes the same music again, and another number other music; the second piece has the "
        "number after it, and so on (default: drawn at random, and printed)",
    )
    group = parser.add_argument_group("how it is made (by default as the model is best run)")
    group.add_argument(
        "--steps",
        dest="num_inference_steps",
        type=int,
        metavar="N",
        help="steps of composing; more take longer and may be better",
    )
    group.add_argument("--decoder-steps", type=int, metavar="N", help="the same for the sound")
    group.add_argument(
        "--sampler",
        metavar="NAME",
        help="way of composing: ddim (plain), dpmpp_2m (closer to the end result in few steps), heun (likewise; a step "
        "takes twice as long); or, led less by the start and more by chance: dpmpp_2m_sde, euler_ancestral",
    )
    group.add_argument(
        "--time-grid",
        metavar="NAME",
        help="where the steps of composing lie: uniform (evenly), cosine (closer together at the start and the end), "
        "karras, log_snr (most of them where the details are decided)",
    )
    group.add_argument(
        "--guidance-scale",
        type=float,
        metavar="G",
        help="how closely the music keeps to the sentence: 1 freely, 3 to 7 closely",
    )
    group.add_argument(
        "--attribute-guidance-scale",
        type=float,
        metavar="G",
        help="how much more the key and the lead instrument count that the sentence names: 0 no more, 2 to 5 much more",
    )
    group.add_argument("--negative-prompt", metavar="P", help="a sentence to stay away from")
    group = parser.add_argument_group("starting from a recording")
    group.add_argument("--init-audio", metavar="FILE", help="recording to make new music from, of the same length")
    group.add_argument(
        "--strength",
        type=float,
        metavar="X",
        help="how much of the recording is replaced, above 0 (hardly anything) to 1 (all of it) (default 0.7)",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--lora",
        metavar="FILE",
        help="adapter that `mousai train latent-diffusion --lora.rank` made, added to the model",
    )
    parser.add_argument("--lora-scale", type=float, metavar="X", help="how much of it (default 1, as it was trained)")
    add_compile_argument(parser)


@dataclass(frozen=True)
class _Piece:
    prompt: str
    seed: int
    path: Path


def run(args: argparse.Namespace) -> int:
    """Make the pieces that the parsed options ask for.

    One after the other, so that memory is needed for one, each is on disk when it is done, and each can be made again
    alone: piece k of a call has the seed after that of piece k - 1.
    """
    pieces = _pieces(args)
    _check_settings(args)
    device = checked_device(args)

    from mousai.pipeline import Mousai
    from mousai.storage.folders import PARTS, autoencoder_config, describe, model_folder

    folder = model_folder(args.model, revision=args.revision)
    model = describe(folder, need=PARTS)
    recording = None if args.init_audio is None else read_sound(args.init_audio, autoencoder_config(folder))
    pipeline = Mousai.from_pretrained(folder, device=device, dtype=args.dtype)
    if args.lora is not None:
        pipeline.load_lora_weights(args.lora, scale=_LORA_SCALE if args.lora_scale is None else args.lora_scale)
    if args.compile:
        pipeline.compile()
    for prompt in dict.fromkeys([*args.prompt, args.negative_prompt or ""]):
        if unseen := pipeline.text_encoder.cut(prompt):
            print(f"mousai: a prompt is too long, not seen of it: {' '.join(unseen.split())!r}", file=sys.stderr)

    duration = _DURATION if args.duration is None else args.duration
    steps = model.defaults.num_inference_steps if args.num_inference_steps is None else args.num_inference_steps
    decoder_steps = model.defaults.decoder_steps if args.decoder_steps is None else args.decoder_steps
    guidance_scale = model.defaults.guidance_scale if args.guidance_scale is None else args.guidance_scale
    attribute_guidance_scale = (
        model.defaults.attribute_guidance_scale
        if args.attribute_guidance_scale is None
        else args.attribute_guidance_scale
    )
    sampler = model.defaults.sampler if args.sampler is None else args.sampler
    time_grid = model.defaults.time_grid if args.time_grid is None else args.time_grid
    strength = _STRENGTH if args.strength is None else args.strength
    settings = {
        "negative_prompt": args.negative_prompt,
        "duration": duration if recording is None else None,
        "steps": steps,
        "decoder_steps": decoder_steps,
        "sampler": sampler,
        "time_grid": time_grid,
        "guidance_scale": guidance_scale,
        "attribute_guidance_scale": attribute_guidance_scale,
        "init_audio": args.init_audio,
        "strength": None if recording is None else strength,
        "model": model_name(args),
        "revision": args.revision,
        "lora": args.lora,
        "lora_scale": args.lora_scale,
        "dtype": dtype_name(pipeline),
    }
    stored = {key: str(value) for key, value in settings.items() if value is not None}
    for piece in pieces:
        with Progress({"latent_diffusion": steps, "decoder": decoder_steps}, name=piece.path.name) as progress:
            result = pipeline(
                piece.prompt,
                negative_prompt=args.negative_prompt,
                duration=duration,
                num_inference_steps=steps,
                guidance_scale=guidance_scale,
                attribute_guidance_scale=attribute_guidance_scale,
                decoder_steps=decoder_steps,
                sampler=sampler,
                time_grid=time_grid,
                seed=piece.seed,
                init_audio=recording,
                strength=strength,
                callback_on_step_end=progress,
            )
        made = {"prompt": piece.prompt, "seed": str(piece.seed), **stored}
        write_sound(piece.path, result.audios[0], pipeline, made, overwrite=args.overwrite)
    return 0


def command_of(made: Mapping[str, str], path: str) -> str:
    """The command line that makes a piece again, from what `run` stored in its file."""
    words = ["mousai", "generate", "-o", path]
    for key, value in made.items():
        if key not in ("mousai", "prompt") and (key, value) != ("model", "bundled"):
            option = "--" + key.replace("_", "-")
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return shlex.join([*words, "--", made["prompt"]])


def _pieces(args: argparse.Namespace) -> list[_Piece]:
    """Every piece with its seed and its file, which can be written.

    Raises:
        UserError: a prompt or a file is not as it must be.
    """
    from mousai.audio.files import check_output

    if len(args.prompt) > 1 and all(len(prompt.split()) == 1 for prompt in args.prompt):
        print(
            f"mousai: {len(args.prompt)} words make {len(args.prompt)} pieces; put a sentence in quotes for one piece",
            file=sys.stderr,
        )
    for prompt in args.prompt:
        check_text("prompt", prompt)
    check_text("negative_prompt", args.negative_prompt or "")
    if not 1 <= args.count <= 64:
        raise UserError("count", args.count, "must be 1 to 64")
    prompts = [prompt for prompt in args.prompt for _ in range(args.count)]
    path = Path(args.output)
    if len(prompts) == 1 or not path.name or path.is_dir():
        paths = [path]
    else:
        paths = [path.with_stem(f"{path.stem}-{number}") for number in range(1, len(prompts) + 1)]
    for path in paths:
        check_output(path, args.overwrite)
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    return [_Piece(prompt, seed + k, path) for k, (prompt, path) in enumerate(zip(prompts, paths, strict=True))]


def _check_settings(args: argparse.Namespace) -> None:
    """What the pipeline would refuse, in the words of the command line."""
    if args.init_audio is not None and args.duration is not None:
        raise UserError("--duration and --init-audio: the piece is as long as the recording; give one of the two")
    if args.init_audio is None and args.strength is not None:
        raise UserError("--strength: says how much of a recording is replaced; give --init-audio too")

    if args.lora_scale is not None and args.lora is None:
        raise UserError("lora_scale", hint="says how much of an adapter is added; give --lora too")
    if args.lora_scale is not None and not 0 <= args.lora_scale <= 10:
        raise UserError("lora_scale", args.lora_scale, "must be 0 to 10")
    if args.lora is not None and not Path(args.lora).is_file():
        raise UserError("lora", args.lora, "no such file")

    from mousai.sampling_config import check_settings

    check_settings(
        duration=_DURATION if args.duration is None else args.duration,
        num_inference_steps=args.num_inference_steps,
        guidance_scale=args.guidance_scale,
        attribute_guidance_scale=args.attribute_guidance_scale,
        decoder_steps=args.decoder_steps,
        sampler=args.sampler,
        time_grid=args.time_grid,
        seed=args.seed,
        strength=_STRENGTH if args.strength is None else args.strength,
    )
