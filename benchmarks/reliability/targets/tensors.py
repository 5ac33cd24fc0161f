"""Files of tensors: latents and adapters, whose headers and bytes were changed."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import torch

from benchmarks.reliability.miniature import save_miniature
from benchmarks.reliability.mutate import mutated_bytes, mutated_json
from benchmarks.reliability.samples import write_adapter
from benchmarks.reliability.targets.base import Target, taken
from mousai.cli.common.latents import LatentFile, check_latent, fingerprint, read_latent, write_latent
from mousai.cli.info import run as info
from mousai.codec import Codec
from mousai.diffusion.lora import add_lora, check_adapter
from mousai.storage.folders import autoencoder_config, load_latent_diffusion


def mutated_tensors(rng: random.Random, data: bytes) -> bytes:
    """A safetensors file whose header says something else, or whose bytes were changed."""
    if rng.random() < 0.35:
        return mutated_bytes(rng, data)
    size = struct.unpack("<Q", data[:8])[0]
    header = mutated_json(rng, json.loads(data[8 : 8 + size])).encode("utf-8", "surrogatepass")
    stated = len(header) if rng.random() < 0.9 else max(0, len(header) + rng.choice((-1, 1, 2**40)))
    return struct.pack("<Q", stated) + header + data[8 + size :]


class Latents(Target):
    """Files of `mousai encode`, read, compared with a model, decoded."""

    share = 0.02

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._model = folder / "model"
        save_miniature(self._model)
        self._codec = Codec.from_pretrained(self._model, device="cpu", dtype="float32")
        self._codec.set_progress_bar_config(disable=True)
        latent = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
        whole = LatentFile(
            latent=latent, samples=2000, sample_rate=48_000, hop_length=1024, autoencoder=fingerprint(self._model)
        )
        write_latent(folder / "a.safetensors", whole, source="a.wav")
        self._data = (folder / "a.safetensors").read_bytes()

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate the latent."""
        (place / "a.safetensors").write_bytes(mutated_tensors(rng, self._data))

    def run(self, case: Any, place: Path) -> bool:
        """Read it, and decode it where it fits the model."""
        found = read_latent(str(place / "a.safetensors"))
        check_latent("a.safetensors", found, self._model, autoencoder_config(self._model))
        self._codec.decode(found.latent[None], length=found.samples, decoder_steps=1)
        return True


class Adapters(Target):
    """Adapters, described and added to a model; one that is refused must leave the weights as they were."""

    share = 0.02

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        save_miniature(folder / "model")
        self._stage_2 = load_latent_diffusion(folder / "model")
        self._weights = {name: value.clone() for name, value in self._stage_2.state_dict().items()}
        write_adapter(folder / "a.safetensors", folder / "model")
        self._data = (folder / "a.safetensors").read_bytes()

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate the adapter."""
        (place / "a.safetensors").write_bytes(mutated_tensors(rng, self._data))
        return rng.choice((1.0, 0.0, -3.0, 1e30))

    def run(self, case: Any, place: Path) -> bool:
        """Add it."""
        from argparse import Namespace

        path = place / "a.safetensors"
        described = taken(
            lambda: check_adapter(path), lambda: info(Namespace(thing=str(path), model=None, revision=None))
        )
        added = taken(lambda: add_lora(self._stage_2, path, scale=case))
        now = self._stage_2.state_dict()
        assert all(bool(value.isfinite().all()) for value in now.values()), "weights that are not finite"
        if added:
            self._stage_2.load_state_dict(self._weights)
        else:
            assert all(torch.equal(value, self._weights[name]) for name, value in now.items()), "half an adapter"
        return described and added
