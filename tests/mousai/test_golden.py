"""Numbers of a tiny seeded model, which a change that only moves code leaves as they are.

`MOUSAI_RECORD_GOLDEN=1 hatch run test tests/mousai/test_golden.py` writes `tests/golden/tiny.json` anew. CPUs round
differently, so the numbers are compared within 1e-4; `tests/golden/record.py` prints hashes for one machine.

Pieces are compared as latents, and decoding on one latent that is the same everywhere: the start of the phases looks
for peaks of a spectrum, and where two bins are nearly equal, another rounding finds another peak.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mousai import Mousai, TextEmbedding

FILE = Path(__file__).parents[1] / "golden" / "tiny.json"
LATENT: dict[str, Any] = {"output_type": "latent"}
PROMPT = "calm piano pop, 100 bpm"


class Letters:
    """A text encoder: a wave for each letter. The tokenizer of the miniature model breaks ties at random."""

    features = 32

    def __call__(self, prompts: Sequence[str], *, keep_padding: bool = False) -> TextEmbedding:
        hidden = torch.zeros(len(prompts), 64, self.features)
        for row, prompt in enumerate(prompts):
            letters = torch.tensor([ord(letter) for letter in prompt[:64]])
            hidden[row, : len(letters)] = torch.sin(letters[:, None] * torch.arange(1, self.features + 1) / 9)
        return TextEmbedding(hidden, hidden.abs().sum(-1) > 0)


@pytest.fixture
def pipe(saved_model: Path) -> Mousai:
    made: Mousai = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    made.text_encoder = Letters()
    made.set_progress_bar_config(disable=True)
    # Half the weights: in twenty steps of the random net as it is, what two CPUs round differently grows 10^4 times.
    with torch.no_grad():
        for weight in made.latent_diffusion.parameters():
            weight.mul_(0.5)
    return made


def recording(pipe: Mousai) -> Tensor:
    """Three tones [2, 24000]."""
    time = torch.arange(24000, dtype=torch.float64) / pipe.sample_rate
    tones = [torch.sin(2 * torch.pi * pitch * time) for pitch in (220.0, 277.0, 330.0)]
    return torch.stack([0.2 * (tones[0] + tones[1]), 0.2 * (tones[0] + tones[2])]).float()


def with_adapter(pipe: Mousai, folder: Path) -> Tensor:
    """A piece with an adapter of rank 2, whose numbers are waves."""
    tensors = {}
    weights = [(name, weight) for name, weight in pipe.latent_diffusion.named_parameters() if weight.ndim > 1]
    for name, weight in weights[:8]:
        inputs, outputs = weight[0].numel(), weight.shape[0]
        tensors[f"{name}.lora_A"] = 0.03 * torch.sin(torch.arange(2.0 * inputs)).reshape(2, inputs)
        tensors[f"{name}.lora_B"] = 0.03 * torch.cos(torch.arange(2.0 * outputs)).reshape(outputs, 2)
    path = folder / "adapter.safetensors"
    save_file(tensors, path, metadata={"format": "mousai lora", "version": "1", "alpha": "2", "rank": "2"})
    pipe.load_lora_weights(path)
    return pipe(PROMPT, duration=0.4, seed=7, **LATENT).audios


CASES: dict[str, Callable[[Mousai, Path], Tensor]] = {
    "plain": lambda pipe, _: pipe(PROMPT, duration=0.5, seed=1, **LATENT).audios,
    "negative_prompt": lambda pipe, _: (
        pipe(PROMPT, negative_prompt="fast metal", duration=0.4, seed=2, **LATENT).audios
    ),
    "init_audio": lambda pipe, _: pipe(PROMPT, init_audio=recording(pipe), strength=0.6, seed=3, **LATENT).audios,
    "two_waveforms": lambda pipe, _: pipe(PROMPT, num_waveforms_per_prompt=2, duration=0.4, seed=4, **LATENT).audios,
    "latent": lambda pipe, _: pipe.encode(recording(pipe)[None]),
    "reconstruct": lambda pipe, _: pipe.decode(pipe.encode(recording(pipe)[None]), length=24000, seed=5),
    "lora": with_adapter,
}


def numbers(made: Tensor) -> list[float]:
    """Root mean square, and twelve values from everywhere."""
    flat = made.detach().double().flatten()
    places = torch.linspace(0, len(flat) - 1, 12).long()
    return [round(float(x), 7) for x in (flat.square().mean().sqrt(), *flat[places])]


@pytest.mark.parametrize("name", CASES)
def test_it_makes_the_same_numbers(name: str, pipe: Mousai, tmp_path: Path):
    found = numbers(CASES[name](pipe, tmp_path))
    stored = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    if os.environ.get("MOUSAI_RECORD_GOLDEN"):
        lines = [f"{json.dumps(key)}: {json.dumps(values)}" for key, values in {**stored, name: found}.items()]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        return
    assert max(map(abs, found)) > 1e-3
    assert found == pytest.approx(stored[name], rel=0, abs=1e-4)
