"""Arguments that several commands take, and the steps before and after the slow part that they share.

The heavy imports stand inside the functions, because `mousai generate --help` reads this module.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mousai import __version__
from mousai.cli.common.lora_options import check_lora_fits
from mousai.cli.common.sampling_options import add_sampling_options, check_settings, given_settings
from mousai.errors import UserError, printable

if TYPE_CHECKING:
    from torch import Tensor

    from dmae import DMAEConfig
    from mousai.codec import Codec
    from mousai.pipeline import Mousai
    from mousai.storage.folders import ModelDescription

AUDIO_FILES = ".wav, .flac, .ogg or .mp3"
# Of what is stored in a file's comment, which holds 16384 characters in all.
_LONGEST_TEXT = 4096


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """`--model`, `--revision`, `--device` and `--dtype`."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="DIR_OR_ID",
        help="folder of a model, or its id on the Hugging Face hub, owner/name (default: bundled, which comes along)",
    )
    group.add_argument("--revision", metavar="R", help="commit of a model of the hub, needed for one")
    add_device_arguments(group)


def add_device_arguments(parser: argparse._ActionsContainer) -> None:
    """`--device` and `--dtype`, for every command that computes; `checked_device` reads the first."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="where it is computed: cpu, cuda (an NVIDIA or AMD GPU), cuda:1 (the second one), mps (an Apple GPU); "
        "auto takes the GPU if there is one, see mousai info (default auto)",
    )
    parser.add_argument(
        "--dtype",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="dtype to compute in; auto takes bfloat16 where it is clearly faster on this machine (default auto)",
    )


def checked_device(args: argparse.Namespace) -> str:
    """Name of the device that `--device` means on this machine; to be asked before anything is loaded.

    Raises:
        UserError: there is no such device.
    """
    from mousai.device import resolve_device

    return str(resolve_device(args.device))


def add_compile_argument(parser: argparse.ArgumentParser) -> None:
    """`--compile`, for commands that sample."""
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the nets for this machine when they are first used, with PyTorch's compiler and a C++ "
        "compiler. It takes minutes for nets of the paper's size, again for each new duration, and does not make every "
        "machine faster: measure before you use it",
    )


def add_output_arguments(parser: argparse.ArgumentParser, *, files: str = AUDIO_FILES) -> None:
    """`-o` and `--overwrite`."""
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=f"file to write: {files}")
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")


def add_decoder_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings of the decoder and `--seed`, for commands that only decode."""
    add_sampling_options(parser, stage="decoder")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the decoder's noise (default 0)")


def described_model(args: argparse.Namespace) -> "tuple[Path, ModelDescription]":
    """Folder of the whole model that the parsed options name, and what it says of itself; no weights are read.

    It is found once for a command, and kept in the options.

    Raises:
        UserError: there is no such model, it lacks a part, or a setting or an adapter does not go with it.
    """
    from mousai.arguments import check_griffin_lim
    from mousai.exact.threads import check_exact
    from mousai.request import check_negative
    from mousai.storage.folders import describe, model_folder
    from mousai.storage.parts import PARTS

    known: tuple[Path, ModelDescription] | None = getattr(args, "described", None)
    if known is not None:
        return known
    folder = model_folder(args.model, revision=args.revision)
    described = describe(folder, need=PARTS)
    config = described.defaults.updated(given_settings(args))
    if described.autoencoder is not None:
        check_griffin_lim(config.griffin_lim, described.autoencoder)
    if config.exact:
        check_exact(device=checked_device(args), dtype=args.dtype, compiled=getattr(args, "compile", False))
    if getattr(args, "negative_prompt", None) is not None:
        check_negative(config)
    if getattr(args, "lora", None) is not None:
        check_lora_fits(args, folder)
    args.described = folder, described
    return folder, described


def say(lines: Iterable[str], *, to: "TextIO | None" = None) -> None:
    """Print lines that hold what strangers' files say: names, metadata, texts; each as a terminal may show it.

    Args:
        lines: the lines.
        to: stream; stdout by default.
    """
    for line in lines:
        print(printable(line), file=to, flush=True)


def model_name(args: argparse.Namespace) -> str:
    """Name of the model as a file's comment has it."""
    return "bundled" if args.model is None else str(args.model)


def check_text(field: str, text: str) -> None:
    """Refuse a prompt that cannot be read or is a whole book, whatever the model; one `UserError` line."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(field, text, "is not text; give it as UTF-8") from None
    if len(json.dumps(text)) > _LONGEST_TEXT:
        raise UserError(field, hint=f"{len(text)} characters; give a sentence or two, the model reads no more")


def say_unread(pipeline: "Mousai", prompts: Sequence[str]) -> None:
    """Say on stderr what the text encoder does not read of prompts, once for all pieces that are made of them."""
    import warnings

    from mousai.arguments import PromptCutWarning, UnknownWordsWarning

    for prompt in dict.fromkeys(prompts):
        if unseen := pipeline.unseen(prompt):
            print(f"mousai: a prompt is too long, not seen of it: {' '.join(unseen.split())!r}", file=sys.stderr)
        if line := pipeline.not_understood(prompt):
            print(f"mousai: {line}", file=sys.stderr)
    for kind in (PromptCutWarning, UnknownWordsWarning):
        warnings.simplefilter("ignore", kind)


def check_decoder_arguments(args: argparse.Namespace) -> None:
    """Refuse impossible `--decoder-steps` and `--seed`."""
    from mousai.arguments import check_seed

    check_settings(args)
    check_seed(args.seed)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep from the terminal what the MP3 decoder, a C library, writes to stderr: many lines for one broken file."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def read_sound(path: str, config: "DMAEConfig") -> "Tensor":
    """A whole recording [channels, samples] at the rate and with the channels of the model.

    Raises:
        UserError: it cannot be read, is too long, or is not scaled to ±1.
    """
    import torch

    from mousai.arguments import MAX_DURATION, check_recording
    from mousai.audio.files import read_audio

    # A second more than is allowed, so that a header which promises a year does not fill the memory.
    with quiet_decoders():
        sound = read_audio(
            path, sample_rate=config.sample_rate, channels=config.audio_channels, duration=MAX_DURATION + 1
        )
    recording = torch.from_numpy(sound)
    check_recording(path, recording, sample_rate=config.sample_rate)
    return recording


def write_sound(path: Path, sound: "Tensor", codec: "Codec", settings: Mapping[str, str], *, overwrite: bool) -> None:
    """Write a waveform [channels, samples] with its settings, and say so in one line on stdout."""
    from mousai.audio.files import write_audio
    from mousai.audio.writing import as_array

    write_audio(
        path,
        as_array(sound),
        codec.sample_rate,
        overwrite=overwrite,
        metadata={"mousai": __version__, **settings},
    )
    print(f"{path}: {sound.shape[-1] / codec.sample_rate:.2f} s, seed {settings['seed']}", flush=True)


def decode_to_file(
    latent: "Tensor",
    path: Path,
    codec: "Codec",
    args: argparse.Namespace,
    *,
    samples: int,
    source: str,
) -> None:
    """Decode a latent [channels, frames] with a bar, and write `samples` of sound with the settings.

    Args:
        latent: latent [channels, frames].
        path: file to write.
        codec: the model.
        args: parsed options of `add_model_arguments`, `add_output_arguments` and `add_decoder_arguments`.
        samples: length of the sound.
        source: under which name `args.input` is stored in the file.
    """
    codec.set_progress_bar_config(desc=path.name)
    settings = given_settings(args)
    sound = codec.decode(latent[None], length=samples, seed=args.seed, **settings)
    recorded = codec.recorded(codec.defaults.updated(settings), stage="decoder")
    made = {
        source: args.input,
        "seed": str(args.seed),
        **{name: str(value) for name, value in recorded.items()},
        "model": model_name(args),
    }
    write_sound(path, sound[0], codec, made, overwrite=args.overwrite)
