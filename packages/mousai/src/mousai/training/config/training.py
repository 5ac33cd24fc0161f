"""The whole config of a run of either stage, checked before anything is loaded."""

from dataclasses import dataclass, field
from typing import Literal

from mousai.errors import UserError
from mousai.training.config.checks import check_least
from mousai.training.config.composer import COMPOSE, ComposerConfig
from mousai.training.config.controls import ControlConfig
from mousai.training.config.crops import AutoencoderCropConfig, LatentCropConfig
from mousai.training.config.distillation import DistillationConfig
from mousai.training.config.loop import Checkpointing, Logging, LoopConfig
from mousai.training.config.optimization import AdapterConfig, EMAConfig, OptimizerConfig

Phase = Literal["all", "latent", "magnitudes", "decoder"]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The config that all runs share; see the classes below, and `TextEncoderTrainingConfig`."""

    data: str
    out: str
    start_from: str | None = None
    device: str = "auto"
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    ema: EMAConfig = field(default_factory=EMAConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    checkpointing: Checkpointing = field(default_factory=Checkpointing)
    logging: Logging = field(default_factory=Logging)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        for name in ("data", "out", "start_from", "distill_from", "model", "device", "autoencoder", "text"):
            if getattr(self, name, None) == "":
                raise UserError(name, "", "is empty; give a value, or leave it out")
        if self.loop.max_steps is None and self.loop.max_time is None:
            raise UserError("loop.max_steps", None, "say how long to train, by it or by loop.max_time")


@dataclass(frozen=True, kw_only=True)
class MusicTrainingConfig(TrainingConfig):
    """The config that both stages share, which learn from music."""

    model: str = "tiny"
    composer: ComposerConfig = field(default_factory=ComposerConfig)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        super().__post_init__()
        if self.data == COMPOSE and not self.loop.resident:
            raise UserError("data", COMPOSE, "needs loop.resident=true, songs in the device's memory")
        if self.data == COMPOSE and self.start_from is None:
            raise UserError("data", COMPOSE, "needs --from, a model to start from")


@dataclass(frozen=True, kw_only=True)
class AutoencoderTrainingConfig(MusicTrainingConfig):
    """Training of stage 1, the autoencoder.

    Args:
        data: folder of audio files, at any depth; or shards of one, as `mousai data shard` makes them: their folder,
            or where webdataset finds them, https://…/index.json or pipe:…; or compose, for songs that are composed
            meanwhile.
        out: folder of the run; the same command on it goes on with the run.
        start_from: model to start from, a folder or "bundled"; by default from nothing.
        model: sizes: tiny (the bundled model's), paper, or a config.json.
        device: auto, cpu, cuda, cuda:1 (that GPU alone) or mps; auto takes a GPU where there is one.
        phase: all for a model without a prior (the paper's); with one, first latent and then, from it, decoder;
            magnitudes trains neither latent nor decoder, for better sound from latents that stay as they are.
        latent_noise: standard deviation of noise on the latent, so that the decoder forgives errors of stage 2.
        attack_weight: weight of a loss of how the magnitudes change from frame to frame, beside theirs, in the phases
            that learn these; notes then begin and end more as they did.
        crops: crops that a step sees.
        optimizer: how weights move.
        ema: average of the weights.
        loop: how long, in what batches, on what.
        composer: songs that are composed meanwhile, for data=compose.
        checkpointing: when checkpoints are saved.
        logging: log, validation and samples.
    """

    phase: Phase = "all"
    latent_noise: float = 0.0
    attack_weight: float = 0.0
    crops: AutoencoderCropConfig = field(default_factory=AutoencoderCropConfig)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        super().__post_init__()
        check_least("latent_noise", self.latent_noise, 0)
        check_least("attack_weight", self.attack_weight, 0)
        if self.attack_weight and self.phase == "all":
            raise UserError(
                "attack_weight",
                self.attack_weight,
                "is for phase=latent and phase=magnitudes; a model without a prior learns no magnitudes",
            )
        if self.phase in ("magnitudes", "decoder") and self.start_from is None:
            raise UserError("phase", self.phase, "needs --from, the model that phase=latent made")


@dataclass(frozen=True, kw_only=True)
class LatentDiffusionTrainingConfig(MusicTrainingConfig):
    """Training of stage 2, latent diffusion, and of a small text encoder along with it.

    Args:
        data: folder of music with captions, as `mousai data check` reads it; or shards of latents, as `mousai data
            shard` makes them: their folder, or where webdataset finds them, https://…/index.json or pipe:…; or compose,
            for songs that are composed meanwhile.
        out: folder of the run; the same command on it goes on with the run.
        start_from: model to start from, a folder or "bundled"; by default from nothing.
        autoencoder: model whose autoencoder makes the latents, a folder or "bundled".
        model: sizes: tiny (the bundled model's), paper, or a config.json.
        device: auto, cpu, cuda, cuda:1 (that GPU alone) or mps; auto takes a GPU where there is one.
        text: text encoder: small (made from the captions and trained along), or a T5 encoder that stays as it is,
            a folder or OWNER/NAME@COMMIT of the hub.
        lora: train small additions to the model of --from.
        controls: chords, melody, section and known part of a latent that the model is to read.
        distill_from: model whose guided steps the model is to learn, a folder or "bundled"; it is also what the model
            starts from, unless start_from names another.
        distillation: what is learned from it.
        crops: crops that a step sees.
        optimizer: how weights move.
        ema: average of the weights.
        loop: how long, in what batches, on what.
        composer: songs that are composed meanwhile, for data=compose.
        checkpointing: when checkpoints are saved.
        logging: log, validation and samples.
    """

    autoencoder: str = "bundled"
    text: str = "small"
    lora: AdapterConfig = field(default_factory=AdapterConfig)
    controls: ControlConfig = field(default_factory=ControlConfig)
    distill_from: str | None = None
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    crops: LatentCropConfig = field(default_factory=LatentCropConfig)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        if self.distill_from and self.start_from is None:
            object.__setattr__(self, "start_from", self.distill_from)
        super().__post_init__()
        self._check_distillation()
        if self.controls.train_only:
            self._check_train_only()
        if self.lora.rank and self.start_from is None:
            raise UserError("lora.rank", self.lora.rank, "adds to a trained model; name it by --from")
        if self.lora.rank and self.controls.channels:
            hint = "trains no new channels; leave lora.rank out, or train an adapter to a model that has the controls"
            raise UserError("lora.rank", self.lora.rank, hint)
        if self.crops.pair_by is not None and self.loop.batch * self.loop.accumulate % 2:
            raise UserError(
                "loop.batch", self.loop.batch, "a step must see an even number of items with crops.pair_by, whole pairs"
            )

    def _check_train_only(self) -> None:
        if self.start_from is None:
            raise UserError("controls.train_only", True, "adds to a trained model; name it by --from")
        if self.optimizer.weight_decay:
            hint = "would pull at weights that are not trained; controls.train_only needs 0"
            raise UserError("optimizer.weight_decay", self.optimizer.weight_decay, hint)
        if self.loop.cuda_graph:
            raise UserError("loop.cuda_graph", True, "does not go with controls.train_only, which changes gradients")
        if self.loop.strategy.startswith("fsdp"):
            raise UserError(
                "loop.strategy", self.loop.strategy, "splits weights, of which controls.train_only needs all"
            )

    def _check_distillation(self) -> None:
        if self.distill_from is None:
            if self.distillation != DistillationConfig():
                raise UserError("distill_from", None, "distillation is of a model; name it by --distill-from")
            return
        for name, given, other in (
            ("lora.rank", self.lora.rank, 0),
            ("loop.resident", self.loop.resident, False),
            ("controls.channels", list(self.controls.channels), []),
        ):
            if given != other:
                raise UserError(name, given, "does not go with distill_from, whose model is learned as it is")
        if self.distillation.steps and self.crops.times.kind != "uniform":
            raise UserError(
                "crops.times.kind",
                self.crops.times.kind,
                "must be uniform for distillation.steps, each of which is trained on as often",
            )
