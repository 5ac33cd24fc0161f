"""The four packages as the workspace tests see them."""

import importlib.util
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

# Import name, distribution name, and the packages that it may use: nothing points back.
PACKAGES = {
    "unet1d": ("mousai-unet1d", set()),
    "vdiffusion": ("mousai-vdiffusion", set()),
    "dmae": ("mousai-dmae", {"unet1d", "vdiffusion"}),
    "mousai": ("mousai-music", {"unet1d", "vdiffusion", "dmae"}),
}


@dataclass(frozen=True)
class Package:
    name: str
    distribution: str
    uses: set[str]

    @property
    def folder(self) -> Path:
        return ROOT / "packages" / self.name

    @property
    def source(self) -> Path:
        return self.folder / "src" / self.name

    @property
    def project(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def load_tool(root: Path) -> Callable[[str], ModuleType]:
    """A function that loads a script of `tools` as a module."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, root / "tools" / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> Package:
    return Package(request.param, *PACKAGES[request.param])
