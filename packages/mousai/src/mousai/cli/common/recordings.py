"""Parts that the verbs on a recording share: the recording, what is known of it, the model, and the result."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.cli.common.control_options import (
    add_control_options,
    control_words,
    plan_arguments,
    read_controls,
    shown_melody,
)
from mousai.cli.common.lora_options import add_lora_arguments
from mousai.cli.common.request_options import (
    add_clock_arguments,
    add_request_arguments,
    check_request,
    drawn_seed,
    key_name,
    loaded,
    model_facts,
    model_words,
    stored_command,
)
from mousai.cli.common.sampling_options import add_sampling_options, given_settings
from mousai.cli.common.shared import (
    add_compile_argument,
    add_model_arguments,
    described_model,
    quiet_decoders,
    say,
    say_unread,
)
from mousai.errors import UserError
from mousai.settings import number_word
from mousai.verbs.command_line import clock_words, setting_words

if TYPE_CHECKING:
    from mousai.conditioning.attributes import MusicAttributes
    from mousai.conditioning.control_plan import ControlPlan
    from mousai.editing import Recording


def add_recording_arguments(parser: argparse.ArgumentParser, *, leave_out: tuple[str, ...] = ("strength",)) -> None:
    """Add the recording, the prompt, where to write, and what may be known of the recording.

    Args:
        parser: of the command.
        leave_out: settings of sampling that get no option here.
    """
    parser.add_argument("recording", metavar="FILE", help="recording of any rate, mono or stereo")
    parser.add_argument(
        "prompt",
        nargs="?",
        metavar="PROMPT",
        help="what the new music is like, in quotes (default: the prompt of the recording, if mousai made it)",
    )
    add_request_arguments(parser)
    add_clock_arguments(parser)
    add_control_options(parser, clock="Seconds are the recording's own; bars begin at its first downbeat.")
    group = parser.add_argument_group("how it is made (by default as the model is best run)")
    add_sampling_options(group, leave_out=leave_out)
    add_model_arguments(parser)
    add_lora_arguments(parser)
    add_compile_argument(parser)
    parser.set_defaults(late="prompt")


def read_own(path: str) -> "Recording":
    """Read a recording at its own rate and with its own channels.

    Raises:
        UserError: it cannot be read, or is too long.
    """
    from mousai.arguments import MAX_DURATION
    from mousai.audio.files import audio_info
    from mousai.editing import as_recording

    with quiet_decoders():
        info = audio_info(path)
        if info.frames < 2**48 and info.duration > MAX_DURATION:
            raise UserError(path, hint=f"is longer than {MAX_DURATION:g} s; cut it into parts")
        return as_recording(path, sample_rate=info.sample_rate, field="recording")


def check_first(args: argparse.Namespace) -> Mapping[str, str]:
    """Refuse what cannot be done whatever the recording is; return what mousai stored in the recording's file.

    The chords, melody and form that are asked for are then in `args.plan`, for `make`.
    """
    from mousai.audio.files import read_metadata

    with quiet_decoders():
        made = read_metadata(args.recording)
    made = made if "mousai" in made else {}
    if args.prompt is None and "prompt" not in made:
        raise UserError("prompt", hint=f"must be given: {args.recording} has none of its own")
    check_request(args)
    args.plan = read_controls(args, described_model(args)[1])
    return made


def known_attributes(
    args: argparse.Namespace, recording: "Recording", made: Mapping[str, str], *, around: float
) -> "MusicAttributes":
    """Attributes of a recording: from options, the new prompt, its own prompt, or else estimated; it is printed.

    Args:
        args: parsed options.
        recording: the recording.
        made: what mousai stored in it.
        around: second around which it is estimated.
    """
    from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, parse_attributes

    own = parse_attributes(made.get("prompt", ""))
    stored_tempo = _stored(made, "tempo", SLOWEST, FASTEST) or own.tempo
    stored_key = parse_attributes(made.get("key", "")).key or own.key
    asked = parse_attributes(args.prompt or "")
    tempo: float | None = args.tempo or stored_tempo or asked.tempo
    key = parse_attributes(args.key or "").key or asked.key or stored_key
    downbeat: float | None = args.first_downbeat
    sources = []
    if downbeat is None and stored_tempo is not None and tempo == stored_tempo:
        downbeat = _stored(made, "first_downbeat", 0.0, 1e5) or 0.0
    if not args.no_estimates and (tempo is None or downbeat is None or key is None):
        found = _estimated(recording, around, tempo)
        if found is not None:
            sources = ["estimated:"]
            if tempo is None or downbeat is None:
                tempo, downbeat = tempo or found[0], found[1] if downbeat is None else downbeat
            key = key or found[2]
    known = MusicAttributes(tempo=tempo, key=key, first_downbeat=(downbeat or 0.0) if tempo else 0.0)
    words = [f"{tempo:.4g} bpm, first downbeat at {known.first_downbeat:.3f} s"] if tempo else ["tempo unknown"]
    words.append(key_name(known) or "key unknown")
    if sources:
        words.append("estimated where not given; --tempo, --first-downbeat and --key say it better")
    say([f"{args.recording}: {', '.join(words)}"])
    return known


def _stored(made: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    """A number that a file says of itself; None where it says none, or an impossible one."""
    try:
        found = float(made[name][:40])
    except (KeyError, ValueError):
        return None
    return found if low <= found <= high else None


def _estimated(
    recording: "Recording", around: float, tempo: float | None
) -> tuple[float | None, float, tuple[int, bool] | None] | None:
    """Tempo, first downbeat and key of the half minute around a moment; `None` without librosa."""
    from importlib.util import find_spec

    from mousai.errors import install_hint

    if find_spec("librosa") is None or find_spec("sklearn") is None:
        hint = f"tempo and key cannot be estimated without the extra [evaluate] ({install_hint('evaluate')})"
        print(f"mousai: {hint}; going on without them", file=sys.stderr)
        return None
    from mousai.evaluation.features.key import key_features
    from mousai.evaluation.features.pitch import pitch_spectrogram
    from mousai.evaluation.judges.beats import estimate_clock
    from mousai.evaluation.judges.key import key_parts
    from mousai.evaluation.judges.panel import JudgePanel

    rate = recording.sample_rate
    start = max(0.0, min(around, recording.seconds) - 15.0)
    part = recording.sound[:, round(start * rate) : round((start + 30.0) * rate)].numpy()
    if part.shape[1] < 3 * rate:
        return None
    spectrogram = pitch_spectrogram(part, sample_rate=rate)
    clock = estimate_clock(part, sample_rate=rate, tempo=tempo, spectrogram=spectrogram)
    tonic, minor = key_parts(JudgePanel.load().key(key_features(spectrogram)[None])[0])
    key = (tonic, bool(minor))
    if clock is None:
        return None, 0.0, key
    bar = 4 * 60 / clock[0]
    return clock[0], (clock[1] + start) % bar, key


def make(
    args: argparse.Namespace,
    recording: "Recording",
    made: Mapping[str, str],
    attributes: "MusicAttributes",
    words: Sequence[str],
    *,
    source: str = "inpaint_audio",
    keeps: bool = True,
    **wanted: Any,
) -> int:
    """Load the model, make what is wanted of it, and write the file.

    Args:
        args: parsed options.
        recording: the recording.
        made: what mousai stored in it.
        attributes: what is known of it.
        words: options of this command that say what was wanted, for the record.
        source: argument of the pipeline that takes the recording; of `Mousai.loop` it is "audio".
        keeps: whether samples of the recording are in the result, which then goes as far beyond ±1 as these.
        wanted: arguments of the pipeline that say what is wanted.
    """
    from mousai.audio.outputs import HOLD_MORE

    path, prompt = Path(args.output), made["prompt"] if args.prompt is None else args.prompt
    if keeps and float(recording.sound.abs().max()) > 1 and path.suffix.lower() not in HOLD_MORE:
        raise UserError(
            "output", args.output, "the recording goes beyond ±1, which .flac cannot hold; write .wav or .ogg"
        )
    _check_plan(args.plan, recording, attributes, wanted)
    print("".join(f"{line}\n" for line in shown_melody(args.plan)), end="", flush=True)
    seed, pipeline = drawn_seed(args), loaded(args)
    pipeline.set_progress_bar_config(desc=path.name)
    say_unread(pipeline, [prompt, args.negative_prompt or ""])
    given: dict[str, Any] = {source: recording, **wanted, **plan_arguments(args.plan), **given_settings(args)}
    result = (pipeline.loop if source == "audio" else pipeline)(
        prompt, negative_prompt=args.negative_prompt, seed=seed, attributes=attributes, **given
    )
    # Second of the recording at which the result begins.
    begins = wanted.get("start_seconds", 0.0) - wanted.get("inpaint_before_seconds", 0.0)
    facts = {source: args.recording, **model_facts(args)}
    known = [*words, "--seed", str(seed)]
    if attributes.tempo is not None:
        bar = 4 * 60 / attributes.tempo
        downbeat = number_word((attributes.first_downbeat - begins) % bar)
        facts |= {"tempo": number_word(attributes.tempo), "first_downbeat": downbeat}
    if attributes.key is not None:
        facts["key"] = key_name(attributes)
    known += [*clock_words(attributes), *model_words(args), *control_words(args), *setting_words(given_settings(args))]
    named = ["--of", args.recording] if source == "audio" else [args.recording]
    facts |= stored_command([args.verb, *named, prompt, *known], result.settings.get("dtype"))
    # Of the whole piece, for the next edit; a variation is a piece of its own.
    facts["prompt"] = prompt if source == "init_audio" else made.get("prompt", prompt)
    result.save(path, overwrite=args.overwrite, metadata=facts)
    seconds = result.audios.shape[-1] / result.sample_rate
    print(f"{path}: {seconds:.2f} s, seed {seed}", flush=True)
    return 0


def _check_plan(
    plan: "ControlPlan | None", recording: "Recording", attributes: "MusicAttributes", wanted: Mapping[str, Any]
) -> None:
    """Refuse chords, a melody or a form that do not fit the result, or lie beside all that is new in it."""
    if plan is None:
        return
    start, end = -wanted.get("inpaint_before_seconds", 0.0), wanted.get("duration", recording.seconds)
    end += start
    plan.placed(attributes, start, end)
    regions = zip(wanted.get("inpaint_mask_start_seconds", ()), wanted.get("inpaint_mask_end_seconds", ()), strict=True)
    around = [(start, 0.0)] * (start < 0) + [(recording.seconds, end)] * (end > recording.seconds)
    plan.check_regions([*regions, *around] or [(start, end)])
