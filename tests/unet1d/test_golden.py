"""The mathematics stays what it is: numbers made once, by make_golden.py, stay the same."""

import importlib.util
import json
from pathlib import Path

import torch


def test_the_tiny_net_gives_the_numbers_it_always_gave() -> None:
    here = Path(__file__).parent
    spec = importlib.util.spec_from_file_location("unet1d_make_golden", here / "make_golden.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    expected = torch.tensor(json.loads((here / "golden.json").read_text())["output"])
    assert expected.std() > 0.1
    torch.testing.assert_close(script.golden_output(), expected, rtol=1e-5, atol=1e-5)
