"""Crops that a step of either stage sees."""

from dataclasses import dataclass, field
from typing import Literal

from mousai.errors import UserError
from mousai.training.config.checks import check_least, check_probability
from mousai.training.config.timesteps import TimestepSampling


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes to crops of sound, which stand between composed songs and real recordings.

    Args:
        speed: chance that a crop is played faster or slower, pitch and all.
        semitones: largest such change, in semitones; 1 is 6 %, 0.5 is 3 %.
        equaliser: chance of a random smooth equaliser curve.
        room: chance of a random reverberation of 0.2 to 1.5 s.
        width: change the stereo width, or exchange left and right.
        gain: play louder or quieter, by -15 to +6 dB.
    """

    speed: float = 0.5
    semitones: float = 1.0
    equaliser: float = 0.6
    room: float = 0.25
    width: bool = True
    gain: bool = True

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("speed", "equaliser", "room"):
            check_probability(f"crops.augmentation.{name}", getattr(self, name))
        check_least("crops.augmentation.semitones", self.semitones, 0)
        if self.semitones > 12:
            raise UserError("crops.augmentation.semitones", self.semitones, "must be 12 or less")


@dataclass(frozen=True, kw_only=True)
class AutoencoderCropConfig:
    """Crops of sound for stage 1.

    Args:
        samples: length of a crop, at the model's rate.
        augment: change crops at random; how is said by augmentation.
        augmentation: what changes, and how often.
        silence: crops with an RMS level below this many dB of full scale are left out.
        short: how files shorter than a crop fill it: repeat them, or join them with other files.
        times: diffusion times (phase=latent and phase=magnitudes have none).
    """

    samples: int = 2**18
    augment: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    silence: float = -60.0
    short: Literal["repeat", "join"] = "repeat"
    times: TimestepSampling = field(default_factory=TimestepSampling)

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("crops.samples", self.samples, 1024)


@dataclass(frozen=True, kw_only=True)
class LatentCropConfig:
    """Crops of latents with captions for stage 2.

    Args:
        frames: length of a crop, in latent frames.
        place: random (anywhere), or fixed (the song cut into pieces of that length, as in the paper).
        short: what happens to songs shorter than a crop: pad (padding is no part of the loss), or leave them out.
        offsets: encodings of each song, each begun a little later.
        cond_drop_prob: chance that an item is trained without its caption and attributes, for guidance.
        pair_by: a field of the metadata, such as seed; songs with the same value, which differ in one fact alone,
            are trained on in pairs, with the same cut and noise, each under its own caption. By default none are.
        latents: folder of latents that `mousai data encode` made; by default one in the run's own.
        times: diffusion times.
    """

    frames: int = 256
    place: Literal["random", "fixed"] = "random"
    short: Literal["pad", "leave"] = "pad"
    offsets: int = 2
    cond_drop_prob: float = 0.1
    pair_by: str | None = None
    latents: str | None = None
    times: TimestepSampling = field(default_factory=TimestepSampling)

    def __post_init__(self) -> None:
        """Check every value."""
        check_least("crops.frames", self.frames, 2)
        check_least("crops.offsets", self.offsets, 1)
        if self.pair_by is not None and not self.pair_by:
            raise UserError(
                "crops.pair_by", self.pair_by, "names no field of the metadata; leave it out, or name one, such as seed"
            )
        if not 0 <= self.cond_drop_prob < 1:
            raise UserError("crops.cond_drop_prob", self.cond_drop_prob, "must lie in [0, 1)")
