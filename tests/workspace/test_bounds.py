"""The lowest versions that the packages allow, as `tools/bounds.py` gives them to pip."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def bounds(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool("bounds")


def test_each_is_within_what_the_package_asks_for_and_no_lower_one_is(package, bounds: ModuleType):
    extras = package.project.get("optional-dependencies", {})
    lines = bounds.lowest([f"{package.name}[{','.join(extras)}]"])
    pinned = dict(line.split("==") for line in lines)
    assert lines == sorted(lines) and not any(name.startswith("mousai-") for name in pinned)
    for text in (*package.project["dependencies"], *(one for group in extras.values() for one in group)):
        requirement = Requirement(text)
        if not requirement.name.startswith("mousai-"):
            version = pinned[requirement.name.replace("_", "-")]
            assert requirement.specifier.contains(version) and f">={version}" in str(requirement.specifier)


def test_of_two_packages_the_higher_bound_counts(bounds: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, text in (("a", "x>=1.9,<3"), ("b", "x>=1.10,<3")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(f'[project]\ndependencies = ["{text}"]\n')
    monkeypatch.setattr(bounds, "PACKAGES", tmp_path)
    assert bounds.lowest(["a", "b"]) == bounds.lowest(["b", "a"]) == ["x==1.10"]
    assert bounds.lowest(["a"]) == ["x==1.9"]


@pytest.mark.parametrize(
    ("name", "message"), [("nothing", "nothing is no package of"), ("dmae[x]", "dmae has no extra x")]
)
def test_a_wrong_name_is_one_line(root: Path, name: str, message: str):
    done = subprocess.run([sys.executable, root / "tools" / "bounds.py", name], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(f"bounds.py: {message}")
    assert done.stderr.count("\n") == 1
