"""The mathematics stays what it is: numbers made once, by make_golden.py, stay the same."""

import importlib.util
import json
from pathlib import Path

import torch


def test_tiny_models_give_the_numbers_they_always_gave() -> None:
    here = Path(__file__).parent
    spec = importlib.util.spec_from_file_location("dmae_make_golden", here / "make_golden.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    expected = json.loads((here / "golden.json").read_text())
    got = script.golden_outputs()
    assert got.keys() == expected.keys()
    for name, numbers in expected.items():
        wanted = torch.tensor(numbers)
        assert wanted.std() > 0.01, name
        if "latent" in name:  # neither a binary code nor nothing
            assert 0.1 < wanted.abs().mean() < 0.9
        scale = float(wanted.abs().max())
        torch.testing.assert_close(got[name], wanted, rtol=1e-4, atol=2e-5 * scale, msg=lambda m, n=name: f"{n}: {m}")
