"""From settings to all that a run needs: the stage, its items, and the sizes of its model."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from dmae import DMAE, DMAEConfig, fit_sigma, initialise_from_data
from mousai.audio import read_audio
from mousai.checkpoint import load_config
from mousai.data.captions import caption_of
from mousai.data.fetching import Cache, default_folder
from mousai.data.records import song_name
from mousai.data.shard_set import ShardSet, is_shards, open_shards
from mousai.errors import UserError
from mousai.file_parts import FilePart
from mousai.folders import autoencoder_config, describe, generator_config, load_autoencoder, load_generator
from mousai.folders import model_folder as folder_of
from mousai.latent import LatentDiffusion
from mousai.latent_config import LatentDiffusionConfig
from mousai.text import TextEncoder
from mousai.training.audio_files import audio_files
from mousai.training.items import AutoencoderCrops, GeneratorCrops, held_out
from mousai.training.latents import Captioned, encode_folder
from mousai.training.modules import AutoencoderStage, GeneratorStage, Sound, Stage
from mousai.training.phases import freeze_other_part
from mousai.training.settings import AutoencoderSettings, Common, GeneratorSettings
from mousai.training.sharded import ShardedFiles, ShardedSongs, audio_shards, latent_shards
from mousai.training.small_text import small_text

VALIDATION_ITEMS = 64
Songs = Captioned | ShardedSongs
_SAMPLE = 120  # crops from which a prior is begun
_FAR = 10**9  # number of the first of these, which no run comes to


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """What a run needs.

    Args:
        stage: the model and its step.
        train: items to learn from, by number.
        validation: items to validate on, None where nothing is held out.
        config: sizes of the model, which have to stay as they are when the run goes on.
        files: how many the data has.
    """

    stage: Stage
    train: Dataset[dict[str, Any]]
    validation: Dataset[dict[str, Any]] | None
    config: DMAEConfig | LatentDiffusionConfig
    files: int


def assemble(settings: Common, *, fresh: bool) -> Assembled:
    """Build what a run needs.

    Args:
        settings: of either stage.
        fresh: whether the run begins; one that goes on has its weights in a checkpoint.

    Raises:
        UserError: a folder, a size or the data is not as needed; one line says what would do.
    """
    torch.manual_seed(settings.loop.seed)
    if isinstance(settings, AutoencoderSettings):
        return _autoencoder(settings, fresh=fresh)
    assert isinstance(settings, GeneratorSettings)
    return _generator(settings)


def model_folder(name: str, *, need: Sequence[str]) -> Path:
    """A model folder, or "bundled", that has some parts.

    Raises:
        UserError: there is none, or it lacks one.
    """
    folder = folder_of(None if name == "bundled" and not Path(name).exists() else name)
    describe(folder, need=need)
    return folder


def _autoencoder(settings: AutoencoderSettings, *, fresh: bool) -> Assembled:
    begun = None if settings.start_from is None else model_folder(settings.start_from, need=["autoencoder"])
    config = autoencoder_config(begun) if begun else _sizes(DMAEConfig, settings.model)
    if (config.prior is None) != (settings.phase == "all"):
        way = "phase=all" if config.prior is None else "phase=latent and then, from its model, phase=decoder"
        what = "without" if config.prior is None else "with"
        raise UserError(f"phase={settings.phase}: a model {what} a prior is trained by {way}")
    kept, apart = _sounds(settings, seconds=settings.crops.samples / config.sample_rate)
    model = load_autoencoder(begun) if begun else DMAE(config)
    crops = AutoencoderCrops(kept, config, settings.crops, seed=settings.loop.seed, latent_noise=settings.latent_noise)
    if fresh and settings.phase != "all":
        _begin_prior(model, crops, settings)
    if settings.phase != "all":
        freeze_other_part(model, phase=settings.phase)
    model.decoder.set_checkpointing(settings.loop.checkpointing)
    if settings.loop.compile:
        model.decoder.compile()
    stage = AutoencoderStage(model.train(), settings)
    if settings.watching.listen_every:
        heard = apart if len(apart) else kept
        count = settings.watching.listen_count
        first = heard.first(count) if isinstance(heard, ShardedFiles) else heard[:count]
        stage.originals = _originals(first, config, settings)
    validation = AutoencoderCrops(apart, config, settings.crops, seed=settings.loop.seed, count=VALIDATION_ITEMS)
    return Assembled(
        stage=stage,
        train=crops,
        validation=validation if len(apart) else None,
        config=config,
        files=len(kept) + len(apart),
    )


def _sounds(
    settings: AutoencoderSettings, *, seconds: float
) -> tuple[list[Path] | ShardedFiles, list[Path] | ShardedFiles]:
    """Files to learn from, and those that are held out."""
    share = settings.watching.validation_share
    if is_shards(settings.data):
        shards = _shards(settings)
        audio_shards(shards)
        held = np.array(held_out(shards.names, share))
        places = [np.flatnonzero(held == is_out) for is_out in (False, True)]
        kept, apart = (ShardedFiles(shards, these, seed=settings.loop.seed, seconds=seconds) for these in places)
        return kept, apart
    files = audio_files([Path(settings.data)])
    out = held_out([path.relative_to(settings.data).as_posix() for path in files], share)
    pairs = list(zip(files, out, strict=True))
    return [path for path, is_out in pairs if not is_out], [path for path, is_out in pairs if is_out]


def _shards(settings: Common) -> ShardSet:
    folder = default_folder() if settings.loop.shards is None else Path(settings.loop.shards)
    return open_shards(settings.data, cache=Cache(folder, settings.loop.shards_gb))


def _begin_prior(model: DMAE, crops: AutoencoderCrops, settings: AutoencoderSettings) -> None:
    """The parts of a prior that need no training, from a sample of the data."""

    def sample() -> Any:
        from tqdm import tqdm

        for number in tqdm(range(_FAR, _FAR + _SAMPLE), desc="hearing a sample", unit="crop", file=sys.stderr):
            wave: Tensor = crops[number]["wave"]
            yield wave[None]

    if settings.phase == "latent" and settings.start_from is None:
        found = initialise_from_data(model, sample())
        print(f"principal components hold {found['explained']:.1%} of the weighted variance", file=sys.stderr)
    if settings.phase == "decoder":
        fitted = fit_sigma(model, sample())
        print(
            f"negative log-likelihood under the prior: {fitted['before']:.3f} -> {fitted['after']:.3f}", file=sys.stderr
        )


def _originals(files: Sequence[Path | FilePart], config: DMAEConfig, settings: AutoencoderSettings) -> list[Sound]:
    found: list[Sound] = []
    for path in files:
        try:
            wave = read_audio(
                path,
                sample_rate=config.sample_rate,
                channels=config.audio_channels,
                duration=settings.watching.listen_seconds,
            )
        except UserError as error:
            print(f"mousai: not listened to: {error}", file=sys.stderr)
        else:
            found.append(
                Sound(
                    Path(str(path)).stem, torch.from_numpy(np.ascontiguousarray(wave.clip(-1, 1))), config.sample_rate
                )
            )
    return found


def _generator(settings: GeneratorSettings) -> Assembled:
    frames, out = settings.crops.frames, Path(settings.out)
    stage_1 = model_folder(settings.autoencoder, need=["autoencoder"])
    latent = autoencoder_config(stage_1)
    begun = (
        None if settings.start_from is None else model_folder(settings.start_from, need=["text_encoder", "generator"])
    )
    config = generator_config(begun) if begun else None
    if config is None and settings.model != "tiny":
        config = _sizes(LatentDiffusionConfig, settings.model)
    if config is not None and config.net.in_channels != latent.latent_channels:
        raise UserError(
            f"{settings.start_from or f'model={settings.model}'}: its generator writes {config.net.in_channels} latent "
            f"channels, the autoencoder {settings.autoencoder} has {latent.latent_channels}; name another --autoencoder"
        )
    frozen = None if begun or settings.text == "small" else frozen_text(settings.text)
    songs: Captioned | ShardedSongs
    if is_shards(settings.data):
        songs = latent_shards(
            _shards(settings),
            stage_1 / "autoencoder",
            offsets=settings.crops.offsets,
            frame_rate=latent.sample_rate / latent.hop_length,
        )
    else:
        songs = encode_folder(
            stage_1 / "autoencoder",
            Path(settings.data),
            out / "latents" if settings.crops.latents is None else Path(settings.crops.latents),
            offsets=settings.crops.offsets,
        )
    if settings.crops.short == "leave":
        songs = songs.at_least(frames)
    if begun:
        text, model = TextEncoder.load(begun), load_generator(begun)
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
    stage = GeneratorStage(model.train(), text, load_autoencoder(stage_1), settings, train_text=train_text)
    train, validation = _split(songs, Path(settings.data), settings.watching.validation_share)
    stage.prompts = settings.watching.prompts or _captions(validation or train, settings.watching.listen_count)
    return Assembled(
        stage=stage,
        train=GeneratorCrops(train, settings.crops, seed=settings.loop.seed),
        validation=GeneratorCrops(validation, settings.crops, seed=settings.loop.seed, count=VALIDATION_ITEMS)
        if validation
        else None,
        config=model.config,
        files=len(songs),
    )


def _sizes(kind: Any, name: str) -> Any:
    if name in ("tiny", "paper"):
        return getattr(kind, name)()
    path = Path(name)
    if not path.exists():
        raise UserError(f"model={name}: must be tiny, paper, or the path of a config.json")
    try:
        return kind.from_dict(load_config(path))
    except ValueError as error:
        raise UserError(f"model={name}: {error}") from error


def frozen_text(name: str) -> TextEncoder:
    """A T5 encoder that is not trained: a folder, or OWNER/NAME@COMMIT of the hub."""
    model, at, revision = name.partition("@")
    if not Path(model).is_dir() and not at:
        raise UserError(f"text={name}: must be small, a folder, or OWNER/NAME@COMMIT of the hub, the commit pinned")
    return TextEncoder.from_hub(model, revision=revision or "main")


def _split(songs: Songs, data: Path, share: float) -> tuple[Songs, Songs | None]:
    names = songs.names if isinstance(songs, ShardedSongs) else [song_name(record, data) for record in songs.records]
    out = held_out(names, share)
    apart = [song for song, is_out in enumerate(out) if is_out]
    kept = [song for song, is_out in enumerate(out) if not is_out]
    return songs.chosen(kept), songs.chosen(apart) if apart else None


def _captions(songs: Captioned | ShardedSongs, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [caption_of(record.fields, rng) for record in songs.records[:count]]
