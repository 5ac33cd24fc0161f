"""Controls are learned: from latents that follow from the chord, or never change, by a net that begins as another."""

import pytest
import torch
from torch import Tensor

from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.control_signal import CONTROLS
from mousai.conditioning.controls import Controls
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.diffusion.widening import with_controls
from mousai.sampling_config import SamplingConfig
from unet1d import Level, UNet1dConfig
from vdiffusion import NoiseSource

FRAMES, BATCH = 16, 32
CHORDS = ("C", "F#:min")
SETTINGS = SamplingConfig(num_inference_steps=10, guidance_scale=1.0)


def told(which: list[int]) -> list[Controls]:
    """The first half of a crop in one chord, the second in the other."""
    return [Controls(chords=((0.0, 0.8, CHORDS[one]), (0.8, 1.6, CHORDS[1 - one]))) for one in which]


def latents(which: list[int], level: Tensor) -> Tensor:
    """Channel 0 is +1 under the one chord and -1 under the other; channel 1 has one level for the whole crop."""
    first = 1.0 - 2.0 * torch.tensor(which, dtype=torch.float32)[:, None]
    halves = torch.cat([first.expand(-1, FRAMES // 2), -first.expand(-1, FRAMES // 2)], dim=1)
    return torch.stack([halves, level[:, None].expand(-1, FRAMES)], dim=1)


@pytest.mark.slow
def test_chords_are_followed_and_a_known_part_is_gone_on_from() -> None:
    torch.manual_seed(0)
    net = UNet1dConfig(
        in_channels=2,
        levels=(Level(channels=32, inject_channels=ATTRIBUTE_CHANNELS), Level(channels=32, factor=4, attention=True)),
        attention_heads=2,
        attention_head_features=16,
        modulation_features=32,
        outer_skip=False,
    )
    older = LatentDiffusion(LatentDiffusionConfig(net=net, max_tokens=0, frame_rate=10.0))
    model = with_controls(older, CONTROLS)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    draw = torch.Generator().manual_seed(1)
    for _ in range(400):
        which = torch.randint(2, (BATCH,), generator=draw).tolist()
        latent = latents(which, torch.randn(BATCH, generator=draw).sign())
        mask = torch.zeros(BATCH, 1, FRAMES, dtype=torch.bool)
        mask[: BATCH // 2, :, :5] = True
        cond = Conditioning(frames=FRAMES, controls=told(which), known_latent=latent, known_mask=mask)
        optimizer.zero_grad()
        model.loss(latent, cond, cond_drop_prob=0.0, generator=draw).backward()
        optimizer.step()
    model.eval()
    which, level = [0, 1, 0, 1], torch.tensor([1.0, 1.0, -1.0, -1.0])
    wanted = latents(which, level)
    mask = torch.zeros(4, 1, FRAMES, dtype=torch.bool)
    mask[..., :5] = True
    cond = Conditioning(frames=FRAMES, controls=told(which), known_latent=wanted, known_mask=mask)
    found = model.sample(cond, noise=NoiseSource(3, range(4)), config=SETTINGS)
    assert torch.equal(found.sign(), wanted.sign())
    swapped = Conditioning(frames=FRAMES, controls=told([1, 0, 1, 0]))
    found = model.sample(swapped, noise=NoiseSource(3, range(4)), config=SETTINGS)
    assert torch.equal(found[:, 0].sign(), -wanted[:, 0].sign())
