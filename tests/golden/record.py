"""Record what the bundled model plays, as hashes: `python tests/golden/record.py RECORDING`, before and after a change.

Same machine, same PyTorch, float32, one thread: a change that only moves code gives the same file. Other machines round
otherwise, so no test compares these hashes; `tests/mousai/test_golden.py` compares a tiny model within a tolerance.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from mousai import Mousai, read_audio

EXCERPT_SECONDS = 6.0


def digest(tensor: torch.Tensor) -> str:
    """SHA-256 of the float32 values of a tensor."""
    return hashlib.sha256(tensor.detach().float().contiguous().numpy().tobytes()).hexdigest()


def made_up_adapter(pipe: Mousai, path: Path) -> None:
    """Write a LoRA adapter of rank 2 over the first forty matrices of stage 2, its values drawn from their position."""
    drawn = torch.Generator().manual_seed(5)
    tensors = {}
    weights = [(name, weight) for name, weight in pipe.latent_diffusion.named_parameters() if weight.ndim > 1]
    for name, weight in weights[:40]:
        tensors[f"{name}.lora_A"] = 0.02 * torch.randn(2, weight[0].numel(), generator=drawn)
        tensors[f"{name}.lora_B"] = 0.02 * torch.randn(weight.shape[0], 2, generator=drawn)
    save_file(tensors, path, metadata={"format": "mousai lora", "alpha": "2", "rank": "2"})


def main() -> None:
    """Print one JSON object of hashes; needs the path of a recording of at least six seconds."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/golden/record.py RECORDING")
    torch.set_num_threads(1)
    pipe = Mousai.from_pretrained(dtype="float32", device="cpu")
    excerpt = torch.from_numpy(read_audio(sys.argv[1], sample_rate=pipe.sample_rate, channels=2))
    excerpt = excerpt[:, : round(EXCERPT_SECONDS * pipe.sample_rate)]
    latent = pipe.encode(excerpt[None])
    made = {
        "plain": pipe("calm piano pop, 100 bpm", duration=5, seed=1).audios,
        "windows": pipe("slow ambient pads in A minor", duration=50, num_inference_steps=5, seed=2).audios,
        "init_audio": pipe("jazz trio, saxophone lead", init_audio=excerpt, strength=0.6, seed=3).audios,
        "negative_prompt": pipe(
            "fast metal in E minor, 160 bpm", negative_prompt="flute lead, C major", duration=5, seed=4
        ).audios,
        "two_waveforms": pipe(
            ["reggae with organ, 75 bpm", "house, 124 bpm"], num_waveforms_per_prompt=2, duration=4, seed=5
        ).audios,
        "latent": latent,
        "reconstruct": pipe.decode(latent, length=excerpt.shape[1], seed=6),
    }
    with tempfile.TemporaryDirectory() as folder:
        adapter = Path(folder, "adapter.safetensors")
        made_up_adapter(pipe, adapter)
        pipe.load_lora_weights(adapter, scale=0.8)
        made["lora"] = pipe("folk with a violin", duration=5, seed=7).audios
    print(json.dumps({name: digest(value) for name, value in made.items()}, indent=2))


if __name__ == "__main__":
    main()
