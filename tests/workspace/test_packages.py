"""What the four distributions say of themselves, and what their wheels hold."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

# Versions below these have known holes.
FLOORS = {"torch": "2.11", "transformers": "5.15", "safetensors": "0.8"}


def version(source: Path) -> str:
    found = re.search(r'^__version__ = "(.+)"$', (source / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def requirements(package) -> list[Requirement]:
    extras = package.project.get("optional-dependencies", {}).values()
    return [Requirement(text) for group in (package.project["dependencies"], *extras) for text in group]


def test_names_licence_and_folder(package, root):
    project = package.project
    assert project["name"] == package.distribution
    assert project["license"] == "MIT" and project["requires-python"] == ">=3.11"
    assert (package.source / "py.typed").is_file()
    assert (package.folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
    assert len((package.folder / "README.md").read_text(encoding="utf-8")) > 300


def test_the_four_have_one_version(package, root):
    assert version(package.source) == version(root / "packages" / "mousai" / "src" / "mousai")
    assert f"## {version(package.source)}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_is_bounded_on_both_sides(package):
    for requirement in requirements(package):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, f"{requirement} needs a lower and an upper bound"
        for specifier in requirement.specifier:
            if specifier.operator == ">=" and requirement.name in FLOORS:
                assert Version(specifier.version) >= Version(FLOORS[requirement.name])


def test_siblings_are_asked_for_by_their_distribution_names(package):
    # `dmae` and `mousai` on the package index are other people's projects.
    own = version(package.source)
    for requirement in requirements(package):
        assert requirement.name not in ("unet1d", "vdiffusion", "dmae", "mousai")
        if requirement.name.startswith("mousai-"):
            assert requirement.specifier.contains(own)


def test_nothing_asks_for_torchaudio(package):
    assert "torchaudio" not in {requirement.name for requirement in requirements(package)}


@pytest.fixture
def wheel(package, tmp_path: Path) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=package.folder, check=True, capture_output=True)
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_wheel_holds_the_package_whole_and_nothing_else(package, wheel):
    names = set(wheel.namelist())
    information = f"{package.distribution.replace('-', '_')}-{version(package.source)}.dist-info"
    expected = {
        f"{package.name}/{file.relative_to(package.source).as_posix()}"
        for file in package.source.rglob("*")
        if file.is_file() and not any(part.startswith((".", "__pycache__")) for part in file.parts)
    }
    assert {name for name in names if not name.startswith(information)} == expected
    assert f"{package.name}/py.typed" in names
    bill = f"{package.distribution}.cdx.json"
    assert wheel.read(f"{information}/sboms/{bill}") == (package.folder / bill).read_bytes()
    licence = wheel.read(f"{information}/licenses/LICENSE").decode()
    assert licence.startswith("MIT License") and "The Moûsai authors" in licence


def test_the_wheel_of_mousai_holds_the_bundled_model_and_the_command(root):
    models = root / "packages" / "mousai" / "src" / "mousai" / "models"
    files = sorted(path.relative_to(models).as_posix() for path in models.rglob("*") if path.is_file())
    assert "tiny/model_index.json" in files
    weights = [models / name for name in files if name.endswith("model.safetensors")]
    assert len(weights) >= 3  # autoencoder, generator, text encoder
    assert sum((models / name).stat().st_size for name in files) < 48e6
    project = (root / "packages" / "mousai" / "pyproject.toml").read_text(encoding="utf-8")
    assert 'mousai = "mousai.cli:main"' in project
