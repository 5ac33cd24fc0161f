"""A run of stage 2, put together from its config."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dmae import DMAE, DMAEConfig
from mousai.conditioning.control_signal import FIELDS
from mousai.conditioning.text import T5TextEncoder
from mousai.conditioning.vocabulary import VOCABULARY
from mousai.data.annotation import controls_of
from mousai.data.latent_cache import fingerprint
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.widening import train_controls_only, with_controls, with_guidance_inputs, without_guidance_inputs
from mousai.errors import UserError
from mousai.storage.folders import autoencoder_config, latent_diffusion_config, load_autoencoder, load_latent_diffusion
from mousai.training.config import ControlConfig, LatentDiffusionTrainingConfig
from mousai.training.cuda_graph import use_cuda_graphs
from mousai.training.data.captions import caption_of
from mousai.training.data.folder_songs import FolderSongs
from mousai.training.data.latent_crops import LatentCrops
from mousai.training.data.songs import Songs, latent_songs, split_songs
from mousai.training.sources import model_folder, sizes_of
from mousai.training.stages.experiment import VALIDATION_ITEMS, Experiment
from mousai.training.stages.latent_diffusion.distillation import DistillationStage, check_teacher, teacher_folder
from mousai.training.stages.latent_diffusion.module import LatentDiffusionStage
from mousai.training.stages.latent_diffusion.resident import resident_latents
from mousai.training.stages.latent_diffusion.text import drawn_captions, frozen_text, small_text
from mousai.training.stages.taught_text import is_small, keep_vocabulary


def build_latent_diffusion(config: LatentDiffusionTrainingConfig) -> Experiment:
    """Build what a run of stage 2 needs; see `mousai.training.stages.build.build`."""
    stage_1 = model_folder(config.autoencoder, field="autoencoder", need=["autoencoder"])
    latent = autoencoder_config(stage_1)
    start = None
    if config.start_from is not None:
        start = model_folder(config.start_from, field="start_from", need=["text_encoder", "latent_diffusion"])
    sizes = latent_diffusion_config(start) if start else None
    if sizes is None and config.model != "tiny":
        sizes = sizes_of(LatentDiffusionConfig, config.model)
    if sizes is not None:
        _check_channels(sizes, latent, config)
        sizes = _with_controls(sizes, config)
    if start is not None and config.distill_from is not None:
        check_teacher(latent_diffusion_config(start), config)
    frozen = None if start or config.text == "small" else frozen_text(config.text)
    if config.loop.resident:
        return _build_resident(config, start, stage_1)
    # Songs are encoded only where the cache lacks them: what that draws must not change the weights drawn next.
    with torch.random.fork_rng(devices=[]):
        songs = latent_songs(config, stage_1, frame_rate=latent.latent_rate)
    if start:
        text, model = T5TextEncoder.load(start), _started(start, config)
    else:
        if frozen is None:
            text = small_text(songs.records, Path(config.out) / "tokenizer", seed=config.loop.seed)
        else:
            text = frozen
        if sizes is None:
            sizes = LatentDiffusionConfig.tiny(latent_std=round(songs.std, 4), frame_rate=songs.frame_rate)
            _check_channels(sizes, latent, config)
            sizes = _with_controls(sizes, config)
        model = LatentDiffusion(sizes)
    if sizes is not None and sizes.net.context_features != text.features:
        raise UserError(
            "text", config.text, f"gives {text.features} features, the model reads {sizes.net.context_features}"
        )
    stage = _stage(config, model, text, load_autoencoder(stage_1), frozen=frozen is not None)
    if stage.text is not None:
        captions = drawn_captions([record.fields for record in songs.records], seed=config.loop.seed)
        keep_vocabulary(text, captions, Path(config.out) / VOCABULARY)
    controls = _controls_read(model.config, config)
    if controls is not None and isinstance(songs, FolderSongs):
        _check_controls(songs)
    train, val = split_songs(songs, config)
    stage.prompts = config.logging.prompts or _captions(val or train, config.logging.listen_count)
    drawn: dict[str, Any] = {"controls": controls, "seed": config.loop.seed}
    validation = LatentCrops(val, config.crops, count=VALIDATION_ITEMS, **drawn) if val else None
    return Experiment(
        stage=stage,
        train=LatentCrops(train, config.crops, **drawn),
        validation=validation,
        config=model.config,
        files=len(songs),
        beside=_beside(stage, config),
    )


def _stage(
    config: LatentDiffusionTrainingConfig,
    model: LatentDiffusion,
    text: T5TextEncoder,
    autoencoder: DMAE,
    *,
    frozen: bool,
) -> LatentDiffusionStage:
    """The stage, with what is not trained frozen, and the ways to compute that the config asks for."""
    small = is_small(sum(weight.numel() for weight in text.parameters()))
    beside = bool(config.lora.rank) or config.distill_from is not None or config.controls.train_only
    train_text = not frozen and small and not beside
    if train_text:
        text.tempo = None  # usual tempos are read from embeddings that change now
    text = text.train() if train_text else text.eval().requires_grad_(False)
    if config.lora.rank:
        from mousai.training.stages.latent_diffusion.adapters import add_adapters

        model.requires_grad_(False)
        add_adapters(model.net, config.lora)
    if config.controls.train_only:
        train_controls_only(model, config.controls.channels)
    model.net.set_checkpointing(config.loop.activation_checkpointing)
    if config.loop.compile:
        model.net.compile()
    if config.loop.cuda_graph:
        use_cuda_graphs(model.net)
    if config.distill_from is not None:
        teacher = load_latent_diffusion(teacher_folder(config))
        return DistillationStage(model.train(), teacher, text, autoencoder, config)
    return LatentDiffusionStage(model.train(), text, autoencoder, config, train_text=train_text)


def _beside(stage: LatentDiffusionStage, config: LatentDiffusionTrainingConfig) -> dict[str, dict[str, str]]:
    """Fingerprints of what each step reads and no checkpoint holds: a teacher, and a text encoder that stays."""
    found: dict[str, dict[str, str]] = {}
    if config.distill_from is not None:
        found["distill_from"] = {"latent_diffusion": fingerprint(stage.beside("teacher").state_dict())}
    if stage.text is None and stage.model.config.net.context_features:
        found["text" if config.start_from is None else "start_from"] = {
            "text_encoder": fingerprint(stage.beside("text").state_dict())
        }
    return found


def _build_resident(config: LatentDiffusionTrainingConfig, start: Path | None, stage_1: Path) -> Experiment:
    """A run whose songs lie on the device."""
    if start is None:
        raise UserError("loop.resident", True, "needs --from, a model to start from")
    autoencoder = load_autoencoder(stage_1)
    model = _started(start, config)
    text = T5TextEncoder.load(start)
    stage = _stage(config, model, text, autoencoder, frozen=False)
    controls = _controls_read(model.config, config)
    data, close = resident_latents(config, autoencoder, stage_1, controls=controls)
    stage.resident = data
    if stage.text is not None:
        drawn = drawn_captions(data.metadata, seed=config.loop.seed)
        keep_vocabulary(text, drawn, Path(config.out) / VOCABULARY)
    rng = np.random.default_rng(0)
    captions = [caption_of(fields, rng) for fields in data.metadata[: config.logging.listen_count]]
    stage.prompts = config.logging.prompts or captions
    sizes = stage.model.config
    return Experiment(
        stage=stage,
        train=None,
        validation=None,
        config=sizes,
        files=len(data),
        beside=_beside(stage, config),
        resident=True,
        close=close,
    )


def _started(start: Path, config: LatentDiffusionTrainingConfig) -> LatentDiffusion:
    """The model that a run starts from, with the inputs that it is to get.

    Only a teacher can say what guidance does to music that is new. So without one a distilled model is trained, and
    then sampled, as one that reads no guidance scales.
    """
    model = load_latent_diffusion(start)
    if config.distill_from is not None:
        return with_guidance_inputs(model)
    return with_controls(without_guidance_inputs(model), config.controls.channels)


def _with_controls(sizes: LatentDiffusionConfig, config: LatentDiffusionTrainingConfig) -> LatentDiffusionConfig:
    """Sizes with the controls of a run.

    Raises:
        UserError: they are for a model with a frame rate.
    """
    if config.controls.channels and not sizes.frame_rate:
        hint = "need a model that reads tempo, key and lead (frame_rate above 0), such as model=tiny or --from bundled"
        raise UserError("controls.channels", list(config.controls.channels), hint)
    return sizes.with_controls(config.controls.channels)


def _controls_read(sizes: LatentDiffusionConfig, config: LatentDiffusionTrainingConfig) -> ControlConfig | None:
    """How often a model is told its controls; `None` for one without any."""
    return replace(config.controls, channels=sizes.controls) if sizes.controls else None


def _check_controls(songs: FolderSongs) -> None:
    """Read the controls of all songs once, so that a bad row ends a run before it begins; say how many have which."""
    counts = dict.fromkeys(FIELDS.values(), 0)
    for record in songs.records:
        try:
            known = controls_of(record.fields)
        except UserError as error:
            raise UserError(str(record.path), hint=f"its metadata: {error}") from error
        for field in counts:
            counts[field] += getattr(known, field) is not None
    told = ", ".join(f"{field} of {count}" for field, count in counts.items())
    print(f"controls: {told} of {len(songs)} songs", file=sys.stderr)


def _check_channels(sizes: LatentDiffusionConfig, latent: DMAEConfig, config: LatentDiffusionTrainingConfig) -> None:
    found, needed = sizes.net.in_channels, latent.latent_channels
    if found == needed:
        return
    if config.start_from is None and config.model == "tiny":
        raise UserError(
            "model",
            config.model,
            f"writes {found} latent channels, the autoencoder {config.autoencoder} has {needed}; give "
            "model=paper or a config.json",
        )
    raise UserError(
        "model" if config.start_from is None else "start_from",
        config.start_from or config.model,
        f"writes {found} latent channels, the autoencoder {config.autoencoder} has {needed}; name another "
        "--autoencoder",
    )


def _captions(songs: Songs, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [caption_of(record.fields, rng) for record in songs.records[:count]]
