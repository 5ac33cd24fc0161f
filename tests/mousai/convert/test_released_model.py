"""The authors' released autoencoder, with random weights: what the hub has becomes a model folder."""

import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dmae import DecodingConfig
from mousai import load_autoencoder
from mousai.convert.importing import import_model
from mousai.convert.sources import RELEASED
from mousai.storage.folders import describe
from tests.mousai.convert.comparing import close

Authors = types.SimpleNamespace


@pytest.mark.slow
def test_the_papers_stage_1(authors: Authors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """185 million random weights, laid out as in the released file, read as the released model."""
    d, e = authors.diffusion, authors.encoders
    torch.manual_seed(0)
    theirs = d.DiffusionAE(
        net_t=d.LTPlugin(d.UNetV0, num_filters=128, window_length=64, stride=64),
        in_channels=2,
        channels=[256, 512, 512, 512, 1024, 1024, 1024],
        factors=[1, 2, 2, 2, 2, 2, 2],
        items=[1, 2, 2, 2, 2, 2, 2],
        inject_depth=4,
        encoder=e.ME1d(
            in_channels=2,
            channels=512,
            multipliers=[1, 1, 1],
            factors=[2, 2],
            num_blocks=[4, 8],
            stft_num_fft=1023,
            stft_hop_length=256,
            out_channels=32,
            bottleneck=e.TanhBottleneck(),
        ),
    ).eval()
    # The hub's conversion keeps a shared tensor once, under the first of its names.
    state = {f"model.{key}": tensor for key, tensor in theirs.state_dict().items()}
    kept = {key: tensor for key, tensor in state.items() if not key.startswith(("model.net.", "model.sampler."))}
    kept = {key: tensor.clone() for key, tensor in kept.items() if ".blocks.1.blocks.1.0." not in key}
    hub = tmp_path / "hub"
    hub.mkdir()
    save_file(kept, hub / "model.safetensors")
    asked: list[tuple[str, str]] = []

    def download(name: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((name, revision))
        return str(hub)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    made = import_model("archinetai/dmae1d-ATC64-v2", tmp_path / "ours")
    assert asked == [("archinetai/dmae1d-ATC64-v2", RELEASED["archinetai/dmae1d-ATC64-v2"].revision)]
    assert made.parameters == 185_107_872
    from dmae import DMAEConfig

    assert describe(tmp_path / "ours").autoencoder == DMAEConfig.paper()
    ours = load_autoencoder(tmp_path / "ours")
    wave = 0.3 * torch.randn(1, 2, 2**14, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latent = theirs.encode(wave)
        close(ours.encode(wave), latent)
        expected = theirs.decode(latent, num_steps=10, generator=torch.Generator().manual_seed(1))
        noise = torch.randn(1, 2, 2**14, generator=torch.Generator().manual_seed(1))
        close(ours.decode(latent, config=DecodingConfig(num_steps=10), initial_noise=noise), expected, relative=1e-4)
