"""Calls of the pipeline that take milliseconds, and what compares their results."""

import torch

PROMPT = "calm piano pop, 100 bpm"
STEPS = {"num_inference_steps": 2, "decoder_steps": 2}
QUICK = {"duration": 0.1, **STEPS}


def close(a: torch.Tensor, b: torch.Tensor, *, atol: float = 1e-4) -> bool:
    return torch.allclose(a, b, rtol=0, atol=atol)
