"""Give a model that has a generator the magnitudes and the decoder of an autoencoder that learned another latent.

    python -m bundled.onto_latent --from MODEL --parts OUT_OF_AUTOENCODER --data SONGS --out MODEL_2

Where one latent grew out of the other by training, each is nearly a linear map of the other. So what reads the new one
can read the old one through that map, which is folded into the weights of the layers that read it:

    waveform ── encoder of MODEL ──> old latent ── map ──> new latent ── prior, decoder of PARTS ──> waveform

The generator of MODEL stays as it is. `mousai train autoencoder --phase magnitudes` then learns what the map leaves.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from bundled.common import load_parts
from dmae import DMAE
from dmae.prior import BOUND
from mousai import Mousai, read_audio
from mousai.storage.folders import load_autoencoder
from mousai.training.data.audio_files import audio_files


def linear_map(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor, float]:
    """Least squares: latents [frames, Z] -> weight, bias of old @ weight.T + bias, and the share of variance left."""
    old_mean, new_mean = old.mean(0), new.mean(0)
    weight = torch.linalg.lstsq(old - old_mean, new - new_mean).solution.T
    bias = new_mean - weight @ old_mean
    left = (new - old @ weight.T - bias).square().sum() / (new - new_mean).square().sum()
    return weight, bias, float(left)


@torch.no_grad()
def read_through(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """Let the last inputs of a layer be the map of what comes in their place."""
    read = layer.weight[:, -weight.shape[0] :].clone()
    layer.bias += read @ bias
    layer.weight[:, -weight.shape[0] :] = read @ weight


@torch.no_grad()
def onto_latent(old: DMAE, new: DMAE, latents: tuple[Tensor, Tensor]) -> float:
    """Change `new` so that it decodes the latents of `old`, and takes its encoder.

    Args:
        old: whose latent stays.
        new: of the same sizes.
        latents: both models' latents [frames, Z] of the same sound.

    Returns:
        Share of the variance of the new latent that the map leaves.
    """
    prior = new.prior.require_magnitudes()
    unbounded = [z.clamp(-BOUND, BOUND).atanh() for z in latents]  # as the prior reads them
    weight, bias, left = linear_map(unbounded[0], unbounded[1])
    for layer in (prior.net.linear, prior.net.to_in):
        read_through(layer, weight, bias)
    weight, bias, _ = linear_map(*latents)
    level = new.decoder.levels[new.config.latent_depth]
    for items in (level.down_blocks, level.up_blocks):
        for item in items:
            read_through(item.injection.merge, weight, bias)
    new.encoder.load_state_dict(old.encoder.state_dict())
    return left


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="begin", type=Path, required=True, help="model whose latent and generator stay")
    parser.add_argument("--parts", type=Path, required=True, help="what bundled.autoencoder made")
    parser.add_argument("--data", type=Path, required=True, help="songs to compare the latents of")
    parser.add_argument("--songs", type=int, default=800, help="how many of them")
    parser.add_argument("--out", type=Path, required=True, help="the model that comes of it")
    chosen = parser.parse_args()
    old = load_autoencoder(chosen.begin)
    new = DMAE(old.config)
    new.load_state_dict(load_parts(chosen.parts, "autoencoder") | load_parts(chosen.parts, "decoder"))
    found: tuple[list[Tensor], list[Tensor]] = ([], [])
    for path in tqdm(audio_files([chosen.data])[: chosen.songs], desc="hearing", unit="song"):
        wave = torch.from_numpy(read_audio(path, sample_rate=old.config.sample_rate, channels=2))[None]
        for latents, model in zip(found, (old, new), strict=True):
            latents.append(model.encode(wave)[0].T)
    left = onto_latent(old, new, (torch.cat(found[0]), torch.cat(found[1])))
    print(f"{left:.1%} of the variance of the new latent are left by the map")
    pipe = Mousai.from_pretrained(str(chosen.begin), dtype="float32")
    pipe.autoencoder = new
    pipe.save_pretrained(chosen.out)


if __name__ == "__main__":
    main()
