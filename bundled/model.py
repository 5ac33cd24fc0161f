"""A model folder of what the training on a GPU left.

    python -m bundled.model --from MODEL --parts OUT [OUT_2 ...] --out MODEL_2

What OUT has takes the place of what MODEL has: the autoencoder of bundled.autoencoder, with its decoder, and the
generator and text encoder of bundled.generator. A generator belongs to the autoencoder whose latents it heard: give
both.
"""

import argparse
import json
from pathlib import Path

import torch

from bundled.common import load_parts
from bundled.generator import Both
from mousai import LatentDiffusion, LatentDiffusionConfig, Mousai


def put_together(pipe: Mousai, parts: list[Path]) -> list[str]:
    """Give a pipeline what folders of trained parts hold; the names of what was found.

    Raises:
        RuntimeError: weights do not fit.
    """
    found = []
    for folder in parts:
        if (folder / "autoencoder-0.safetensors").exists():
            pipe.autoencoder.load_state_dict(load_parts(folder, "autoencoder") | load_parts(folder, "decoder"))
            found.append("autoencoder")
        if (folder / "generator-0.safetensors").exists():
            config = LatentDiffusionConfig.from_dict(json.loads((folder / "generator.json").read_text()))
            both = Both(LatentDiffusion(config), pipe.text_encoder)
            weights = load_parts(folder, "latent_diffusion")
            # Tied weights were saved once.
            if (
                both.load_state_dict(weights, strict=False).unexpected_keys
                or dict(both.named_parameters()).keys() - weights
            ):
                raise RuntimeError(f"{folder}: its generator and text encoder have other weights than the model's")
            pipe.latent_diffusion = both.model.eval()
            found.append("latent_diffusion")
    return found


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="begin", type=Path, required=True, help="model that has the rest")
    parser.add_argument("--parts", type=Path, required=True, nargs="+", help="what was trained")
    parser.add_argument("--out", type=Path, required=True, help="the model that comes of it")
    chosen = parser.parse_args()
    pipe = Mousai.from_pretrained(str(chosen.begin), dtype="float32")
    found = put_together(pipe, chosen.parts)
    if not found:
        parser.error("--parts: no folder has autoencoder-0.safetensors or generator-0.safetensors")
    pipe.save_pretrained(chosen.out, dtype=torch.bfloat16)
    print(f"{chosen.out}: {' and '.join(found)} of {', '.join(map(str, chosen.parts))}")


if __name__ == "__main__":
    main()
