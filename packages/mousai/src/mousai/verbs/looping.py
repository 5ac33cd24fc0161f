"""Looping: whole bars at exactly a tempo, whose end runs into their beginning.

    loop      prompt, clock ──> Conditioning, a circle of the nearest number of latent frames ── sample, played on ──>
              latent ── circular decoding ──> waveform ── fitted to the sample (`mousai.verbs.fitting`) ──> loop
    loop_of   region of a recording ── its last part made anew, to run into the region's own start ──> loop

Bars are rarely a whole number of latent frames. The clock that stage 2 hears is therefore turned by less than half a
frame over the whole loop, and the waveform is fitted back.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from mousai.arguments import OUTPUT_TYPES
from mousai.audio.loop_tags import LoopTag
from mousai.composing import ask, compose
from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, parse_attributes
from mousai.conditioning.control_plan import CONTROL_OF, ControlPlan
from mousai.conditioning.controls import Controls
from mousai.editing import CROSS_FADE, Recording, edit
from mousai.errors import UserError
from mousai.exact.pieces import each_alone
from mousai.output import MousaiOutput
from mousai.progress import ProgressBars
from mousai.regions import BEATS_PER_BAR, MAX_REGION, MIN_REGION, Region
from mousai.settings import number_word
from mousai.verbs.fitting import fit_circle
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.request import Request

MAX_LOOP = 120.0
"""Most seconds of a loop, which is decoded at once."""
MOST_BARS = 999
PLAYED_ON = 4
"""The net hears so many of the deepest level's positions of the loop again behind its end, or more."""
LEAST_HEARD = 20.0
"""Seconds for which a loop is played on at least, so that the net hears music of a length that it knows."""
MOST_SEAM = 2.0
"""Most seconds that are made anew at the end of a region that is made to loop, if nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Length of a loop.

    Args:
        bars: whole bars of four beats, 1 or more.
        tempo: beats per minute.

    Raises:
        UserError: there are no such bars, or they are too long.
    """

    bars: int
    tempo: float

    def __post_init__(self) -> None:
        """Check both."""
        if isinstance(self.bars, bool) or not isinstance(self.bars, int) or not 1 <= self.bars <= MOST_BARS:
            raise UserError("bars", self.bars, f"must be a whole number of bars, 1 to {MOST_BARS}")
        if isinstance(self.tempo, bool) or not isinstance(self.tempo, int | float):
            raise UserError("tempo", self.tempo, "must be a number of beats per minute")
        if not SLOWEST <= self.tempo <= FASTEST:  # nan is refused too
            raise UserError("tempo", self.tempo, f"must be {SLOWEST:g} to {FASTEST:g} beats per minute")
        if self.seconds > MAX_LOOP:
            most = math.floor(MAX_LOOP / 60 * self.tempo / BEATS_PER_BAR)
            hint = f"are {self.seconds:.0f} s at {self.tempo:g} bpm; a loop has at most {MAX_LOOP:g} s, {most} bars"
            raise UserError("bars", self.bars, hint)

    @property
    def seconds(self) -> float:
        """Length."""
        return self.bars * BEATS_PER_BAR * 60 / self.tempo

    def samples(self, sample_rate: int) -> int:
        """Length in samples, to the nearest one."""
        return round(self.bars * BEATS_PER_BAR * 60 * sample_rate / self.tempo)


def wanted_bars(prompts: Sequence[str], bars: int, tempo: float | None) -> Bars:
    """Return the length of a loop from the number of bars and a tempo, given or named by the prompts.

    Raises:
        UserError: no tempo is known, two prompts name different ones, or there are no such bars.
    """
    if tempo is not None:
        return Bars(bars=bars, tempo=tempo)
    named = [parse_attributes(prompt).tempo for prompt in prompts]
    if None in named:
        hint = "names no tempo, which a loop needs; say 124 bpm in it, or give tempo"
        raise UserError("prompt", prompts[named.index(None)], hint)
    if len(set(named)) > 1:
        raise UserError("prompt", hint="loops of one call have one tempo; give tempo, or one prompt at a time")
    return Bars(bars=bars, tempo=named[0] or 0.0)


def check_loop(given: Mapping[str, Any]) -> None:
    """Raise `UserError` where two arguments of a loop exclude each other, or one is useless without another.

    Args:
        given: arguments by name; `None` = not given.
    """
    if given["seed"] is not None and given["generator"] is not None:
        raise UserError("generator", hint="both it and seed say where the noise begins; give one of the two")
    if given["output_type"] not in OUTPUT_TYPES:
        raise UserError("output_type", given["output_type"], f"must be one of {', '.join(OUTPUT_TYPES)}")
    if given["strength"] is not None:
        raise UserError(
            "strength", given["strength"], "is no part of making a loop; it says how far a recording is varied"
        )
    for name in CONTROL_OF:
        if given["audio"] is not None and given.get(name) is not None:
            raise UserError(name, hint="is for a new loop; of a recording only the seam is made anew, so leave it out")
    if given["audio"] is None:
        for name in ("start_seconds", "end_seconds", "seam_seconds"):
            if given[name] is not None:
                raise UserError(name, given[name], "says which part of a recording is to loop; give audio too")
        return
    for name in ("bars", "tempo"):
        if given[name] is not None:
            raise UserError(
                name, given[name], "is told by the region of the recording; give start_seconds and end_seconds"
            )
    if given["output_type"] == "latent":
        raise UserError("output_type", "latent", "would lose the samples of audio that stay; use 'pt' or 'np'")


@each_alone
def loop(pipe: "Mousai", request: "Request", length: Bars) -> MousaiOutput:
    """Make loops.

    Args:
        pipe: the model.
        request: prompts, seeds, settings.
        length: bars and tempo.

    Returns:
        the loops at the model's rate, with the cents of `mousai.verbs.fitting` among the settings; where latents are
        asked for, those of the circle before it is fitted.
    """
    rate, hop = pipe.sample_rate, pipe.autoencoder.config.hop_length
    samples = length.samples(rate)
    frames = max(1, round(samples / hop))
    heard = _line_frames(frames, pipe.latent_diffusion.config.net.factor, round(LEAST_HEARD * rate / hop))
    # In the time of the latents, where the bars fill the frames.
    clock = replace(
        request.attributes or MusicAttributes(), tempo=length.tempo * samples / (frames * hop), first_downbeat=0.0
    )
    # Likewise.
    told = None if request.controls is None else loop_controls(request.controls, length)
    controls = [] if told is None else [told.stretched(frames * hop / samples)] * len(request.seeds)
    noise = NoiseSource(request.seeds, [0] * len(request.seeds))
    with ProgressBars(request.stages(known=False), pipe._progress_bar_config) as progress:
        asked = ask(pipe, replace(request, attributes=clock, controls=None), heard, in_time=True)
        asked = replace(asked, cond=replace(asked.cond, circle=frames, controls=controls))
        made = compose(pipe, request, asked, noise=noise, progress=progress)
        moved = 0.0
        if request.output_type != "latent":
            made = pipe._decode(made, request.config, noise, None, progress, circular=True)
            made, moved = fit_circle(made.float(), samples)
            made = made / made.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1.0)  # resampling may pass it a little
    facts = {
        "bars": length.bars,
        "tempo": number_word(length.tempo),
        "first_downbeat": 0,
        "pitch_cents": f"{moved:.2f}",
    }
    result = request.output(pipe, made, sample_rate=rate, settings=facts)
    return replace(result, loop=LoopTag(tempo=length.tempo, beats=length.bars * BEATS_PER_BAR))


def loop_controls(plan: ControlPlan, length: Bars) -> Controls:
    """Return the chords, the tune and the sections of a new loop in its own seconds; its first bar begins at 0.

    Raises:
        UserError: they are longer than the loop, or begin after its end.
    """
    return plan.placed(MusicAttributes(tempo=length.tempo), 0.0, length.seconds)


def _line_frames(frames: int, factor: int, least: int) -> int:
    """Frames that the net hears: the loop, and enough of it again; a multiple of the net's factor."""
    wanted = max(frames + PLAYED_ON * factor, least)
    return -(-wanted // factor) * factor


def check_loop_region(
    region: Region, recording: Recording, *, seam: float | None = None, field: str = "region"
) -> float:
    """Return the seconds that are made anew at the end of a region that is to loop.

    Args:
        region: region of the recording.
        recording: the recording.
        seam: seconds that are asked for; `None`: a quarter of the region, at most `MOST_SEAM`.
        field: name of the argument in errors.

    Raises:
        UserError: there is no such region, or it is no place for such a seam.
    """
    shown = str(region)
    if not (math.isfinite(region.start) and math.isfinite(region.end)) or region.start < 0:
        raise UserError(field, shown, "must be two numbers of seconds, 0 or more")
    if region.start >= region.end:
        raise UserError(field, shown, "is empty or reversed; its end must lie after its start")
    if region.end > recording.seconds + 1e-6:
        raise UserError(field, shown, f"lies outside the recording, which is {recording.seconds:.2f} s long")
    if region.seconds < 4 * MIN_REGION or region.seconds > MAX_LOOP:
        raise UserError(field, shown, f"is {region.seconds:g} s long; a loop has {4 * MIN_REGION:g} to {MAX_LOOP:g} s")
    if seam is None:
        return min(region.seconds / 4, MOST_SEAM)
    if not MIN_REGION <= seam <= min(region.seconds / 2, MAX_REGION):
        most = min(region.seconds / 2, MAX_REGION)
        raise UserError("seam_seconds", seam, f"must be {MIN_REGION:g} to {most:g} s, half of the region at most")
    return seam


@each_alone
def loop_of(pipe: "Mousai", request: "Request", recording: Recording, region: Region, *, seam: float) -> MousaiOutput:
    """Make a region of a recording loop: its last part is made anew, so that it runs into its start.

    Args:
        pipe: the model.
        request: prompts, seeds, settings; `attributes` count in the recording's own time.
        recording: the recording.
        region: region of it, checked by `check_loop_region`.
        seam: seconds that are made anew.

    Returns:
        the loops at the recording's rate and with its channels; all but the last `seam` seconds are its very samples.
    """
    rate = recording.sample_rate
    first = round(region.start * rate)
    count = min(round(region.seconds * rate), recording.sound.shape[-1] - first)
    new = round(seam * rate)
    kept = recording.sound[:, first : first + count - new]
    # What is kept stands on both sides of the gap, in which the recording goes on and then leads up to the start.
    onward = recording.sound[:, first + count - new : first + count]
    upbeat = recording.sound[:, max(first - new, 0) : first]
    fade = round(CROSS_FADE * rate)
    gap = onward.clone()
    if upbeat.shape[-1] < fade:
        upbeat = kept[:, :fade].flip(-1)  # a mirror image, where nothing comes before
    gap[:, -min(new // 2, upbeat.shape[-1]) :] = upbeat[:, -min(new // 2, upbeat.shape[-1]) :]
    line = Recording(sound=torch.cat([kept, gap, kept], dim=1), sample_rate=rate, bits=recording.bits)
    hole = Region(kept.shape[-1] / rate, (kept.shape[-1] + new) / rate)
    # The second copy begins with the region: there the clock is the recording's.
    known = request.attributes or MusicAttributes()
    known = replace(known, first_downbeat=known.first_downbeat - region.start + hole.end)
    edited = edit(pipe, replace(request, attributes=known, output_type="pt"), line, [hole])
    sound = torch.as_tensor(edited.audios)[..., :count]
    facts = {"region": str(region), "seam_seconds": f"{seam:g}"}
    result = request.output(pipe, sound, sample_rate=rate, settings=facts, needed="inpaint_audio", bits=recording.bits)
    return replace(result, loop=LoopTag(tempo=known.tempo, beats=_whole_beats(count / rate, known.tempo)))


def _whole_beats(seconds: float, tempo: float | None) -> int:
    """Number of beats, or 0 where it is unknown or no whole one within a fiftieth of a beat."""
    beats = seconds * (tempo or 0.0) / 60
    return round(beats) if abs(beats - round(beats)) < 0.02 else 0
