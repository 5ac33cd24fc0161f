"""`mousai play`: music without end."""

import argparse
import math
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.cli.common.lora_options import add_lora_arguments, check_lora, lora_record
from mousai.cli.common.request_options import loaded, model_words, stored_command
from mousai.cli.common.sampling_options import add_sampling_options, check_settings, given_settings
from mousai.cli.common.shared import (
    AUDIO_FILES,
    add_compile_argument,
    add_model_arguments,
    check_text,
    checked_device,
    described_model,
    model_name,
    say_unread,
)
from mousai.errors import UserError
from mousai.settings import number_word
from mousai.verbs.command_line import option_words, setting_words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dmae import DMAEConfig
    from mousai.cli.playing.pipe import Pipe
    from mousai.cli.playing.speaker import Speaker
    from mousai.pipeline import Mousai
    from mousai.streaming import AudioChunk, MusicStream
    from mousai.streaming.stream_prompt import StreamPrompt

MOST_SECONDS = 86400.0
"""Longest `--seconds`: a day."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `play` takes."""
    parser.add_argument(
        "prompt",
        metavar="PROMPT",
        help="what the music is like, in quotes. While it plays, every line that is typed (or comes through standard "
        "input) is the prompt from the next bar on",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help=f"where the sound goes: - sends it through a pipe; {AUDIO_FILES} writes a file, which needs --seconds "
        "(default: to the loudspeaker)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    parser.add_argument(
        "--format",
        choices=("wav", "s16le", "f32le"),
        help="what goes through the pipe: a WAV file of 16 bits, or raw samples, 16 bits or floats (default wav)",
    )
    parser.add_argument("--speaker", metavar="NAME", help="loudspeaker: its number or part of its name")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so much music (default: never)")
    parser.add_argument("--negative-prompt", metavar="P", help="a sentence to stay away from")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="the same number plays the same music again (default: drawn at random, and printed)",
    )
    group = parser.add_argument_group("tempo, key and lead (by default as the prompt says)")
    group.add_argument("--tempo", type=float, metavar="BPM", help="beats per minute, until a line names another")
    group.add_argument("--key", metavar="KEY", help='such as "A minor"')
    group.add_argument("--lead", metavar="NAME", help="family of the instrument that has the melody, such as piano")
    group = parser.add_argument_group("how it is made (by default as the model is best run)")
    add_sampling_options(group, leave_out=("strength", "inpaint_resamples"))
    group.add_argument(
        "--inpaint-resamples",
        type=int,
        metavar="N",
        help="how often each step of a continuation is repeated to fit it to what was played (default 2)",
    )
    add_model_arguments(parser)
    add_lora_arguments(parser)
    add_compile_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Play what the parsed options say, to the loudspeaker, through a pipe or into a file."""
    current = _first_prompt(args)
    checked_device(args)

    from mousai.storage.folders import autoencoder_config
    from mousai.streaming.clock import BarClock
    from mousai.streaming.stream import stream_config

    folder, described = described_model(args)
    settings = given_settings(args)
    config = stream_config(described.defaults, settings)
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    current.request(config, seed, BarClock(None))  # what else could be refused
    sizes = autoencoder_config(folder)
    samples = None if args.seconds is None else round(args.seconds * sizes.sample_rate)
    sink = _live_sink(args, sizes, samples)
    pipe = loaded(args)
    say_unread(pipe, [args.prompt, args.negative_prompt or ""])
    stream = pipe.stream(
        args.prompt, negative_prompt=args.negative_prompt, attributes=current.known, seed=seed, **settings
    )
    if sink is None:
        return _write_file(args, pipe, stream, samples or 0)
    return _play(pipe, stream, sink, samples)


def _first_prompt(args: argparse.Namespace) -> "StreamPrompt":
    """What is to be played; refuse what cannot be, before any model is read."""
    from mousai.arguments import check_seed
    from mousai.audio.files import check_output
    from mousai.conditioning.attributes import MusicAttributes, parse_attributes
    from mousai.conditioning.leads import LEADS
    from mousai.settings import did_you_mean
    from mousai.streaming.stream_prompt import StreamPrompt

    to_file = args.output not in (None, "-")
    if args.seconds is not None and not (math.isfinite(args.seconds) and 0 < args.seconds <= MOST_SECONDS):
        raise UserError("seconds", args.seconds, f"must be above 0, up to {MOST_SECONDS:g}; leave it out for no end")
    if to_file and args.seconds is None:
        raise UserError("seconds", hint=f"must be given: without an end {args.output} would never be finished")
    if args.format is not None and args.output != "-":
        raise UserError("format", args.format, "says what goes through a pipe; give -o - too")
    if args.speaker is not None and args.output is not None:
        raise UserError("speaker", args.speaker, f"the sound goes to {args.output}; give one of the two")
    if to_file:
        check_output(args.output, args.overwrite)
    check_text("prompt", args.prompt)
    check_text("negative_prompt", args.negative_prompt or "")
    if args.seed is not None:
        check_seed(args.seed)
    key = None if args.key is None else parse_attributes(args.key).key
    if args.key is not None and key is None:
        raise UserError("key", args.key, 'must be a note and major or minor, such as "A minor"')
    if args.lead is not None and args.lead not in LEADS:
        raise UserError("lead", args.lead, f"must be one of {', '.join(LEADS)}{did_you_mean(args.lead, LEADS)}")
    check_settings(args)
    check_lora(args)
    known = MusicAttributes(tempo=args.tempo, key=key, lead=args.lead)
    return StreamPrompt(prompt=args.prompt, negative_prompt=args.negative_prompt, known=known)


def _live_sink(args: argparse.Namespace, sizes: "DMAEConfig", samples: int | None) -> "Pipe | Speaker | None":
    """The loudspeaker or the pipe, checked; `None` for a file, which can hold so many samples."""
    rate, channels = sizes.sample_rate, sizes.audio_channels
    if args.output is None:
        from mousai.cli.playing.speaker import Speaker

        return Speaker(args.speaker, sample_rate=rate, channels=channels)
    if args.output == "-":
        from mousai.cli.playing.pipe import Pipe

        return Pipe(args.format or "wav", sample_rate=rate, channels=channels, samples=samples)
    from mousai.audio.writing import AudioWriter

    if not samples:
        raise UserError("seconds", args.seconds, f"is less than one sample of {rate} Hz")
    AudioWriter(Path(args.output), sample_rate=rate, channels=channels, samples=samples)  # refuses what is too long
    return None


def _play(pipe: "Mousai", stream: "MusicStream", sink: "Pipe | Speaker", samples: int | None) -> int:
    """Play to the end, to Ctrl-C, or until nobody reads any more."""
    from mousai.cli.playing.ahead import Ahead
    from mousai.cli.playing.typed import change_prompt, prompt_source, start_reading

    def told(line: str) -> None:
        print(change_prompt(stream, line), file=sys.stderr, flush=True)
        if stream.prompt == line:
            say_unread(pipe, [line])

    source = prompt_source()
    asks = "" if source is None else "; another prompt and Enter changes the music"
    print(f"mousai: seed {stream.seed}{asks}; Ctrl-C ends it", file=sys.stderr, flush=True)
    if source is not None:
        start_reading(source, told)
    played = 0
    try:
        with stream, sink, Ahead(stream) as chunks:
            for sound in _cut(chunks, samples):
                sink.write(sound)
                played += sound.shape[1]
    except BrokenPipeError:
        return 0  # whoever listened has heard enough
    except KeyboardInterrupt:
        print(f"mousai: stopped after {played / stream.sample_rate:.0f} s", file=sys.stderr)
        return 130
    finally:
        if gaps := getattr(sink, "gaps", 0):
            print(f"mousai: the sound had {gaps} gaps: the machine was too slow or too busy", file=sys.stderr)
    return 0


def _write_file(args: argparse.Namespace, pipe: "Mousai", stream: "MusicStream", samples: int) -> int:
    """Write so many samples to a file, whole or not at all."""
    from tqdm import tqdm

    from mousai import __version__
    from mousai.audio.writing import AudioWriter

    path, rate = Path(args.output), stream.sample_rate
    recorded = {name: str(value) for name, value in pipe.recorded(stream.config).items() if name != "strength"}
    made = {"prompt": args.prompt, "seed": str(stream.seed), **recorded, "model": model_name(args), **lora_record(args)}
    if args.tempo is not None:
        made |= {"tempo": number_word(args.tempo), "first_downbeat": "0"}
    made |= {"key": args.key} if args.key is not None else {}
    metadata = {"mousai": __version__, **made, **stored_command(_words(args, stream.seed), recorded["dtype"])}
    writer = AudioWriter(
        path,
        sample_rate=rate,
        channels=pipe.autoencoder.config.audio_channels,
        samples=samples,
        metadata=metadata,
    )
    bar_format = "{desc} {percentage:3.0f}% |{bar}| {n:.0f} of {total:.0f} s, {remaining} left"
    interval = 0.1 if sys.stderr.isatty() else 10.0  # logs need no film
    bar = tqdm(total=samples / rate, desc=path.name, file=sys.stderr, bar_format=bar_format, mininterval=interval)
    with stream, bar, writer:
        for sound in _cut(stream, samples):
            writer.write(sound)
            bar.update(sound.shape[1] / rate)
    print(f"{path}: {samples / rate:.2f} s, seed {stream.seed}", flush=True)
    return 0


def _cut(chunks: "Iterable[AudioChunk]", samples: int | None) -> "Iterator[npt.NDArray[np.float32]]":
    """Sound of the chunks [channels, samples], of all together no more than `samples`."""
    left = samples
    for chunk in chunks:
        sound = chunk.audio.numpy()
        yield sound if left is None else sound[:, :left]
        if left is not None:
            left -= sound.shape[1]
            if left <= 0:
                return


def _words(args: argparse.Namespace, seed: int) -> list[str]:
    """Words after `mousai` that write the same file again."""
    known = option_words({"tempo": args.tempo, "key": args.key, "lead": args.lead})
    words = ["play", args.prompt, "--seconds", number_word(args.seconds), "--seed", str(seed), *known]
    return [*words, *model_words(args), *setting_words(given_settings(args))]
