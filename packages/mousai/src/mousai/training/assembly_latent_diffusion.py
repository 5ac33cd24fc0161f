"""From settings to all that a run of stage 2 needs."""

from pathlib import Path

import numpy as np

from mousai.conditioning.text import TextEncoder
from mousai.data.captions import caption_of
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.storage.folders import autoencoder_config, latent_diffusion_config, load_autoencoder, load_latent_diffusion
from mousai.training.assembled import VALIDATION_ITEMS, Assembled, model_folder, sizes_of
from mousai.training.items import LatentCrops
from mousai.training.modules import LatentDiffusionStage
from mousai.training.settings import LatentDiffusionSettings
from mousai.training.small_text import small_text
from mousai.training.songs import Songs, latent_songs, split_songs


def assemble_latent_diffusion(settings: LatentDiffusionSettings) -> Assembled:
    """Build what a run of stage 2 needs; see `mousai.training.assembly`."""
    out = Path(settings.out)
    stage_1 = model_folder(settings.autoencoder, need=["autoencoder"])
    latent = autoencoder_config(stage_1)
    begun = (
        None
        if settings.start_from is None
        else model_folder(settings.start_from, need=["text_encoder", "latent_diffusion"])
    )
    config = latent_diffusion_config(begun) if begun else None
    if config is None and settings.model != "tiny":
        config = sizes_of(LatentDiffusionConfig, settings.model)
    if config is not None and config.net.in_channels != latent.latent_channels:
        raise UserError(
            f"{settings.start_from or f'model={settings.model}'}: its generator writes {config.net.in_channels} latent "
            f"channels, the autoencoder {settings.autoencoder} has {latent.latent_channels}; name another --autoencoder"
        )
    frozen = None if begun or settings.text == "small" else frozen_text(settings.text)
    songs = latent_songs(settings, stage_1, frame_rate=latent.latent_rate)
    if begun:
        text, model = TextEncoder.load(begun), load_latent_diffusion(begun)
    else:
        text = small_text(songs.records, out / "tokenizer", seed=settings.loop.seed) if frozen is None else frozen
        if config is None:
            config = LatentDiffusionConfig.tiny(latent_std=round(songs.std, 4), frame_rate=songs.frame_rate)
            if config.net.in_channels != latent.latent_channels:
                raise UserError(
                    f"model=tiny: writes {config.net.in_channels} latent channels, the autoencoder "
                    f"{settings.autoencoder} has {latent.latent_channels}; give model=paper or a config.json"
                )
        model = LatentDiffusion(config)
    if config is not None and config.net.context_features != text.features:
        raise UserError(
            f"text={settings.text}: gives {text.features} features, the generator reads {config.net.context_features}"
        )
    # A big encoder that was not trained along is not spoilt with a small corpus either.
    small = sum(weight.numel() for weight in text.parameters()) < 20e6
    train_text = frozen is None and small and not settings.lora.rank
    text = text.train() if train_text else text.eval().requires_grad_(False)
    if settings.lora.rank:
        from mousai.training.lora import add_adapters

        model.requires_grad_(False)
        add_adapters(model.net, settings.lora)
    model.net.set_checkpointing(settings.loop.checkpointing)
    if settings.loop.compile:
        model.net.compile()
    stage = LatentDiffusionStage(model.train(), text, load_autoencoder(stage_1), settings, train_text=train_text)
    train, validation = split_songs(songs, settings)
    stage.prompts = settings.watching.prompts or _captions(validation or train, settings.watching.listen_count)
    return Assembled(
        stage=stage,
        train=LatentCrops(train, settings.crops, seed=settings.loop.seed),
        validation=LatentCrops(validation, settings.crops, seed=settings.loop.seed, count=VALIDATION_ITEMS)
        if validation
        else None,
        config=model.config,
        files=len(songs),
    )


def frozen_text(name: str) -> TextEncoder:
    """A T5 encoder that is not trained: a folder, or OWNER/NAME@COMMIT of the hub."""
    model, at, revision = name.partition("@")
    if not Path(model).is_dir() and not at:
        raise UserError(f"text={name}: must be small, a folder, or OWNER/NAME@COMMIT of the hub, the commit pinned")
    return TextEncoder.from_hub(model, revision=revision or "main")


def _captions(songs: Songs, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [caption_of(record.fields, rng) for record in songs.records[:count]]
