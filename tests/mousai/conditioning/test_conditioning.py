"""Parts of a conditioning that do not fit together."""

from typing import Any

import pytest
import torch

from mousai.conditioning.conditioning import Conditioning

LATENT, MASK = torch.zeros(2, 8, 4), torch.ones(2, 1, 4, dtype=torch.bool)
KNOWN = {"known_latent": LATENT, "known_mask": MASK}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"frames": 0}, "frames=0: must be 1 or more"),
        ({"circle": 0}, "circle=0: must be 1 to the 4 frames"),
        ({"circle": 5}, "circle=5: must be 1 to the 4 frames"),
        ({**KNOWN, "circle": 2}, "known_latent: cannot be given for a circle"),
        ({"known_latent": LATENT}, "known_mask: must be given beside the other of known_latent and known_mask"),
        ({"known_mask": MASK}, "known_latent: must be given beside the other of known_latent and known_mask"),
        (
            {**KNOWN, "known_latent": torch.zeros(2, 8, 5)},
            "known_latent: expected [batch, channels, 4], got [2, 8, 5]",
        ),
        ({**KNOWN, "known_latent": torch.zeros(8, 4)}, "known_latent: expected [batch, channels, 4], got [8, 4]"),
        ({**KNOWN, "known_mask": MASK.float()}, "known_mask: expected bool [2, 1, 4], got torch.float32 [2, 1, 4]"),
        ({**KNOWN, "known_mask": MASK[:, 0]}, "known_mask: expected bool [2, 1, 4], got torch.bool [2, 4]"),
        (
            {**KNOWN, "start_seconds": [0.0]},
            "Conditioning: parts of different batches: {'start_seconds': 1, 'known_latent': 2}",
        ),
    ],
)
def test_parts_that_do_not_fit_together(parts: dict[str, Any], said: str):
    with pytest.raises(ValueError) as caught:
        Conditioning(**{"frames": 4, **parts})
    assert str(caught.value) == said
