"""A small module with every kind of tensor, and its config."""

import torch
from torch import nn

CONFIG = {"channels": 3, "levels": [{"factor": 2}], "name": "Moûsai", "rate": 0.5, "context": None}


class Small(nn.Module):
    """Weights, tied weights, a float and an integer buffer, and one that is not saved."""

    def __init__(self, width: int = 3):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)
        self.last = nn.Linear(width, width, bias=False)
        self.last.weight = self.first.weight
        self.register_buffer("window", torch.hann_window(5))
        self.register_buffer("cache", torch.zeros(2), persistent=False)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn_like(parameter))
        self.norm.num_batches_tracked.fill_(2**40 + 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.first(x)))


def seeded(seed: int = 0) -> Small:
    torch.manual_seed(seed)
    return Small()


def same(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(
        torch.equal(states[0][key], states[1][key]) for key in states[0]
    )
