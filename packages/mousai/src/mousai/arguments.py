"""Checks and conversions of a pipeline's arguments; none needs a model, so they come before weights are loaded."""

import numbers
import secrets
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError, is_finite

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from dmae import DMAEConfig

MAX_DURATION = 3600.0
"""Most seconds of one piece."""
LONGEST_PROMPT = 20_000
"""Most characters of one prompt."""
MAX_WAVEFORMS = 64
"""Most pieces for one prompt."""
FINITE_BLOCK = 2**18
"""Samples of each channel that are asked at once whether they are finite."""
OUTPUT_TYPES = ("pt", "np", "latent")


class PromptCutWarning(UserWarning):
    """A prompt is longer than the text encoder reads; the message holds what is not seen of it."""


class UnknownWordsWarning(UserWarning):
    """A prompt has words that the text encoder does not know, or no word that the model does; the message holds them.

    Words of another script are read as one and the same, so that two prompts that differ in them alone make the same
    music. What no caption had, as "qwxz", is read letter by letter, and steers the music in no sensible way.
    """


def shortened(text: str) -> str:
    """Return a text for a warning, of 80 characters at most."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def unknown_words(words: Sequence[str]) -> str:
    """The line about words of a prompt that the text encoder does not know."""
    shown = shortened(" ".join(words))
    return f"the text encoder does not know {shown!r}; other such words make the same music, say it in its language"


def strange_words(prompt: str) -> str:
    """The line about a prompt of which the model knows no word."""
    shown = shortened(" ".join(prompt.split()))
    return f"no word of {shown!r} was in the captions that this model learned from; name a style, mood or instrument"


def check_duration(duration: float) -> None:
    """Raise `UserError` unless `duration` is a number of seconds that can be made."""
    if isinstance(duration, bool) or not isinstance(duration, numbers.Real):
        raise UserError("duration", duration, "must be a number of seconds")
    if not (is_finite(duration) and 0 < duration <= MAX_DURATION):
        raise UserError("duration", duration, f"must be above 0 seconds, up to {MAX_DURATION:g}")


def check_count(count: int, field: str = "num_waveforms_per_prompt") -> None:
    """Raise `UserError` unless so many pieces can be made for one prompt."""
    if isinstance(count, bool) or not isinstance(count, numbers.Integral) or not 1 <= count <= MAX_WAVEFORMS:
        raise UserError(field, count, f"must be 1 to {MAX_WAVEFORMS}")


def check_seed(seed: int, pieces: int = 1) -> None:
    """Raise `UserError` unless `seed` is one for the first of so many pieces."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**63:
        raise UserError("seed", seed, "must be a whole number (int), 0 or more, below 2^63")
    if int(seed) > 2**63 - int(pieces):
        raise UserError("seed", seed, f"is too high for {pieces} pieces, each with the seed after the one before")


def check_griffin_lim(iterations: int, autoencoder: "DMAEConfig") -> None:
    """Raise `UserError` where Griffin-Lim would have no magnitudes to begin from.

    Args:
        iterations: of Griffin-Lim.
        autoencoder: sizes of the model's.
    """
    if iterations and autoencoder.prior is None:
        hint = "needs an autoencoder with a magnitude prior, which this model has not; only 0 would do"
        raise UserError("griffin_lim", iterations, hint)


def check_together(given: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise `UserError` where two arguments exclude each other or one is useless without another.

    Args:
        given: arguments of the pipeline by name; `None` = not given.
        settings: settings of sampling that were given.
    """
    if given["seed"] is not None and given["generator"] is not None:
        raise UserError("generator", hint="both it and seed say where the noise begins; give one of the two")
    if given["init_audio"] is not None and given["duration"] is not None:
        raise UserError("duration", given["duration"], "the piece is as long as init_audio; give one of the two")
    editing = given.get("inpaint_audio") is not None
    needy = [name for name in ("inpaint_mask_start_seconds", "inpaint_mask_end_seconds") if given.get(name) is not None]
    needy += ["inpaint_before_seconds"] * bool(given.get("inpaint_before_seconds"))
    needy += ["inpaint_resamples"] * (settings.get("inpaint_resamples") is not None)
    if needy and not editing:
        raise UserError(needy[0], hint="says how a recording is edited; give inpaint_audio too")
    for other in ("init_audio", "latents"):
        if editing and given.get(other) is not None:
            raise UserError(other, hint="is no part of editing inpaint_audio; give one of the two")
    if editing and given["output_type"] == "latent":
        raise UserError("output_type", "latent", "would lose the samples of inpaint_audio that stay; use 'pt' or 'np'")
    if given["init_audio"] is None and settings.get("strength") is not None:
        raise UserError(
            "strength", settings["strength"], "says how much of a recording is replaced; give init_audio too"
        )
    if given["output_type"] not in OUTPUT_TYPES:
        raise UserError("output_type", given["output_type"], f"must be one of {', '.join(OUTPUT_TYPES)}")


def prompts_of(prompt: str | Sequence[str]) -> list[str]:
    """Return the prompts as a list of at least one sentence."""
    prompts = _sentences("prompt", prompt)
    if not prompts:
        raise UserError("prompt", hint="give at least one sentence (it may be empty)")
    return prompts


def _sentences(field: str, given: Any) -> list[str]:
    sentences = [given] if isinstance(given, str) else given
    if not isinstance(sentences, Sequence) or isinstance(sentences, bytes):
        raise UserError(field, given, "must be a sentence or a list of sentences")
    for one in sentences:
        if not isinstance(one, str):
            raise UserError(field, one, "must be a sentence or a list of sentences")
        if len(one) > LONGEST_PROMPT:
            raise UserError(field, hint=f"has {len(one)} characters; {LONGEST_PROMPT} are the most, and few are read")
        if any("\ud800" <= letter <= "\udfff" for letter in one):
            raise UserError(field, one, "is not text; give it as UTF-8")
    return list(sentences)


def negatives_of(negative: str | Sequence[str] | None, count: int) -> list[str] | None:
    """Return one negative prompt for each of `count` prompts, or `None`."""
    if negative is None:
        return None
    prompts = [negative] * count if isinstance(negative, str) else _sentences("negative_prompt", negative)
    if len(prompts) != count:
        raise UserError("negative_prompt", hint=f"{len(prompts)} for {count} prompts; give one for all or one for each")
    return prompts


def seeds_of(
    seed: int | None, generator: "torch.Generator | Sequence[torch.Generator] | None", count: int
) -> tuple[int, ...]:
    """Return a seed for each of `count` pieces: `seed`, the one after it, and so on.

    Args:
        seed: seed of the first piece; drawn at random if neither it nor `generator` is given.
        generator: one that draws the seed of the first piece, or a list of one for each piece.
        count: pieces.
    """
    import torch

    if isinstance(generator, Sequence) and not isinstance(generator, str):
        for one in generator:
            if not isinstance(one, torch.Generator):
                raise UserError("generator", type(one).__name__, "must be a torch.Generator or a list of them")
        if len(generator) != count:
            raise UserError("generator", hint=f"{len(generator)} of them for {count} pieces; give one, or one for each")
        return tuple(_drawn(one) for one in generator)
    if generator is not None:
        if not isinstance(generator, torch.Generator):
            raise UserError("generator", type(generator).__name__, "must be a torch.Generator or a list of them")
        seed = _drawn(generator)
    if seed is None:
        seed = secrets.randbelow(2**32)
    check_seed(seed, count)
    return tuple(int(seed) + place for place in range(count))


def _drawn(generator: "torch.Generator") -> int:
    import torch

    return int(torch.randint(2**32, (), generator=generator, device=generator.device))


def check_recording(field: str, sound: "Tensor", *, sample_rate: int) -> None:
    """Raise `UserError` where a recording [channels, samples] is too long, or not scaled to ±1."""
    from mousai.audio.opening import HIGHEST_PEAK

    if sound.shape[1] > MAX_DURATION * sample_rate:
        raise UserError(field, hint=f"is longer than {MAX_DURATION:g} s; cut it into parts")
    if (peak := float(sound.abs().max())) > HIGHEST_PEAK:
        raise UserError(field, hint=f"reaches {peak:g}, far beyond ±1; turn it down to within ±1 first")


def all_finite(sound: "Tensor") -> bool:
    """Tell whether a waveform of one sample or more holds neither NaN nor infinity."""
    # NaN passes into both ends. Of a long piece at once `isfinite` would take twice its memory, and `aminmax` takes as
    # much again where samples do not lie one after the other, as in a decoded waveform that was cut to its length.
    return all(bool(end.isfinite()) for part in sound.split(FINITE_BLOCK, dim=-1) for end in part.aminmax())


def as_waveform(audio: Any, *, sample_rate: int, channels: int, field: str = "init_audio") -> "Tensor":
    """Return a recording as a float32 tensor [channels, samples] at the model's rate.

    Args:
        audio: path of a file of any rate; or tensor or NumPy array at the model's rate, [samples], [channels, samples]
            or [1, channels, samples], in [-1, 1]. Mono goes to all channels, stereo to mono as the mean.
        sample_rate: of the model, Hz.
        channels: of the model.
        field: name of the argument in errors.

    Raises:
        UserError: it is none of these.
    """
    import numpy as np
    import torch

    if isinstance(audio, str | PathLike):
        from mousai.audio.files import read_audio

        return torch.from_numpy(np.array(read_audio(audio, sample_rate=sample_rate, channels=channels)))
    if isinstance(audio, np.ndarray) and audio.dtype in (np.float32, np.float64):
        audio = torch.from_numpy(np.array(audio))
    if not isinstance(audio, torch.Tensor) or not audio.is_floating_point():
        what = getattr(audio, "dtype", None) or type(audio).__name__
        raise UserError(field, str(what), "must be a path, or floating-point samples in a tensor or NumPy array")
    shape = list(audio.shape)
    if audio.ndim == 3 and shape[0] == 1:
        audio = audio[0]
    if audio.ndim == 1:
        audio = audio[None]
    if audio.ndim != 2 or audio.shape[0] not in {1, channels, 2} or not audio.shape[1]:
        raise UserError(field, shape, f"expected the shape [channels={channels}, samples], or [samples] for mono")
    sound: torch.Tensor = audio.detach().float()
    if not all_finite(sound):
        raise UserError(field, hint="has samples that are no finite numbers")
    check_recording(field, sound, sample_rate=sample_rate)
    if len(sound) > channels:
        sound = sound.mean(dim=0, keepdim=True)
    return sound.expand(channels, -1)
