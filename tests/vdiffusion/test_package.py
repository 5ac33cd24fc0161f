"""The package as a whole: what it exports, what it needs, and that its README runs."""

import subprocess
import sys
from pathlib import Path

import torch

import vdiffusion

PACKAGE = Path(__file__).parents[2] / "packages" / "vdiffusion"


def test_all_names_exist_and_have_docstrings() -> None:
    assert vdiffusion.__version__ == "0.1.0"
    for name in set(vdiffusion.__all__) - {"__version__", "Net", "Callback"}:
        assert getattr(vdiffusion, name).__doc__, name


def test_importing_it_loads_none_of_its_siblings() -> None:
    others = {"unet1d", "dmae", "mousai", "einops", "transformers"}
    code = f"import sys, vdiffusion; print(sorted({others} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(vdiffusion.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_example_in_the_readme_does_what_it_says() -> None:
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    (example,) = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(example, "README.md", "exec"), names)
    audio = names["audio"]
    assert isinstance(audio, torch.Tensor)
    assert audio.shape == (2, 1, 400)
    quiet, loud = audio.std(dim=(1, 2)).tolist()
    assert 0.02 < quiet < 0.15
    assert 0.35 < loud < 0.65
