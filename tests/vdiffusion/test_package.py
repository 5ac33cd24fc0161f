"""The package as a whole: what it exports, what it needs, and that its README runs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vdiffusion

PACKAGE = Path(__file__).parents[2] / "packages" / "vdiffusion"


def test_all_names_exist_and_have_docstrings() -> None:
    assert vdiffusion.__version__ == "0.1.0"
    for name in set(vdiffusion.__all__) - {"__version__", "Net", "Callback", "SAMPLER_NAMES", "TIME_GRID_NAMES"}:
        assert getattr(vdiffusion, name).__doc__, name


def test_importing_it_loads_none_of_its_siblings() -> None:
    others = {"unet1d", "dmae", "mousai", "einops", "transformers", "diffusers"}
    code = f"import sys, vdiffusion; print(sorted({others} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(vdiffusion.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_examples_in_the_readme_do_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) == 5
    names: dict[str, Any] = {"__name__": "readme"}
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)
    for made in ("audio", "few", "drawn"):
        assert names[made].shape == (2, 1, 400)
        quiet, loud = names[made].std(dim=(1, 2)).tolist()
        assert 0.02 < quiet < 0.15
        assert 0.35 < loud < 0.65
    # A net that was really trained, and no oracle: filling in is closer to the truth than ignoring what is around.
    filled, ignoring = names["wrong"]
    assert filled < 0.5 * ignoring
    assert capsys.readouterr().out.endswith(f"off by {filled:.2f}, without the surroundings by {ignoring:.2f}\n")


def test_the_table_of_samplers_in_the_readme_is_whole() -> None:
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\"(\w+)\"` \| `(\w+\(.*?\))`", text, flags=re.MULTILINE)
    assert tuple(name for name, _ in rows) == vdiffusion.SAMPLER_NAMES
    for name, made in rows:
        assert eval(made, vars(vdiffusion)) == vdiffusion.get_sampler(name)
    for kind in vdiffusion.TIME_GRID_NAMES:
        assert f'"{kind}"' in text
