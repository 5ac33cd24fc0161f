"""Editing: parts of a recording made anew and continuations, while the rest stays sample for sample.

    recording ── window around the regions, at the model's rate ── encode ──> known latent, known mask
    prompt, tempo and key, the clock at the window's start ──> Conditioning ── sample ── decode ──> new sound
    new sound ── level of what surrounds it ── the recording's rate and channels ── cross-fade ──> the regions alone

Only windows of some seconds are encoded and sampled (`mousai.regions`), so that the cost does not grow with the file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from mousai.arguments import MAX_DURATION, as_waveform, check_recording
from mousai.codec import limited
from mousai.composing import ask, compose
from mousai.errors import UserError
from mousai.exact.pieces import each_alone
from mousai.output import MousaiOutput
from mousai.progress import ProgressBars
from mousai.regions import CONTEXT, MIN_REGION, Region, Window, check_regions, plan_windows
from vdiffusion import NoiseSource

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.request import Request

CROSS_FADE = 0.03
"""Seconds at each end of a region over which the new sound comes in; less in a region shorter than four of them."""
SILENCE = 1e-3
"""Root mean square below which sound is silence: -60 dB of full scale."""
MOST_GAIN = 4.0
"""New sound is made at most so many times louder, or softer, to meet the level around it."""
_SURROUNDINGS = 5.0  # seconds to either side whose level is met
_MIRRORED = 1.0  # seconds of mirrored sound that the encoder hears beyond the end of a recording, more than it reaches


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording at its own rate and with its own channels.

    Args:
        sound: float32 [channels, samples].
        sample_rate: Hz.
        bits: resolution in which `write_audio` keeps every sample, see `AudioInfo.bits`.
    """

    sound: Tensor
    sample_rate: int
    bits: Literal[16, 24, 32] = 32

    @property
    def seconds(self) -> float:
        """Length."""
        return self.sound.shape[-1] / self.sample_rate


def as_recording(audio: Any, *, sample_rate: int, field: str = "inpaint_audio") -> Recording:
    """Return a recording as it is: neither resampled nor mixed.

    Args:
        audio: a `Recording`; a path of a file of any rate; or samples at the model's rate as `as_waveform` takes them.
        sample_rate: of the model, Hz.
        field: name of the argument in errors.

    Raises:
        UserError: it is none of these.
    """
    if isinstance(audio, Recording):
        return audio
    if isinstance(audio, str | PathLike):
        from mousai.audio.files import audio_info, read_audio

        info = audio_info(audio)
        read = read_audio(audio, sample_rate=info.sample_rate, channels=min(info.channels, 2))
        sound = torch.from_numpy(read)
        check_recording(str(audio), sound, sample_rate=info.sample_rate)
        return Recording(sound=sound, sample_rate=info.sample_rate, bits=info.bits)
    shape: Sequence[int] = getattr(audio, "shape", ())
    channels = 2 if len(shape) > 1 and shape[-2] != 1 else 1
    own = as_waveform(audio, sample_rate=sample_rate, channels=channels, field=field)
    return Recording(sound=own.cpu(), sample_rate=sample_rate)


def wanted_regions(
    starts: Any, ends: Any, *, recording: Recording, before: float, duration: float | None
) -> list[Region]:
    """Return the regions of the result that are made anew, in its own seconds.

    Args:
        starts: second of the recording at which a region begins, or a list of them; `None`: no region in it.
        ends: likewise, where they end.
        recording: the recording.
        before: seconds of new music before the recording.
        duration: seconds of the result; `None`: no new music after the recording.

    Raises:
        UserError: they are impossible, or nothing is left to do.
    """
    named = "inpaint_mask_start_seconds"
    firsts, lasts = _numbers(starts, named), _numbers(ends, "inpaint_mask_end_seconds")
    if len(firsts) != len(lasts):
        raise UserError(named, hint=f"{len(firsts)} for {len(lasts)} inpaint_mask_end_seconds; give one end for each")
    if not 0 <= before <= MAX_DURATION:
        raise UserError("inpaint_before_seconds", before, f"must be 0 to {MAX_DURATION:g}")
    after = 0.0 if duration is None else duration - before - recording.seconds
    if after < -0.5 / recording.sample_rate:
        hint = f"is less than the recording's {recording.seconds:.2f} s and what comes before it; give more, or none"
        raise UserError("duration", duration, hint)
    regions = [Region(start, end) for start, end in zip(firsts, lasts, strict=True)]
    if regions:
        regions = check_regions(regions, recording.seconds, field=named)
    regions = [Region(one.start + before, one.end + before) for one in regions]
    end = before + recording.seconds
    regions = [Region(0.0, before)] * (before > 0) + regions + [Region(end, end + after)] * (after > 1e-6)
    for name, seconds in (("inpaint_before_seconds", before), ("duration", after)):
        if 1e-6 < seconds < MIN_REGION:
            raise UserError(name, hint=f"{seconds:g} s of new music; must be none, or {MIN_REGION:g} s or more")
    if not regions:
        raise UserError(named, hint="say what is made anew: give start and end of a region, or a longer duration")
    if before > 0:
        check_sounds(recording, first=True)
    if after > 1e-6:
        check_sounds(recording, first=False)
    return regions


def check_sounds(recording: Recording, *, first: bool, field: str = "inpaint_audio") -> None:
    """Raise `UserError` where the start (`first`) or the end of a recording is silent: nothing could be continued."""
    samples = round(CONTEXT * recording.sample_rate)
    part = recording.sound[:, :samples] if first else recording.sound[:, -samples:]
    if _level(part) < SILENCE:
        where = f"{'first' if first else 'last'} {part.shape[-1] / recording.sample_rate:g} s"
        raise UserError(field, hint=f"its {where} are silent, which cannot be continued; cut the silence off first")


@each_alone
def edit(
    pipe: "Mousai", request: "Request", recording: Recording, regions: Sequence[Region], *, before: float = 0.0
) -> MousaiOutput:
    """Make regions of a recording anew.

    Args:
        pipe: the model.
        request: prompts, seeds, settings; `attributes` count in the recording's own time.
        recording: the recording.
        regions: of the result, from `wanted_regions`.
        before: seconds of new music before the recording.

    Returns:
        the result at the recording's rate and with its channels, float32, outside the regions its very samples.
    """
    rate, length = recording.sample_rate, recording.sound.shape[-1]
    lead_in = round(before * rate)
    total = max(lead_in + length, round(regions[-1].end * rate))
    canvas = torch.zeros(len(request.seeds), len(recording.sound), total)
    canvas[..., lead_in : lead_in + length] = recording.sound
    there = (lead_in, lead_in + length)  # the samples that hold sound
    for place, window in enumerate(plan_windows(regions, kept=Region(before, before + recording.seconds))):
        spans = [(round(one.start * rate), min(round(one.end * rate), total)) for one in window.regions]
        for start, end in spans:
            _mirror(canvas, there, start, end, reach=round(_MIRRORED * rate))
        first, fresh = _remade(pipe, request, canvas, rate, window, spans, place=place, before=before)
        for start, end in spans:
            reach = round(_SURROUNDINGS * rate)
            parts = [canvas[..., max(there[0], start - reach) : start], canvas[..., end : min(there[1], end + reach)]]
            new = at_level_of(torch.cat(parts, dim=-1), fresh[..., start - first : end - first])
            old = canvas[..., start:end]
            fades = {"at_start": start > there[0], "at_end": end < there[1]}
            canvas[..., start:end] = cross_fade(old, new, sample_rate=rate, **fades)
            there = (min(there[0], start), max(there[1], end))
    shown = [str(Region(round(one.start - before, 6), round(one.end - before, 6))) for one in regions]
    return request.output(
        pipe,
        canvas,
        sample_rate=rate,
        settings={"regions": " ".join(shown)},
        needed="inpaint_audio",
        bits=recording.bits,
    )


def cross_fade(old: Tensor, new: Tensor, *, sample_rate: int, at_start: bool, at_end: bool) -> Tensor:
    """Go from the old sound to the new at the start, and back at the end, at equal power.

    Args:
        old: waveform [B, C, samples].
        new: waveform [B, C, samples].
        sample_rate: Hz.
        at_start: whether there is sound before.
        at_end: whether there is sound after.

    Returns:
        waveform [B, C, samples]: the new one but for `CROSS_FADE` at either end, in a short one a quarter of it.
    """
    count = min(round(CROSS_FADE * sample_rate), new.shape[-1] // 4)
    angle = (torch.arange(count) + 0.5) * (torch.pi / 2 / max(count, 1))
    mixed = new.clone()
    if at_start and count:
        mixed[..., :count] = (old[..., :count] * angle.cos() + new[..., :count] * angle.sin()).clamp(-1, 1)
    if at_end and count:
        mixed[..., -count:] = (old[..., -count:] * angle.sin() + new[..., -count:] * angle.cos()).clamp(-1, 1)
    return mixed


def at_level_of(surroundings: Tensor, new: Tensor) -> Tensor:
    """Bring new sound [B, C, samples] to the root mean square of its surroundings [B, C, others], then limit it.

    Silent surroundings have no level that could be met; otherwise the gain is at most `MOST_GAIN`, or one over it.
    """
    gains = [
        1.0 if _level(around) < SILENCE else _level(around) / max(_level(made), SILENCE)
        for around, made in zip(surroundings, new, strict=True)
    ]
    gain = torch.tensor(gains).clamp(1 / MOST_GAIN, MOST_GAIN)[:, None, None]
    return limited(new * gain)


def converted(sound: Tensor, rate: int, wanted: int, channels: int) -> Tensor:
    """Waveform [B, C, samples] at another rate and with 1 or 2 channels: the mean, or the one repeated."""
    import soxr

    if sound.shape[1] > channels:
        sound = sound.mean(dim=1, keepdim=True)
    if rate != wanted:
        batch, count, samples = sound.shape
        flat = sound.reshape(batch * count, samples).T.contiguous().numpy()
        done = torch.from_numpy(soxr.resample(flat, rate, wanted, quality="HQ")).T
        sound = done.reshape(batch, count, -1).contiguous()
    return sound.expand(-1, channels, -1)


def _remade(
    pipe: "Mousai",
    request: "Request",
    canvas: Tensor,
    rate: int,
    window: Window,
    spans: Sequence[tuple[int, int]],
    *,
    place: int,
    before: float,
) -> tuple[int, Tensor]:
    """Sample and decode a window: the first sample of it, and its sound at the recording's rate and channels."""
    hop = pipe.autoencoder.config.hop_length / pipe.sample_rate * rate  # samples of the recording
    last = min(round(window.end * rate), canvas.shape[-1])
    # On the first region's own grid of frames, so that none of them is half known.
    first = spans[0][0] - round(int((spans[0][0] - round(window.start * rate)) / hop) * hop)
    sound = converted(canvas[..., first:last], rate, pipe.sample_rate, pipe.autoencoder.config.audio_channels)
    known = pipe.encode(sound)
    mask = torch.ones(len(known), 1, known.shape[-1], dtype=torch.bool)
    for start, end in spans:
        mask[..., math.floor((start - first) / hop + 1e-3) : math.ceil((end - first) / hop - 1e-3)] = False
    noise = NoiseSource(request.seeds, [place] * len(request.seeds))
    with ProgressBars(request.stages(known=pipe.repaints), pipe._progress_bar_config) as progress:
        # The recording has a clock of its own, which `attributes` tell.
        span = (-before, canvas.shape[-1] / rate - before)
        asked = ask(pipe, request, known.shape[-1], in_time=False, span=span)
        starts = [first / rate - before] * len(noise)
        cond = replace(asked.cond, known_latent=known, known_mask=mask, start_seconds=starts)
        latent = compose(pipe, request, replace(asked, cond=cond), noise=noise, progress=progress)
        made = pipe._decode(latent, request.config, noise, sound.shape[-1], progress).cpu().float()
    made = converted(made, pipe.sample_rate, rate, canvas.shape[1])
    return first, torch.nn.functional.pad(made, (0, last - first - made.shape[-1]))


def _mirror(canvas: Tensor, there: tuple[int, int], start: int, end: int, *, reach: int) -> None:
    """Continue sound that ends at a region by its mirror image: what the encoder hears there, and fades out of."""
    first, last = there
    if start >= last:
        reach = min(reach, last - first, canvas.shape[-1] - last)
        canvas[..., last : last + reach] = canvas[..., last - reach : last].flip(-1)
    elif end <= first:
        reach = min(reach, last - first, first)
        canvas[..., first - reach : first] = canvas[..., first : first + reach].flip(-1)


def _level(sound: Tensor) -> float:
    """Root mean square."""
    return float(sound.double().square().mean().sqrt()) if sound.numel() else 0.0


def _numbers(given: Any, field: str) -> list[float]:
    """A number or a sequence of numbers as a list; `None` is an empty one."""
    if given is None:
        return []
    values = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(field, value, "must be a number of seconds, or a list of them")
    return [float(value) for value in values]
