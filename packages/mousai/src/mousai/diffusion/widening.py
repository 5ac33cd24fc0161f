"""A latent diffusion with more inputs than the one it starts from, and as yet with the same output.

New inputs, the channels of a control or the guidance scales, get weights of zero wherever they are read: whatever they
hold, the first prediction is the older model's. So nothing that it has learned is lost. `without_guidance_inputs` is
the way back.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.control_signal import control_channels
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from unet1d import Injection

_GLOBAL = "net.global_embedding.project.weight"  # whose last columns read the guidance scales


@torch.no_grad()
def with_controls(model: LatentDiffusion, names: Sequence[str]) -> LatentDiffusion:
    """Return a model with these controls beside those that it has; the model itself where it has them all.

    Args:
        model: the older model; not changed.
        names: some of `mousai.conditioning.control_signal.CONTROLS`.

    Raises:
        ValueError: a name is unknown, or the model has no frame rate.
    """
    config = model.config.with_controls(names)
    if config == model.config:
        return model
    wider = LatentDiffusion(config).to(model.device).train(model.training)
    old, new = model.state_dict(), wider.state_dict()
    widened = {f"{name}.merge.weight" for name, part in wider.named_modules() if isinstance(part, Injection)}
    columns = _columns(config, model.config.controls)
    for key, weight in new.items():
        if key not in widened:
            weight.copy_(old[key])
            continue
        own = weight.shape[1] - config.inject_width  # of the block's activations, which come first
        weight.zero_()
        weight[:, :own] = old[key][:, :own]
        weight[:, own + columns] = old[key][:, own:]
    return wider


@torch.no_grad()
def with_guidance_inputs(model: LatentDiffusion) -> LatentDiffusion:
    """Return a model that reads the guidance scales too; the model itself where it does.

    Args:
        model: the older model; not changed.

    Raises:
        ValueError: its net has no global condition, by which they come in.
    """
    if model.reads_guidance:
        return model
    return _with_scales_of(model.config.with_guidance_inputs(), model)


@torch.no_grad()
def without_guidance_inputs(model: LatentDiffusion) -> LatentDiffusion:
    """Return what a distilled model is without guidance, for training and for guidance by several evaluations.

    No guidance is a scale input of zero, so its columns may go: the prediction is that of the model with these scales.
    It is without guidance as far as the model has learned what these mean.

    Args:
        model: the model; not changed, and itself returned where it reads no guidance scales, as one of your own may.
    """
    if not getattr(model, "reads_guidance", False):
        return model
    return _with_scales_of(model.config.without_guidance_inputs(), model)


def _with_scales_of(config: LatentDiffusionConfig, model: LatentDiffusion) -> LatentDiffusion:
    """A model of a config that differs in the scale inputs alone: new ones get weights of zero, old ones go."""
    old = model.state_dict()
    other = LatentDiffusion(config).to(model.device, old[_GLOBAL].dtype).train(model.training)
    for key, weight in other.state_dict().items():
        if key == _GLOBAL:
            shared = min(weight.shape[1], old[key].shape[1])
            weight.zero_()
            weight[:, :shared] = old[key][:, :shared]
        else:
            weight.copy_(old[key])
    return other


def train_controls_only(model: LatentDiffusion, names: Sequence[str]) -> None:
    """Freeze a model but for the weights that read some controls; where these are not told, it stays what it was.

    Weights of other channels in the same matrix get a gradient of zero. So an optimizer must not decay weights.

    Args:
        model: model that has these controls; changed in place.
        names: some of `mousai.conditioning.control_signal.CONTROLS`.
    """
    model.requires_grad_(False)
    columns = _columns(model.config, names)[ATTRIBUTE_CHANNELS:]
    for part in model.modules():
        if isinstance(part, Injection):
            weight = part.merge.weight
            reads = torch.zeros(weight.shape[1], dtype=torch.bool)
            reads[weight.shape[1] - model.config.inject_width + columns] = True
            weight.requires_grad_(True)
            weight.register_hook(lambda gradient, reads=reads: gradient * reads.to(gradient.device))


def _columns(config: LatentDiffusionConfig, controls: Sequence[str]) -> Tensor:
    """Places of the attributes and of some controls among the channels of the injected signal."""
    places, first = list(range(ATTRIBUTE_CHANNELS)), ATTRIBUTE_CHANNELS
    for name in config.controls:
        width = control_channels([name], latent_channels=config.net.in_channels)
        if name in controls:
            places += range(first, first + width)
        first += width
    return torch.tensor(places)
