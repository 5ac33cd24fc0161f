"""A checkpoint of the authors' library -> a model folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dmae import DMAE, DMAEConfig
from mousai.conditioning.text import T5TextEncoder
from mousai.convert.adp_layout import Layout, recognise, without_text
from mousai.convert.prefixes import strip
from mousai.convert.rules import LayoutError, Rule, read_state
from mousai.convert.settings import Settings
from mousai.convert.sources import Source, read_source
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.storage.folder_swap import replaced_folder
from mousai.storage.folders import describe, load_autoencoder, save_parts
from mousai.storage.parts import check_fit


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Result of an import, for the user.

    Args:
        parts: parts of the model folder.
        parameters: number of parameters of the imported part.
        prefix: that stood before every key.
        assumed: settings that the file does not hold and that were not given.
        left_out: keys outside of the prefix that was given.
        lacks: parts that the folder needs to make music from text, "" if none.
    """

    parts: tuple[str, ...]
    parameters: int
    prefix: str
    assumed: dict[str, str]
    left_out: list[str]
    lacks: str


def import_model(
    source: str,
    out: Path,
    *,
    revision: str | None = None,
    prefix: str | None = None,
    settings: Mapping[str, str] | None = None,
    allow_pickle: bool = False,
    text_encoder: str | None = None,
    text_encoder_revision: str | None = None,
    autoencoder: Path | None = None,
    dtype: torch.dtype | None = None,
) -> Imported:
    """Write a model folder from a checkpoint of audio-diffusion-pytorch 0.1.x.

    Args:
        source: safetensors file, folder, or hub id, see `read_source`.
        out: folder to make; it must not exist.
        revision: commit of a hub source.
        prefix: prefix of one of several models in the file.
        settings: settings that the shapes do not tell, see `mousai.convert.settings`.
        allow_pickle: read a pickle where there are no safetensors.
        text_encoder: T5 model of latent diffusion with text: a folder of the hub's layout, or a hub id.
        text_encoder_revision: its commit.
        autoencoder: model folder whose autoencoder completes an imported latent diffusion.
        dtype: to store the weights in; `None` keeps theirs.

    Raises:
        UserError: one line that says which key or argument, what was expected and what found; nothing is left behind.
    """
    if os.path.lexists(out):
        raise UserError(out, hint="exists; give a folder that does not")
    read = read_source(source, revision=revision, allow_pickle=allow_pickle)
    try:
        return _import(
            read,
            out,
            prefix=prefix,
            settings=Settings({**read.settings, **(settings or {})}),
            text_encoder=text_encoder,
            text_encoder_revision=text_encoder_revision,
            autoencoder=autoencoder,
            dtype=dtype,
        )
    except LayoutError as error:
        raise LayoutError(read.name, hint=str(error)) from error


def _import(
    read: Source,
    out: Path,
    *,
    prefix: str | None,
    settings: Settings,
    text_encoder: str | None,
    text_encoder_revision: str | None,
    autoencoder: Path | None,
    dtype: torch.dtype | None,
) -> Imported:
    found = strip(read.state, prefix=prefix)
    layout = recognise(found.state, settings)
    settings.require_all_read()
    own, text_state = without_text(layout, found.state)
    model = DMAE(layout.config) if isinstance(layout.config, DMAEConfig) else LatentDiffusion(layout.config)
    fill(model, own, layout)
    parts: dict[str, DMAE | LatentDiffusion | T5TextEncoder] = {}
    lacks = "a latent diffusion and a text encoder"
    if isinstance(model, DMAE):
        for name, given in (("text_encoder", text_encoder), ("autoencoder", autoencoder)):
            if given is not None:
                raise UserError(name, str(given), "this is an autoencoder, which needs none")
        parts["autoencoder"] = model
    else:
        parts["latent_diffusion"] = model
        text = _text_encoder(text_state, text_encoder, text_encoder_revision)
        if text is not None:
            parts["text_encoder"] = text
        if autoencoder is not None:
            parts["autoencoder"] = load_autoencoder(autoencoder)
        check_fit(parts)
        lacks = _lacking(model, parts)
    about = f"Imported from {read.name}, a checkpoint of audio-diffusion-pytorch 0.1.x."
    stored = {tensor.dtype for tensor in own.values()}
    if dtype is None and len(stored) == 1 and stored < {torch.float16, torch.bfloat16}:
        dtype = stored.pop()
    try:
        with replaced_folder(out, own=()) as folder:
            save_parts(folder, parts, defaults=_defaults(parts, autoencoder), about=about, dtype=dtype)
            describe(folder)
    except OSError as error:
        raise UserError(out, hint=f"cannot be made: {error.strerror}") from error
    return Imported(
        parts=tuple(parts),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        prefix=found.prefix,
        assumed=settings.assumed,
        left_out=found.left_out,
        lacks=lacks,
    )


def fill(model: nn.Module, theirs: Mapping[str, Tensor], layout: Layout) -> None:
    """Fill a model with their tensors.

    Raises:
        LayoutError: a key is missing or left over, or a shape or value is not as expected.
    """
    expected = {key: value for key, value in model.state_dict().items() if value.numel()}
    found = read_state(theirs, expected, layout.rules, ignored=layout.ignored)
    missing, _ = model.load_state_dict(found, strict=False)
    assert all(not model.state_dict()[key].numel() for key in missing)


def text_rules(text: T5TextEncoder) -> list[Rule]:
    """The T5 encoder in their layout; its token embedding stands under two keys."""
    keys = text.model.state_dict()
    tied = "encoder.embed_tokens.weight"
    return [
        Rule(key, key, also=(tied,) if key == "shared.weight" and tied in keys else ()) for key in keys if key != tied
    ]


def _text_encoder(state: Mapping[str, Tensor], model: str | None, revision: str | None) -> T5TextEncoder | None:
    if model is None:
        if state:
            raise UserError(
                "text_encoder",
                hint="the checkpoint holds a T5 text encoder but not its tokenizer; give --text-encoder with the model "
                "that it was made from, such as google-t5/t5-base (and --text-encoder-revision), or a folder of it",
            )
        return None
    if revision is None and not Path(model).is_dir():
        raise UserError("text_encoder", model, "no such folder; for a model of the hub give its commit too")
    text = T5TextEncoder.from_hub(model, revision=revision, field="text_encoder")
    if state:
        rules = text_rules(text)
        found = read_state(state, {rule.ours: text.model.state_dict()[rule.ours] for rule in rules}, rules)
        text.model.load_state_dict(found, strict=False)
    return text


def _lacking(model: LatentDiffusion, parts: Mapping[str, nn.Module]) -> str:
    if not model.config.net.context_features:
        return "text conditioning (it can be used from Python: mousai.load_latent_diffusion)"
    missing = [
        f"{what} ({option})"
        for part, what, option in (
            ("text_encoder", "a text encoder", "--text-encoder"),
            ("autoencoder", "an autoencoder", "--autoencoder"),
        )
        if part not in parts
    ]
    return " and ".join(missing)


def _defaults(parts: Mapping[str, nn.Module], autoencoder: Path | None) -> SamplingConfig:
    """Settings that the authors' README runs such a model with."""
    plain = SamplingConfig()
    model = parts.get("latent_diffusion")
    scale = plain.guidance_scale
    if isinstance(model, LatentDiffusion) and not model.config.max_tokens:
        scale = 1.0
    if autoencoder is None:
        return SamplingConfig(guidance_scale=scale)
    its = describe(autoencoder).defaults
    return SamplingConfig(
        guidance_scale=scale,
        decoder_steps=its.decoder_steps,
        griffin_lim=its.griffin_lim,
        decoder_start=its.decoder_start,
    )
