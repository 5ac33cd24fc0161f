"""The examples of the README run as they stand, and its figures are true."""

import re
from pathlib import Path

import pytest
import torch

import dmae
from dmae import DMAE, DMAEConfig

README = Path(__file__).parents[2] / "packages" / "dmae" / "README.md"


def test_the_examples_run_and_print_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert examples
    names: dict[str, object] = {}
    for example in examples:
        foretold = re.findall(r"^(?:print\(.*\)  )?# (\(.*\))$", example, flags=re.MULTILINE)
        assert foretold
        exec(compile(example, str(README), "exec"), names)
        assert capsys.readouterr().out.splitlines() == foretold


def test_the_table_is_true() -> None:
    text = README.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| latent |"))
    shown = [f"{c.latent_channels} channels, {c.latent_rate:.1f} frames a second" for c in presets()]
    assert row == f"| latent | {shown[0]} | {shown[1]} |"
    tiny = DMAEConfig.tiny()
    assert f"log-power, {tiny.spectrogram.bands} bands of mid and {tiny.spectrogram.side_bands} of side" in text
    assert f"blocks of {tiny.transform_size}" in text
    with torch.device("meta"):
        counts = [sum(parameter.numel() for parameter in DMAE(config).parameters()) for config in presets()]
    assert f"| parameters | {counts[0]:,} | {counts[1]:,} |" in text


def presets() -> tuple[DMAEConfig, DMAEConfig]:
    return DMAEConfig.paper(), DMAEConfig.tiny()


def test_every_public_name_is_there_and_explained() -> None:
    for name in dmae.__all__:
        assert getattr(dmae, name).__doc__, name
    assert dmae.__version__ == "0.1.0"
