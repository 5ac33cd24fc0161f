"""Alignment of a new autoencoder's latent with an old one's, so that the stage 2 of the old model fits.

    python -m mousai.training.align_latent --old MODEL --new AUTOENCODER --data SONGS --out MODEL_2

    latent of OLD ── linear map ──> latent of NEW ── prior, decoder of NEW ──> waveform

The map is put into the weights of NEW's prior and decoder; the encoder and stage 2 of OLD stay as they are.
`mousai train autoencoder --phase magnitudes` then learns what the map leaves.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from dmae import DMAE, MagnitudePrior
from mousai import Mousai, read_audio
from mousai.errors import UserError
from mousai.storage.folders import load_autoencoder
from mousai.training.data.audio_files import audio_files


def linear_map(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor, float]:
    """Fit new = old @ weight.T + bias by least squares.

    Args:
        old: latents [frames, Z] of the old model.
        new: latents [frames, Z] of the new model, of the same sound.

    Returns:
        Weight, bias, and the share of the variance of `new` that is left.
    """
    old_mean, new_mean = old.mean(0), new.mean(0)
    weight = torch.linalg.lstsq(old - old_mean, new - new_mean).solution.T
    bias = new_mean - weight @ old_mean
    left = (new - old @ weight.T - bias).square().sum() / (new - new_mean).square().sum()
    return weight, bias, float(left)


@torch.no_grad()
def map_inputs(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """Change a layer so that it maps its last inputs, as many as `weight` has rows, before it reads them."""
    read = layer.weight[:, -weight.shape[0] :].clone()
    layer.bias.add_(read @ bias)
    layer.weight[:, -weight.shape[0] :] = read @ weight


@torch.no_grad()
def align_latent(old: DMAE, new: DMAE, latents: tuple[Tensor, Tensor]) -> float:
    """Change `new` so that it decodes the latents of `old`, and takes its encoder.

    Args:
        old: model whose latent stays.
        new: model of the same sizes.
        latents: both models' latents [frames, Z] of the same sound.

    Returns:
        Share of the variance of the new latent that the map leaves.

    Raises:
        UserError: `new` has no magnitude prior.
    """
    prior = new.prior
    if not isinstance(prior, MagnitudePrior):
        raise UserError("new", None, "has no magnitude prior, which the map is put into")
    unbounded = [prior.before_bound(z) for z in latents]
    weight, bias, left = linear_map(unbounded[0], unbounded[1])
    for layer in (prior.net.linear, prior.net.to_in):
        map_inputs(layer, weight, bias)
    weight, bias, _ = linear_map(*latents)
    level: Any = new.decoder.levels[new.config.latent_depth]
    for blocks in (level.down_blocks, level.up_blocks):
        for block in blocks:
            map_inputs(block.injection.merge, weight, bias)
    new.encoder.load_state_dict(old.encoder.state_dict())
    return left


def main() -> int:
    """Align two models that lie in folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, required=True, help="model whose latent and stage 2 stay")
    parser.add_argument("--new", type=Path, required=True, help="model with the new autoencoder")
    parser.add_argument("--data", type=Path, required=True, help="songs whose latents are compared")
    parser.add_argument("--songs", type=int, default=800, help="songs that are compared (default 800)")
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    args = parser.parse_args()
    try:
        old, new = load_autoencoder(args.old), load_autoencoder(args.new)
        if old.config != new.config:
            raise UserError(args.new, None, f"has an autoencoder of other sizes than {args.old}")
        found: tuple[list[Tensor], list[Tensor]] = ([], [])
        for path in tqdm(audio_files([args.data])[: args.songs], desc="encoding", unit="song"):
            wave = torch.from_numpy(read_audio(path, sample_rate=old.config.sample_rate, channels=2))[None]
            for latents, model in zip(found, (old, new), strict=True):
                with torch.no_grad():
                    latents.append(model.encode(wave)[0].T)
        left = align_latent(old, new, (torch.cat(found[0]), torch.cat(found[1])))
        print(f"{left:.1%} of the variance of the new latent are left by the map", file=sys.stderr)
        pipe = Mousai.from_pretrained(str(args.old), dtype="float32")
        pipe.autoencoder = new
        pipe.save_pretrained(args.out)
    except UserError as error:
        print(f"mousai: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
