"""Prefixes of the keys in a state dict of audio-diffusion-pytorch; the three names of its U-Net become one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mousai.convert.rules import LayoutError
from mousai.errors import UserError

ALIASES = ("net.", "diffusion.net.", "sampler.net.")
"""One module under three names; a file that keeps a shared tensor once may have any of them."""

_TWICE = (
    (".blocks.1.blocks.1.0.", ".blocks.1.blocks.0.0."),  # the layers behind the time
    (".transformer.encoder.embed_tokens.", ".transformer.shared."),  # T5's tokens
)

_ROOT = re.compile(r"^(?P<root>.*?)(?:net|diffusion\.net|sampler\.net)\.(?:blocks\.2\.)?blocks\.0\.weights$")
_APPENDING = re.compile(r"(?:^|\.)net\.blocks\.0\.blocks\.0\.weights$")


@dataclass(frozen=True)
class Stripped:
    """A state dict under plain names.

    Args:
        state: keys of one `DiffusionModel`, `net` under its first name only.
        prefix: prefix that every key had.
        left_out: keys outside of a prefix that the user named.
    """

    state: dict[str, Tensor]
    prefix: str
    left_out: list[str] = field(default_factory=list)


def strip(state: Mapping[str, Tensor], *, prefix: str | None = None) -> Stripped:
    """Take off the prefix that a wrapper put before every key, and bring the three names of `net` to one.

    Args:
        state: as read.
        prefix: prefix of one of several models in the file, such as "model_ema.ema_model."; `None`: there is one.

    Raises:
        LayoutError: no such model is in there, or several; or copies of one tensor differ.
    """
    roots = _roots(state)
    if not roots:
        raise LayoutError(_not_of_this_layout(state))
    if prefix is None:
        if len(roots) > 1:
            raise LayoutError(
                f"holds {len(roots)} models, under {' and '.join(repr(root) for root in roots)}; give --prefix with one"
            )
        prefix = roots[0]
    elif prefix not in roots:
        shown = " and ".join(repr(root) for root in roots)
        raise UserError("prefix", prefix, f"no model stands there; it may be {shown}")
    else:
        kept = {key: tensor for key, tensor in state.items() if key.startswith(prefix)}
        return Stripped(_one_name(kept, prefix), prefix, sorted(set(state) - set(kept)))
    outside = sorted(key for key in state if not key.startswith(prefix))
    if outside:
        raise LayoutError(
            f"holds {', '.join(outside[:3])} outside of the model under {prefix!r}; give --prefix {prefix!r} to leave "
            f"such keys out ({len(outside)})"
        )
    return Stripped(_one_name(state, prefix), prefix)


def _roots(state: Mapping[str, Tensor]) -> list[str]:
    """Prefixes of the models in a state dict."""
    roots = {match["root"] for key in state if (match := _ROOT.match(key))}
    for root in sorted(roots):
        own = [key for key in state if key.startswith(root)]
        for name in ("diffusion.", "sampler."):
            # A wrapper's attribute of that name looks like one of the model's own; but then all keys begin with it.
            if all(key.startswith(root + name) for key in own):
                roots = (roots - {root}) | {root + name}
    return sorted(roots)


def _not_of_this_layout(state: Mapping[str, Tensor]) -> str:
    if any(_APPENDING.search(key) for key in state):
        return "is a DiffusionUpsampler or a DiffusionVocoder; only DiffusionAE and DiffusionModel can be imported"
    sample = ", ".join(sorted(state)[:3]) or "nothing"
    return f"is not of audio-diffusion-pytorch 0.1.x: it holds no time conditioning of a UNetV0, but {sample}"


def _one_name(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    plain: dict[str, Tensor] = {}
    first: dict[str, str] = {}
    for key in sorted(state, key=lambda key: not key.startswith(f"{prefix}net.")):
        name = key.removeprefix(prefix)
        for alias in ALIASES:
            if name.startswith(alias):
                name = f"net.{name.removeprefix(alias)}"
                break
        if name in plain and not torch.equal(plain[name], state[key]):
            raise LayoutError(f"{key} differs from {first[name]}; in this layout the two are one tensor")
        plain.setdefault(name, state[key])
        first.setdefault(name, key)
    # Other shared tensors may likewise have been kept under their second name alone.
    for second, first_name in _TWICE:
        for key in [key for key in plain if second in key]:
            plain.setdefault(key.replace(second, first_name), plain[key])
    return plain
