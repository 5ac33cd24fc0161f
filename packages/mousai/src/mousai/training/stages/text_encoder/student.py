"""The text encoder that learns: that of a model, with tokens for more words and perhaps more blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mousai.conditioning.t5 import T5Encoder, T5EncoderConfig
from mousai.conditioning.t5_files import t5_config
from mousai.conditioning.text import T5TextEncoder, load_tokenizer, make_tokenizer
from mousai.errors import UserError
from mousai.storage.weights import load_config
from mousai.training.stages.taught_text import SMALL, is_small, parameters_of

_EMBEDDING = ("shared.weight", "encoder.embed_tokens.weight")


@dataclass(frozen=True)
class TextEncoderSizes:
    """Sizes of the text encoder of a run."""

    encoder: T5EncoderConfig

    def to_dict(self) -> dict[str, Any]:
        """The sizes as JSON."""
        return self.encoder.to_diff_dict()

    def with_dropout(self, dropout: float) -> "TextEncoderSizes":
        """The same sizes with another share of activations that are left out in training."""
        return TextEncoderSizes(replace(self.encoder, dropout_rate=dropout))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TextEncoderSizes":
        """Sizes from `to_dict`."""
        names = T5EncoderConfig.__dataclass_fields__
        return cls(T5EncoderConfig(**{name: value for name, value in values.items() if name in names}))


def check_teacher(teacher: T5EncoderConfig, *, start: str, layers: int) -> None:
    """Refuse, by its sizes alone, a text encoder that cannot be taught as asked.

    Args:
        teacher: sizes of the encoder.
        start: model that has it, as the user named it.
        layers: blocks that it is to have, or 0 for as many as it has.

    Raises:
        UserError: it is not small (`taught_text.SMALL`), or has more blocks.
    """
    count = parameters_of(teacher)
    if not is_small(count):
        hint = f"has a text encoder of {count / 1e6:.0f} million parameters"
        raise UserError("start_from", start, f"{hint}; only those below {SMALL / 1e6:.0f} million are taught")
    if 0 < layers < teacher.num_layers:
        raise UserError("layers", layers, f"the model has {teacher.num_layers}; give as many or more, or 0")


def sizes_of_teacher(start: Path) -> T5EncoderConfig:
    """Sizes of the text encoder in a model folder, without its weights; CheckpointError where it is none of T5's."""
    path = start / "text_encoder" / "config.json"
    return t5_config(load_config(path), path)


def blank(sizes: TextEncoderSizes, tokenizer: Path) -> T5TextEncoder:
    """A text encoder of these sizes whose weights are to be loaded, with the tokenizer in a folder."""
    return T5TextEncoder(T5Encoder(sizes.encoder), load_tokenizer(tokenizer))


@torch.no_grad()
def student_of(
    teacher: T5TextEncoder, texts: Sequence[str], *, tokens: int, layers: int, dropout: float = 0.0, made: Path
) -> tuple[T5TextEncoder, TextEncoderSizes]:
    """The encoder that a run begins with.

    A token that the teacher has too begins as there, and a new one as the mean of the pieces that the teacher reads it
    as. Further blocks begin by adding nothing. So with the tokenizer of the teacher the student begins as the teacher.

    Args:
        teacher: the encoder of the model; not changed.
        texts: prompts and captions that the tokenizer is made from.
        tokens: most tokens of the tokenizer; 0 takes the teacher's.
        layers: blocks, as many as the teacher has or more (`check_teacher`), or 0 for as many.
        dropout: share of the activations that are left out in training.
        made: folder of the tokenizer; if it is there already it is taken as it is, for another one would number its
            tokens otherwise than a run learned them.
    """
    old = TextEncoderSizes.from_dict(teacher.model.config.to_diff_dict()).encoder  # type: ignore[union-attr, operator]
    if not made.exists():
        made_now = make_tokenizer(texts, tokens=tokens) if tokens else teacher.tokenizer
        made_now.save_pretrained(made)
    tokenizer = load_tokenizer(made)
    blocks = layers or old.num_layers
    sizes = TextEncoderSizes(replace(old, vocab_size=len(tokenizer), num_layers=blocks, dropout_rate=dropout))
    student = T5TextEncoder(T5Encoder(sizes.encoder), tokenizer, teacher.vocabulary)
    weights = {name: weight.float() for name, weight in teacher.model.state_dict().items()}
    embedding = weights[_EMBEDDING[0]]
    for name, weight in student.model.state_dict().items():
        if name in _EMBEDDING:
            weight.copy_(_embedding(embedding, teacher, tokenizer))
        elif name in weights:
            weight.copy_(weights[name])
        elif name.endswith(("layer_norm.weight",)):
            weight.fill_(1.0)
        elif name.endswith((".o.weight", ".wo.weight")):
            weight.zero_()
        else:  # a matrix of a further block, whose like stands in the block before
            weight.normal_(0, weight.shape[1] ** -0.5, generator=torch.Generator().manual_seed(len(name)))
    return student, sizes


def _embedding(old: Tensor, teacher: T5TextEncoder, tokenizer: Any) -> Tensor:
    """Vectors of the new tokens [tokens, features] from the old ones."""
    known, vocabulary = teacher.tokenizer.get_vocab(), tokenizer.get_vocab()
    new = old.mean(0).repeat(len(vocabulary), 1)
    for token, number in vocabulary.items():
        if token in known:
            new[number] = old[known[token]]
            continue
        pieces = teacher.tokenizer(token.removeprefix("##"), add_special_tokens=False)["input_ids"]
        if pieces:
            new[number] = old[torch.tensor(pieces)].mean(0)
    return new
