"""The config of a run that teaches a model's text encoder other wordings."""

from dataclasses import dataclass, field

from mousai.errors import UserError
from mousai.training.config.checks import check_least
from mousai.training.config.loop import LoopConfig
from mousai.training.config.training import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class WordingConfig:
    """How the pairs of a prompt and a caption are shown.

    Args:
        repeat_caption: share of items in which the caption itself is the prompt, so that what the model reads already
            is not lost.
        careless: chance of a prompt to be shown as typed in haste: with fewer words, a letter wrong, no capitals.
        tempo: chance of a tempo, drawn from 60 to 180 bpm, behind a prompt and a caption that both tell none.
    """

    repeat_caption: float = 0.3
    careless: float = 0.4
    tempo: float = 0.1

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("repeat_caption", "careless", "tempo"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"wordings.{name}", getattr(self, name), "must be 0 or more, below 1")


@dataclass(frozen=True, kw_only=True)
class TextEncoderTrainingConfig(TrainingConfig):
    """Training of a model's small text encoder, which learns to read wordings that it does not know yet.

    Args:
        data: table of pairs, .jsonl or .csv: prompt, as people type it, and caption, the same in words that the model
            knows. No music is needed.
        out: folder of the run; the same command on it goes on with the run.
        start_from: model whose text encoder is to learn, a folder or "bundled".
        device: auto, cpu, cuda, cuda:1 (that GPU alone) or mps; auto takes a GPU where there is one.
        tokens: most tokens of the new tokenizer, which is made from prompts and captions; 0 keeps the one that there
            is.
        layers: blocks of the encoder; 0 keeps as many as there are. It cannot have fewer.
        dropout: share of the encoder's activations that a step leaves out, so that few pairs are not learned by heart.
        queries: questions of each cross-attention of the generator that answers are compared by, in all.
        queries_per_step: how many of these a step takes.
        wordings: how pairs are shown.
        optimizer: how weights move.
        ema: average of the weights.
        loop: how long, in what batches, on what.
        checkpointing: when checkpoints are saved.
        logging: log, validation and samples.
    """

    start_from: str | None = "bundled"
    tokens: int = 4000
    layers: int = 0
    dropout: float = 0.1
    queries: int = 4096
    queries_per_step: int = 32
    wordings: WordingConfig = field(default_factory=WordingConfig)

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        super().__post_init__()
        if self.start_from is None:
            raise UserError("start_from", None, "is needed: the model whose text encoder is to learn")
        check_least("layers", self.layers, 0)
        for name in ("queries", "queries_per_step"):
            check_least(name, getattr(self, name), 1)
        if not 0 <= self.dropout < 1:
            raise UserError("dropout", self.dropout, "must be 0 or more, below 1")
        if self.tokens and self.tokens < 300:
            raise UserError("tokens", self.tokens, "must be 300 or more, or 0 to keep the tokenizer")
        if self.loop.batch < 2:
            raise UserError("loop.batch", self.loop.batch, "must be 2 or more: prompts are told apart within a batch")
        for name, given in (
            ("resident", self.loop.resident),
            ("cuda_graph", self.loop.cuda_graph),
            ("compile", self.loop.compile),
            ("activation_checkpointing", self.loop.activation_checkpointing),
            ("shards", self.loop.shards),
            ("shards_gb", self.loop.shards_gb if self.loop.shards_gb != LoopConfig.shards_gb else None),
        ):
            if given:
                raise UserError(f"loop.{name}", given, "is for the two stages, and of no use to a text encoder")
        if self.loop.strategy.startswith("fsdp"):
            raise UserError("loop.strategy", self.loop.strategy, "is for large models; leave it out")
