"""The three models of Moûsai as one object that is loaded, saved, moved and asked to read a prompt."""

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from dmae import DMAE
from mousai.arguments import (
    PromptCutWarning,
    UnknownWordsWarning,
    prompts_of,
    shortened,
    strange_words,
    unknown_words,
)
from mousai.callbacks import Interruptions
from mousai.codec import Codec
from mousai.conditioning.attributes import FASTEST, SLOWEST, parse_attributes
from mousai.conditioning.text import TextEmbedding, TextEncoder
from mousai.device import plain_defaults, resolve_device
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.lora import add_lora
from mousai.diffusion.widening import without_guidance_inputs
from mousai.dtype import resolve_dtype
from mousai.errors import UserError
from mousai.exact.threads import one_thread
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import describe, load_part, model_folder, save_parts
from mousai.storage.parts import PARTS, check_fit


class Cascade(Codec):
    """The text encoder, the latent diffusion and the autoencoder of one model: `Mousai` but for making music."""

    def __init__(
        self,
        text_encoder: TextEncoder,
        latent_diffusion: LatentDiffusion,
        autoencoder: DMAE,
        *,
        defaults: SamplingConfig | None = None,
        about: str = "",
    ) -> None:
        check_fit({"text_encoder": text_encoder, "latent_diffusion": latent_diffusion, "autoencoder": autoencoder})
        super().__init__(autoencoder, defaults=defaults, about=about)
        self.text_encoder, self.latent_diffusion = text_encoder, latent_diffusion
        self._interruptions = Interruptions()

    @property
    def _interrupt(self) -> bool:
        return self._interruptions.is_stopped

    @_interrupt.setter
    def _interrupt(self, value: bool) -> None:
        self._interruptions.stop(value)

    @property
    def components(self) -> dict[str, Any]:
        """Parts of the model by name, as the constructor takes them."""
        return {
            "text_encoder": self.text_encoder,
            "latent_diffusion": self.latent_diffusion,
            "autoencoder": self.autoencoder,
        }

    @property
    def repaints(self) -> bool:
        """Tell whether stage 2 needs RePaint's repeated steps to fit new music to a known part of a recording."""
        return not getattr(self.latent_diffusion, "reads_known", False)

    @property
    def controls(self) -> tuple[str, ...]:
        """What the model can follow beside the prompt, out of "chords", "melody", "section" and "known"."""
        return tuple(getattr(self.latent_diffusion.config, "controls", ()))

    @classmethod
    @plain_defaults()
    def from_pretrained(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        revision: str | None = None,
        dtype: str | torch.dtype = "auto",
        device: str | torch.device = "auto",
        compile: bool = False,
        text_encoder: Any = None,
        latent_diffusion: Any = None,
        autoencoder: Any = None,
    ) -> Self:
        """Load a model folder, a model of the Hugging Face hub, or the bundled model (the default).

        Args:
            model: a folder, a hub id "owner/name" (needs `revision`), or "bundled".
            revision: commit of a hub model, pinned, since what a name points to can change.
            dtype: of the two U-Nets: "float32", "bfloat16", or "auto", the faster of the two as measured here.
                Everything else is float32.
            device: "auto", "cpu", "cuda", "cuda:1", "mps".
            compile: compile the two U-Nets for this machine when they are first used (`compile`).
            text_encoder: one of your own instead of the folder's: an object, or a class whose
                `from_pretrained(folder of the part)` reads what its `save_pretrained` wrote.
            latent_diffusion: likewise.
            autoencoder: likewise.

        Raises:
            UserError: the folder is incomplete or does not fit together; one line that names the file.
        """
        found = resolve_device(device)
        folder = model_folder(model, revision=revision)
        computed = resolve_dtype(dtype, found)
        given = {"text_encoder": text_encoder, "latent_diffusion": latent_diffusion, "autoencoder": autoencoder}
        described = describe(folder, need=[name for name in PARTS if given[name] is None])
        pipeline = cls(
            *(load_part(folder, name, given[name]) for name in PARTS),
            defaults=described.defaults,
            about=described.about,
        )
        pipeline.to(found, computed)
        return pipeline.compile() if compile else pipeline

    def load_lora_weights(self, path: str | PathLike[str], *, scale: float = 1.0) -> Self:
        """Add an adapter that `mousai train latent-diffusion --lora.rank` made; returns the pipeline.

        Several may be added. Before compiling, or not at all. Guidance that was distilled into the model knows nothing
        of what an adapter adds: from here on a step evaluates the model two or three times, as without distillation.

        Args:
            path: a file of `mousai export`.
            scale: how much of it; 0 is none, 1 as it was trained.

        Raises:
            UserError: the file is no adapter, or one of another model.
        """
        with one_thread():  # exact calls need the same weights whatever the number of threads
            changed = without_guidance_inputs(self.latent_diffusion)
            add_lora(changed, path, scale=scale)
        self.latent_diffusion = changed
        return self

    def save_pretrained(self, folder: str | PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Write a model folder that `from_pretrained` takes; `dtype` is that of the stored weights."""
        save_parts(Path(folder), self.components, defaults=self.defaults, about=self.about, dtype=dtype)

    def unseen(self, prompt: str) -> str | None:
        """Return the end of a prompt that the text encoder does not read; None where it reads all of it."""
        cut = getattr(self.text_encoder, "cut", None)
        unseen: str | None = None if cut is None else cut(prompt)
        return unseen

    def unknown(self, prompt: str) -> list[str]:
        """Return the words of a prompt that the text encoder does not know, and so cannot tell from each other."""
        unknown = getattr(self.text_encoder, "unknown", None)
        words: list[str] = [] if unknown is None else unknown(prompt)
        return words

    def not_understood(self, prompt: str) -> str | None:
        """Return a line about the words of a prompt that the model does not know; None where there is nothing to say.

        It is of the words of another script, see `unknown`; or of the whole prompt, where none of its words was in a
        caption. A model that does not tell what its captions had (`text_encoder/vocabulary.json`) is taken to know.
        """
        if words := self.unknown(prompt):
            return unknown_words(words)
        strange = getattr(self.text_encoder, "strange", None)
        return strange_words(prompt) if strange is not None and strange(prompt) else None

    @torch.no_grad()
    def usual_tempo(self, prompt: str) -> float | None:
        """Return the beats per minute of a piece whose prompt states none; None where the model leaves them open.

        A model whose text encoder learned usual tempos (`mousai train text-encoder`) tells one, as long as it knows a
        word of the prompt. A tempo that is stated, or given in `attributes`, counts instead.

        Raises:
            UserError: `prompt` is no sentence, or the text encoder gives what is no tempo.
        """
        if not isinstance(prompt, str):
            raise UserError("prompt", prompt, "must be one sentence")
        prompts = prompts_of(prompt)
        if parse_attributes(prompt).tempo is not None or not hasattr(self.text_encoder, "usual_tempos"):
            return None
        return self._usual_tempos(prompts, self._embed(prompts, warn=False))[0]

    def _usual_tempos(self, prompts: Sequence[str], embedding: TextEmbedding) -> list[float | None]:
        """What the text encoder says of prompts; None for each where it knows of no usual tempo."""
        if not hasattr(self.text_encoder, "usual_tempos"):
            return [None] * len(prompts)
        found = self.text_encoder.usual_tempos(prompts, embedding)
        if not (isinstance(found, list) and len(found) == len(prompts) and all(map(_is_usual, found))):
            hint = f"must be a list, for each prompt a tempo of {SLOWEST:g} to {FASTEST:g} beats per minute or None"
            raise UserError("text_encoder.usual_tempos", found, hint)
        return found

    def _embed(self, prompts: Sequence[str], *, warn: bool = True) -> TextEmbedding:
        for prompt in prompts if warn else ():
            if unseen := self.unseen(prompt):
                cut = f"a prompt is too long, not seen of it: {shortened(unseen)!r}"
                warnings.warn(cut, PromptCutWarning, stacklevel=5)
            if line := self.not_understood(prompt):
                warnings.warn(line, UnknownWordsWarning, stacklevel=5)
        embedding: TextEmbedding = self.text_encoder(
            prompts, keep_padding=self.latent_diffusion.config.attend_to_padding
        )
        return embedding

    def _nets(self) -> list[nn.Module]:
        return [*super()._nets(), self.latent_diffusion.net]


def _is_usual(tempo: Any) -> bool:
    return tempo is None or (type(tempo) in (int, float) and SLOWEST <= tempo <= FASTEST)
