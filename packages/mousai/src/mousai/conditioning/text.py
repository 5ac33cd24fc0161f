"""Prompts -> embedding, by the encoder of a T5 model: one from the hub, or the small one of the bundled model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from mousai.conditioning.t5 import T5Encoder
from mousai.conditioning.t5_files import check_vocabulary, hub_config, t5_config
from mousai.conditioning.t5_files import load_tokenizer as load_tokenizer
from mousai.conditioning.tokenizer import TOKENIZER, TOKENIZING, Tokenizer
from mousai.conditioning.usual_tempo import USUAL_TEMPO, UsualTempo, load_usual_tempo
from mousai.conditioning.vocabulary import VOCABULARY, content_words, is_strange, load_vocabulary, vocabulary_json
from mousai.errors import UserError
from mousai.storage.folder_contents import check_contents
from mousai.storage.hub import download, is_hub_id
from mousai.storage.weights import load_config, load_module, save_config, save_module

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_TOKENS = 64
"""Tokens of one prompt, as in the paper; a longer prompt is cut, and said to be."""


@dataclass(frozen=True)
class TextEmbedding:
    """Embedded prompts.

    Args:
        hidden: [batch, tokens, features].
        mask: bool [batch, tokens], True = a token of the prompt.
    """

    hidden: Tensor
    mask: Tensor

    def mean(self) -> Tensor:
        """The mean over the tokens of each prompt [batch, features]; zero where it has none."""
        counted = self.mask[..., None].to(self.hidden)
        return (self.hidden * counted).sum(1) / counted.sum(1).clamp(min=1)

    def repeated(self, times: int) -> "TextEmbedding":
        """Every prompt `times` times in a row."""
        return TextEmbedding(self.hidden.repeat_interleave(times, dim=0), self.mask.repeat_interleave(times, dim=0))


@runtime_checkable
class TextEncoder(Protocol):
    """Protocol of a text encoder: any object with these two members goes wherever a text encoder is taken.

    A `torch.nn.Module` is moved with the pipeline. Optional members: `max_tokens` (tokens of each embedding; by default
    `MAX_TOKENS`), `cut(prompt)` (what of a prompt is not seen, or None), `unknown(prompt)` (words of it that are not
    known), `strange(prompt)` (whether none of its words was in a caption), `usual_tempos(prompts, embedding)` (beats
    per minute for prompts that state none), `save_pretrained(folder)` and, on the class, `from_pretrained(folder)`,
    with which it can lie in a model folder.
    """

    @property
    def features(self) -> int:
        """Width of the embedding."""
        ...

    def __call__(self, prompts: Sequence[str], *, keep_padding: bool = False) -> TextEmbedding:
        """Embed prompts, each as if it were alone; with `keep_padding` the padding counts as tokens of the prompt."""
        ...


class T5TextEncoder(nn.Module):
    """A T5 encoder and its tokenizer.

    Args:
        model: a `T5Encoder`, or a `transformers.T5EncoderModel`, which computes the same.
        tokenizer: the tokenizer that it was trained with, likewise.
        vocabulary: words of the captions that it learned from; `None` where they are not known.
        tempo: what tells the usual tempo of a prompt; `None` where that was not learned.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: "Tokenizer | PreTrainedTokenizerBase",
        vocabulary: frozenset[str] | None = None,
        tempo: UsualTempo | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary, self.tempo = vocabulary, tempo
        self.model = model
        self.tokenizer = tokenizer

    @property
    def features(self) -> int:
        """Width of the embedding."""
        return int(self.model.config.d_model)  # type: ignore[union-attr, arg-type]

    def forward(self, prompts: Sequence[str], *, keep_padding: bool = False, to_longest: bool = False) -> TextEmbedding:
        """Embed prompts; padded to `MAX_TOKENS`, so that a prompt's embedding does not depend on the others'.

        Args:
            prompts: sentences.
            keep_padding: count the padding as tokens of the prompt (`LatentDiffusionConfig.attend_to_padding`).
            to_longest: pad to the longest of these prompts alone, for training: the same but for the last bits, in a
                third of the time.
        """
        padding = "longest" if to_longest and not keep_padding else "max_length"
        with TOKENIZING:
            tokens = self.tokenizer(
                list(prompts), padding=padding, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
            )
        weight = next(self.model.parameters())
        mask = tokens["attention_mask"].to(weight.device).bool()
        hidden = self.model(input_ids=tokens["input_ids"].to(weight.device), attention_mask=mask).last_hidden_state
        if keep_padding:
            return TextEmbedding(hidden, torch.ones_like(mask))
        return TextEmbedding(hidden * mask[..., None], mask)

    def cut(self, prompt: str) -> str | None:
        """The part of a prompt beyond `MAX_TOKENS`, which the model does not see; `None` if it sees all."""
        # Quiet, because the tokenizer would log its own words for the same.
        with TOKENIZING:
            tokens = self.tokenizer(prompt, return_offsets_mapping=True, verbose=False)
        if len(tokens["input_ids"]) <= MAX_TOKENS:
            return None
        # The last token that is seen is the one that ends every prompt.
        return prompt[tokens["offset_mapping"][MAX_TOKENS - 1][0] :].strip()

    def unknown(self, prompt: str) -> list[str]:
        """Words of a prompt that the tokenizer does not know; it reads each of them as the same sign."""
        with TOKENIZING:
            tokens = self.tokenizer(prompt, return_offsets_mapping=True, add_special_tokens=False, verbose=False)
        places = zip(tokens["input_ids"], tokens["offset_mapping"], strict=True)
        words = [prompt[begin:end] for token, (begin, end) in places if token == self.tokenizer.unk_token_id]
        return [word for word in dict.fromkeys(words) if any(letter.isalpha() for letter in word)]

    def strange(self, prompt: str) -> bool:
        """Tell whether no word of a prompt was in a caption; False where it is not known what captions had."""
        return self.vocabulary is not None and is_strange(prompt, self.vocabulary)

    def usual_tempos(self, prompts: Sequence[str], embedding: TextEmbedding) -> list[float | None]:
        """Beats per minute that are usual for each prompt; None where that was not learned, or no word is known.

        Args:
            prompts: sentences.
            embedding: what they are embedded as.
        """
        if self.tempo is None:
            return [None] * len(prompts)
        told = zip(prompts, self.tempo.tempos(embedding.mean()), strict=True)
        return [tempo if content_words(text) and not self.strange(text) else None for text, tempo in told]

    def save(self, folder: Path, *, dtype: torch.dtype | None = None) -> None:
        """Write `text_encoder/`, with the vocabulary if it is known, and `tokenizer/` into a model folder."""
        config = self.model.config.to_diff_dict()  # type: ignore[union-attr, operator]
        save_module(folder / "text_encoder", self.model, config, dtype=dtype)
        with TOKENIZING:
            self.tokenizer.save_pretrained(folder / "tokenizer")
        if self.vocabulary is not None:
            save_config(folder / "text_encoder" / VOCABULARY, vocabulary_json(self.vocabulary))
        if self.tempo is not None:
            save_config(folder / "text_encoder" / USUAL_TEMPO, self.tempo.to_json())

    @classmethod
    def load(cls, folder: Path) -> "T5TextEncoder":
        """Read `text_encoder/` and `tokenizer/` of a model folder.

        Raises:
            UserError: a file is missing or does not fit; one line that names it.
        """
        path = folder / "text_encoder" / "config.json"
        config = t5_config(load_config(path), path)
        model = load_module(folder / "text_encoder", lambda: T5Encoder(config))
        vocabulary = load_vocabulary(folder / "text_encoder" / VOCABULARY)
        tempo = load_usual_tempo(folder / "text_encoder" / USUAL_TEMPO, config.d_model)
        tokenizer = load_tokenizer(folder / "tokenizer")
        check_vocabulary(tokenizer, config.vocab_size, folder / "tokenizer")
        return cls(model, tokenizer, vocabulary, tempo).eval()

    @classmethod
    def from_hub(cls, model_id: str, *, revision: str | None = None, field: str = "model_id") -> "T5TextEncoder":
        """A T5 encoder of the Hugging Face hub (or of a folder of the hub's layout), weights from safetensors only.

        Args:
            model_id: for example "google-t5/t5-base".
            revision: the commit in full, since what a name points to can change. Ignored for a folder.
            field: name of the argument in errors.

        Raises:
            UserError: it cannot be had; one line with the reason.
        """
        from transformers import AutoTokenizer, T5Config, T5EncoderModel

        folder = Path(model_id)
        if not folder.is_dir():
            if not is_hub_id(model_id):
                raise UserError(field, model_id, "no such folder, and no id of the hub, OWNER/NAME")
            folder = download(model_id, revision=revision, field=field)
        check_contents(folder)
        try:
            config = T5Config(**hub_config(folder).to_diff_dict())
            # Of the folder alone: nothing that its files name is fetched.
            loaded: Any = T5EncoderModel.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                output_loading_info=True,
                trust_remote_code=False,
                local_files_only=True,
            )
            model, report = loaded
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except (OSError, ValueError) as error:
            at = "" if revision is None else f" at revision {revision}"
            raise UserError(field, model_id, f"no text encoder{at}: {error}") from error
        if report["missing_keys"]:
            raise UserError(field, model_id, f"lacks {sorted(report['missing_keys'])[0]}; is it a T5 model?")
        if not (folder / TOKENIZER).is_file():
            # Without it transformers makes a tokenizer that knows no word, and says nothing.
            raise UserError(field, model_id, f"has no {TOKENIZER}, which a text encoder is read with")
        check_vocabulary(tokenizer, config.vocab_size, folder)
        return cls(model, tokenizer).eval()

    @classmethod
    def small(
        cls,
        captions: Iterable[str] = (),
        *,
        features: int = 128,
        layers: int = 3,
        tokenizer: "Tokenizer | PreTrainedTokenizerBase | None" = None,
    ) -> "T5TextEncoder":
        """An untrained little T5 encoder whose tokenizer is made from captions; it is trained along with the generator.

        Words are split into letters-only pieces of a vocabulary of 1000, and numbers into digits, so that a tempo that
        no caption had still has neighbours.

        Args:
            captions: what the tokenizer is made from. Twice the same captions give different tokenizers, since the
                trainer breaks ties at random.
            features: width of the embedding, a multiple of 32.
            layers: blocks of the encoder.
            tokenizer: one that was made before, instead of captions.
        """
        from transformers import T5Config, T5EncoderModel

        if tokenizer is None:
            tokenizer = make_tokenizer(captions)
        config = T5Config(
            vocab_size=len(tokenizer),
            d_model=features,
            d_kv=32,
            d_ff=4 * features,
            num_layers=layers,
            num_heads=features // 32,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            relative_attention_num_buckets=32,
            is_encoder_decoder=False,
            use_cache=False,
        )
        return cls(T5EncoderModel(config), tokenizer)


def make_tokenizer(texts: Iterable[str], *, tokens: int = 1000) -> Any:
    """A tokenizer of letters-only pieces of words, of single digits and of punctuation, made from texts.

    Args:
        texts: what it is made from; the pieces that make its texts shortest are taken.
        tokens: most tokens.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(individual_digits=True)]
    )
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.WordPieceTrainer(vocab_size=tokens, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=MAX_TOKENS
    )
