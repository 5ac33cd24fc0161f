"""State dicts of audio-diffusion-pytorch 0.1.x: what model one is of, its sizes, and every key both ways.

DiffusionAE      net │ diffusion.net │ sampler.net (one module thrice)   encoder
DiffusionModel   net │ diffusion.net │ sampler.net
net              [learned transform: blocks.0 encode, blocks.1 decode, blocks.2] UNetV0 with time conditioning
behind the time  [text: blocks.0 T5, blocks.1] [guidance: blocks.0 the embedding for no prompt, blocks.1] net.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from dmae import DMAEConfig
from mousai.convert.encoder_layout import (
    BUFFERS,
    encoder_rules,
    infer_encoder,
    infer_spectrogram,
    spectrogram_buffers,
)
from mousai.convert.prefixes import ALIASES
from mousai.convert.rules import LayoutError, Rule
from mousai.convert.settings import Settings
from mousai.convert.unet_layout import Shapes, UNetPlace, infer_unet, unet_rules
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.errors import UserError
from unet1d import UNet1dConfig


@dataclass(frozen=True)
class Layout:
    """A state dict of theirs, understood.

    Args:
        config: the sizes of our model.
        rules: one for each of our tensors.
        ignored: keys that hold nothing trained.
        text: prefix of the T5 text encoder in it, or "".
    """

    config: DMAEConfig | LatentDiffusionConfig
    rules: tuple[Rule, ...]
    ignored: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class _Net:
    """Places of the parts of `net`."""

    place: UNetPlace
    transform: str = ""  # prefix of the learned transform
    text: str = ""  # prefix of the T5 model
    null: str = ""  # key of the embedding for no prompt


# ---- theirs -> what it is


def recognise(state: Mapping[str, Tensor], settings: Settings) -> Layout:
    """Recognise the model that a stripped state dict is of.

    Raises:
        LayoutError: the keys are not as in this layout, or the file leaves something open; says what to give.
    """
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    for key, shape in shapes.items():
        if not shape or 0 in shape:
            raise LayoutError(f"{key} has shape {list(shape)}, expected a tensor with numbers along an axis or more")
    net = _find_net(shapes)
    encodes = any(key.startswith("encoder.") for key in state)
    embedding = net.null or (f"{net.text}shared.weight" if net.text else "")
    context = shapes[embedding][-1] if shapes.get(embedding) else None
    config = infer_unet(shapes, net.place, settings, context=context, may_read_text=not encodes)
    if encodes:
        if net.text or net.null or config.context_features:
            raise LayoutError("has an encoder and a text embedding; a DiffusionAE with text is not known here")
        return _autoencoder(state, shapes, net, config, settings)
    if net.transform:
        raise LayoutError(
            "is a DiffusionModel on a learned transform; only a DiffusionAE with one can be imported "
            f"(net.{net.transform.removeprefix('net.')}blocks.0.weight)"
        )
    try:
        model = LatentDiffusionConfig(
            net=config,
            max_tokens=shapes[net.null][0] if net.null else 0,
            attend_to_padding=bool(config.context_features),
        )
    except UserError:
        raise
    except ValueError as error:
        raise LayoutError(f"the sizes in the file do not fit together: {error}") from error
    return _latent_diffusion_layout(model, net)


def _find_net(shapes: Shapes) -> _Net:
    transform = "net." if "net.blocks.2.blocks.0.weights" in shapes else ""
    time = "net.blocks.2." if transform else "net."
    inner, text, null = f"{time}blocks.2.", "", ""
    if any(key.startswith(f"{inner}blocks.0.transformer.") for key in shapes):
        text, inner = f"{inner}blocks.0.transformer.", f"{inner}blocks.1."
    if f"{inner}blocks.0.blocks.0.weight" in shapes:
        null, inner = f"{inner}blocks.0.blocks.0.weight", f"{inner}blocks.1."
    if f"{inner}net.block.blocks.0.block.weight" not in shapes:
        raise LayoutError(
            f"lacks {inner}net.block.blocks.0.block.weight, where the U-Net of audio-diffusion-pytorch 0.1.x begins"
        )
    return _Net(UNetPlace(time, f"{inner}net."), transform, text, null)


def _autoencoder(
    state: Mapping[str, Tensor], shapes: Shapes, net: _Net, decoder: UNet1dConfig, settings: Settings
) -> Layout:
    inside = {key.removeprefix("encoder."): tensor for key, tensor in state.items() if key.startswith("encoder.")}
    sizes = infer_encoder({key: tuple(tensor.shape) for key, tensor in inside.items()}, settings)
    audio_channels, patch, window, filters = decoder.in_channels, 1, 1, decoder.in_channels
    if net.transform:
        weight = shapes.get(f"{net.transform}blocks.0.weight", ())
        if len(weight) != 3:
            raise LayoutError(f"lacks {net.transform}blocks.0.weight of the learned transform")
        filters, audio_channels, window = weight
        patch = settings.whole("transform_stride", default=window)
        if patch > window or (window - patch) % 2:
            raise UserError(
                "settings",
                f"transform_stride={patch}",
                f"the window of the learned transform is {window}; the stride must be that or an even number less "
                "(theirs loses or gains samples at any other)",
            )
    if len(decoder.inject_channels) != 1:
        raise LayoutError(f"takes a latent in at {len(decoder.inject_channels)} depths; a DiffusionAE has one")
    (depth, latent_channels), *_ = decoder.inject_channels.items()
    if latent_channels != sizes.out_channels:
        raise LayoutError(f"the encoder gives {sizes.out_channels} channels, the U-Net takes in {latent_channels}")
    hop, rest = divmod(patch * decoder.factor_at(depth), sizes.frames)
    if rest:
        raise LayoutError(
            f"one position at depth {depth} is {patch * decoder.factor_at(depth)} samples, which is no multiple of the "
            f"encoder's {sizes.frames} frames"
        )
    sample_rate = settings.whole("sample_rate", default=48000)
    bound = settings.choice("bottleneck", ("tanh", "none"))
    try:
        spectrogram = infer_spectrogram(inside, sizes, audio_channels=audio_channels, hop_length=hop, settings=settings)
        config = DMAEConfig(
            sample_rate=sample_rate,
            audio_channels=audio_channels,
            latent_channels=latent_channels,
            spectrogram=spectrogram,
            encoder=sizes.encoder,
            latent_bound="tanh" if bound == "tanh" else None,
            transform="patches" if net.transform else "waveform",
            transform_size=patch,
            transform_window=None if window == patch else window,
            transform_filters=filters,
            decoder=decoder,
            latent_depth=depth,
        )
    except UserError:
        raise
    except ValueError as error:
        raise LayoutError(f"the sizes in the file do not fit together: {error}") from error
    return _autoencoder_layout(config, net)


# ---- what it is -> every key


def layout_of(config: DMAEConfig | LatentDiffusionConfig, *, text: bool = False) -> Layout:
    """Every key that a model of ours has in their layout; `text`: its T5 encoder stands in it too.

    Raises:
        LayoutError: the model has what theirs have not; names it.
    """
    if isinstance(config, DMAEConfig):
        if config.n_bands or config.prior or config.encoder is None or config.transform in ("mdct", "own"):
            raise LayoutError("bands, a prior, an MDCT or a part of one's own has no place in their layout")
        transform = "net." if config.transform == "patches" else ""
        time = "net.blocks.2." if transform else "net."
        return _autoencoder_layout(config, _Net(UNetPlace(time, f"{time}blocks.2.net."), transform))
    for key, given, wanted in (("frame_rate", config.frame_rate, 0.0), ("latent_std", config.latent_std, 1.0)):
        if given != wanted:
            raise LayoutError(f"their latent diffusion has no {key}={given:g}; only {key}={wanted:g} can be written")
    inner, text_prefix, null = "net.blocks.2.", "", ""
    if text:
        text_prefix, inner = f"{inner}blocks.0.transformer.", f"{inner}blocks.1."
    if config.max_tokens:
        null, inner = f"{inner}blocks.0.blocks.0.weight", f"{inner}blocks.1."
    return _latent_diffusion_layout(config, _Net(UNetPlace("net.", f"{inner}net."), text=text_prefix, null=null))


def _autoencoder_layout(config: DMAEConfig, net: _Net) -> Layout:
    encoder = config.require_encoder()
    first = encoder.widths[0] // encoder.patch_size
    rules = [
        *unet_rules(config.decoder, net.place, "decoder."),
        *encoder_rules(encoder, "encoder.", "encoder.", adapt=config.spectrogram_channels != first),
    ]
    if net.transform:
        samples = (("c", config.audio_channels),)
        rules += [
            Rule(f"{net.transform}blocks.0.weight", "transform.encode.weight", "o c k -> o (c k)", samples),
            Rule(f"{net.transform}blocks.1.weight", "transform.decode.weight", "f c k -> (c k) f", samples),
        ]
    return Layout(config, tuple(rules), tuple(f"encoder.{key}" for key in BUFFERS))


def _latent_diffusion_layout(config: LatentDiffusionConfig, net: _Net) -> Layout:
    rules = list(unet_rules(config.net, net.place, "net."))
    if net.null:
        rules.append(Rule(net.null, "null_embedding"))
    return Layout(config, tuple(rules), text=net.text)


def buffers_of(config: DMAEConfig) -> dict[str, Tensor]:
    """Buffers beside the weights of an autoencoder in their layout."""
    found = spectrogram_buffers(config.require_spectrogram(), sample_rate=config.sample_rate)
    return {f"encoder.{key}": tensor for key, tensor in found.items()}


def with_aliases(state: Mapping[str, Tensor], *, prefix: str = "") -> dict[str, Tensor]:
    """Their whole state dict: `net` under all its names, each a tensor of its own, and `prefix` before every key."""
    full = {}
    for key, tensor in state.items():
        names = [key] if not key.startswith("net.") else [f"{alias}{key.removeprefix('net.')}" for alias in ALIASES]
        for name in names:
            full[prefix + name] = tensor.clone()
    return full


def without_text(layout: Layout, state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Split a state dict into the latent diffusion's tensors and those of the T5 model, whose prefix is taken off."""
    if not layout.text:
        return dict(state), {}
    own = {key: tensor for key, tensor in state.items() if not key.startswith(layout.text)}
    text = {key.removeprefix(layout.text): tensor for key, tensor in state.items() if key.startswith(layout.text)}
    return own, text
