"""A model folder -> a state dict in the layout of the authors' library."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from dmae import DMAE, DMAEConfig
from mousai.convert.adp_layout import buffers_of, layout_of, with_aliases
from mousai.convert.rules import LayoutError, write_state
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.storage.folders import describe, load_autoencoder, load_latent_diffusion
from mousai.storage.weights import save_tensors


def export_model(
    folder: Path, out: Path, *, part: str | None = None, compact: bool = False, dtype: torch.dtype | None = None
) -> dict[str, str]:
    """Write one part of a model as a safetensors file that the authors' library loads.

    Args:
        folder: model folder.
        out: file to write.
        part: "autoencoder" or "latent_diffusion"; may be left out where the folder has one of them.
        compact: write the U-Net under one of its three names; `load_state_dict(..., strict=False)` fills all three.
        dtype: to store the weights in; `None` keeps theirs.

    Returns:
        The settings that an import of the file has to be given.

    Raises:
        UserError: there is no such part, or it has what their layout has not; nothing is written.
    """
    described = describe(folder)
    there = {"autoencoder": described.autoencoder, "latent_diffusion": described.latent_diffusion}
    possible = [name for name, config in there.items() if config is not None]
    if part is None and len(possible) > 1:
        raise UserError(folder, hint=f"holds {' and '.join(possible)}; give --part with one of them")
    part = possible[0] if part is None else part
    config = there.get(part)
    if config is None:
        raise UserError("part", part, f"{folder} holds {' and '.join(possible)}")
    try:
        state = state_of(load_autoencoder(folder) if part == "autoencoder" else load_latent_diffusion(folder))
    except LayoutError as error:
        raise LayoutError(folder, hint=str(error)) from error
    save_tensors(out, state if compact else with_aliases(state), dtype=dtype)
    return settings_of(config)


def state_of(model: DMAE | LatentDiffusion) -> dict[str, Tensor]:
    """Their state dict of a model of ours, the U-Net under its first name.

    Raises:
        LayoutError: the model has what theirs have not.
    """
    layout = layout_of(model.config)
    ours: Mapping[str, Tensor] = model.state_dict()
    state = write_state(ours, layout.rules)
    return {**state, **buffers_of(model.config)} if isinstance(model, DMAE) else state


def settings_of(config: DMAEConfig | LatentDiffusionConfig) -> dict[str, str]:
    """Settings of a model that their file does not tell, for `--set`."""
    net = config.decoder if isinstance(config, DMAEConfig) else config.net
    settings = {}
    if any(level.attention or level.cross_attention for level in net.levels):
        settings["attention_heads"] = str(net.attention_heads)
    if any(level.attention != level.cross_attention and level.channels == net.context_features for level in net.levels):
        settings["cross_attentions"] = ",".join(str(int(level.cross_attention)) for level in net.levels)
    if net.groups != 8:
        settings["resnet_groups"] = str(net.groups)
    if not isinstance(config, DMAEConfig):
        return settings
    spectrogram = config.require_spectrogram()
    settings["bottleneck"] = config.latent_bound or "none"
    if config.transform_window not in (None, config.transform_size):
        settings["transform_stride"] = str(config.transform_size)
    if config.require_encoder().groups != 8:
        settings["encoder_groups"] = str(config.require_encoder().groups)
    if config.sample_rate != 48000:
        settings["sample_rate"] = str(config.sample_rate)
    if spectrogram.mel_channels:
        if spectrogram.mel_sample_rate not in (None, config.sample_rate):
            settings["mel_sample_rate"] = str(spectrogram.mel_sample_rate)
        if spectrogram.mel_normalize:
            settings["mel_normalize"] = "true"
        if spectrogram.log_floor is not None:
            settings["mel_normalize_log"] = "true"
    else:
        if spectrogram.win_length not in (None, spectrogram.n_fft):
            settings["stft_num_fft"] = str(spectrogram.n_fft)
        if spectrogram.log_floor is not None:
            settings["use_log"] = "true"
    return settings
