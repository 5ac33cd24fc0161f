"""Training of stage 2, and of the small text encoder along with it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dmae import DMAEConfig
from mousai.checkpoint import load_config, load_state, save_module
from mousai.data.captions import caption_of
from mousai.data.records import Record
from mousai.errors import UserError
from mousai.latent import LatentDiffusion
from mousai.latent_config import LatentDiffusionConfig
from mousai.text import TextEncoder, load_tokenizer
from mousai.training.latents import encode_folder, latent_batches
from mousai.training.loop import TrainSettings, train


def train_generator(
    data: Path,
    autoencoder: Path,
    out: Path,
    settings: TrainSettings,
    *,
    frames: int = 256,
    batch: int = 16,
    seed: int = 0,
    offsets: int = 2,
    drop: float = 0.1,
    start_from: Path | None = None,
    latents: Path | None = None,
) -> None:
    """Train a generator of the tiny size and its text encoder on a captioned folder; writes a model folder to `out`.

    Args:
        data: folder of music and what is known of it, see `mousai.data.records`.
        autoencoder: folder of the trained stage 1.
        out: of the run; an interrupted run goes on.
        settings: time and rate.
        frames: latent frames per crop.
        batch: crops per step.
        seed: of everything drawn.
        offsets: encodings of each song, see `encode_folder`.
        drop: chance of training an item without its prompt.
        latents: cache of the songs' latents, as `mousai data encode` makes it; by default one in `out`.
        start_from: model folder whose generator, text encoder and tokenizer to go on from, such as the bundled one.

    Raises:
        UserError: the data, the autoencoder's folder or the run's state is not as needed; one line says what.
    """
    torch.manual_seed(seed)
    channels = DMAEConfig.from_dict(load_config(autoencoder)).latent_channels
    if start_from is not None:  # refused before the songs are encoded
        begun = LatentDiffusionConfig.from_dict(load_config(start_from / "generator"))
        if begun.net.in_channels != channels:
            raise UserError(f"{start_from}: its generator is of another autoencoder than {autoencoder}")
    songs = encode_folder(autoencoder, data, out / "latents" if latents is None else latents, offsets=offsets)
    songs = songs.at_least(frames + 1)
    if start_from is not None:
        text = TextEncoder.load(start_from).train()
        generator = LatentDiffusion(begun)
        load_state(start_from / "generator", generator)
    else:
        text = small_text(songs.records, out / "tokenizer", seed=seed)
        config = LatentDiffusionConfig.tiny(latent_std=round(songs.std, 4), frame_rate=songs.frame_rate)
        generator = LatentDiffusion(config)
    model = nn.ModuleDict({"text": text, "generator": generator})
    get = latent_batches(songs, caption_of, frames=frames, batch=batch, seed=seed)

    def step_loss(step: int) -> tuple[Tensor, dict[str, float]]:
        drawn = get(step)
        text_embedding = text(drawn.captions, keep_padding=generator.config.attend_to_padding)
        return generator.loss(drawn.latents, text_embedding, stated=drawn.stated, starts=drawn.starts, drop=drop), {}

    def save() -> None:
        save_module(out / "generator", generator, generator.config.to_dict())
        text.save(out)

    train(model, step_loss, settings, out, save_model=save, name="generator")


def small_text(records: Sequence[Record], made: Path, *, seed: int) -> TextEncoder:
    """An untrained text encoder with the tokenizer in the folder `made`, which is made from captions if it is missing.

    Made once for a run: another tokenizer would number its tokens differently from those that were trained.
    """
    rng = np.random.default_rng((seed, 3))
    tokenizer = load_tokenizer(made) if made.exists() else None
    captions = (caption_of(record.fields, rng) for record in records for _ in range(8))
    text = TextEncoder.small(captions, tokenizer=tokenizer)
    if tokenizer is None:
        text.tokenizer.save_pretrained(made)
    return text
