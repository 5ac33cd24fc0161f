"""What `mousai train` can be told: every key of its configuration, each checked before anything is loaded."""

from dataclasses import dataclass, field
from typing import Literal

from mousai.errors import UserError
from mousai.training.settings_parts import (
    AutoencoderItems,
    Average,
    GeneratorItems,
    Loop,
    Lora,
    Optimizer,
    Saving,
    Watching,
    check_least,
)

Phase = Literal["all", "latent", "magnitudes", "decoder"]


@dataclass(frozen=True, kw_only=True)
class Common:
    """What both stages are told; see the two classes below."""

    data: str
    out: str
    start_from: str | None = None
    model: str = "tiny"
    optimizer: Optimizer = field(default_factory=Optimizer)
    ema: Average = field(default_factory=Average)
    loop: Loop = field(default_factory=Loop)
    saving: Saving = field(default_factory=Saving)
    watching: Watching = field(default_factory=Watching)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        if self.loop.max_steps is None and self.loop.max_time is None:
            raise UserError("loop.max_steps: say how long to train, by it or by loop.max_time")
        if self.optimizer.schedule == "cosine" and self.loop.max_steps is None:
            raise UserError("optimizer.schedule=cosine: needs loop.max_steps, over which it falls")


@dataclass(frozen=True, kw_only=True)
class AutoencoderSettings(Common):
    """Training of stage 1, the autoencoder.

    Args:
        data: folder of audio files, at any depth; or shards of one, as `mousai data shard` makes them: their folder,
            or where webdataset finds them, https://…/index.json or pipe:….
        out: folder of the run; the same command on it goes on with the run.
        start_from: model to start from, a folder or "bundled"; by default from nothing.
        model: sizes: tiny (the bundled model's), paper, or a config.json.
        phase: all for a model without a prior (the paper's); with one, first latent and then, from it, decoder;
            magnitudes trains neither latent nor decoder, for better sound from the latents of a generator that stays.
        latent_noise: standard deviation of noise on the latent, so that the decoder forgives a generator.
        attack_weight: weight of a loss of how the magnitudes change from frame to frame, beside theirs, in the phases
            that learn these; notes then begin and end more as they did.
        crops: what a step sees.
        optimizer: how weights move.
        ema: the average of the weights.
        loop: how long, in what batches, on what.
        saving: checkpoints.
        watching: log, validation, samples.
    """

    phase: Phase = "all"
    latent_noise: float = 0.0
    attack_weight: float = 0.0
    crops: AutoencoderItems = field(default_factory=AutoencoderItems)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        super().__post_init__()
        check_least("latent_noise", self.latent_noise, 0)
        check_least("attack_weight", self.attack_weight, 0)
        if self.attack_weight and self.phase == "all":
            raise UserError(
                f"attack_weight={self.attack_weight}: is for phase=latent and phase=magnitudes; without a prior none "
                "are learned"
            )
        if self.phase in ("magnitudes", "decoder") and self.start_from is None:
            raise UserError(f"phase={self.phase}: needs --from, the model that phase=latent made")


@dataclass(frozen=True, kw_only=True)
class LatentDiffusionSettings(Common):
    """Training of stage 2, the generator, and of a small text encoder along with it.

    Args:
        data: folder of music with captions, as `mousai data check` reads it; or shards of latents, as `mousai data
            shard` makes them: their folder, or where webdataset finds them, https://…/index.json or pipe:….
        out: folder of the run; the same command on it goes on with the run.
        start_from: model to start from, a folder or "bundled"; by default from nothing.
        autoencoder: model whose autoencoder makes the latents, a folder or "bundled".
        model: sizes: tiny (the bundled model's), paper, or a config.json.
        text: text encoder: small (made from the captions and trained along), or a T5 encoder that stays as it is,
            a folder or OWNER/NAME@COMMIT of the hub.
        lora: train small additions to the model of --from.
        crops: what a step sees.
        optimizer: how weights move.
        ema: the average of the weights.
        loop: how long, in what batches, on what.
        saving: checkpoints.
        watching: log, validation, samples.
    """

    autoencoder: str = "bundled"
    text: str = "small"
    lora: Lora = field(default_factory=Lora)
    crops: GeneratorItems = field(default_factory=GeneratorItems)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        super().__post_init__()
        if self.lora.rank and self.start_from is None:
            raise UserError(f"lora.rank={self.lora.rank}: adds to a trained model; name it by --from")
        if self.crops.twins is not None and self.loop.batch * self.loop.accumulate % 2:
            raise UserError(
                f"loop.batch={self.loop.batch}: a step must hear an even number of items with crops.twins, whole pairs"
            )


def seconds_of(max_time: str) -> float:
    """Days:hours:minutes:seconds -> seconds."""
    days, hours, minutes, seconds = map(int, max_time.split(":"))
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
