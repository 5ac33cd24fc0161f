"""Who may import whom, and how much an import brings along."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("unet1d", "vdiffusion", "dmae", "mousai")
# Distributions whose import name is another.
IMPORT_NAMES = {
    "mousai-unet1d": "unet1d",
    "mousai-vdiffusion": "vdiffusion",
    "mousai-dmae": "dmae",
    "python-multipart": "python_multipart",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "sse-starlette": "sse_starlette",
}
# What an extra brings may be needed at import time only by the part that the extra is for.
PARTS_OF_EXTRAS: dict[str, set[str]] = {
    "compose": {"compose"},
    "evaluate": {"evaluation"},
    "melody": set(),
    "train": {"training"},
    "serve": {"server"},
    "ray": set(),
    "play": set(),
}


def imports(file: Path, *, inside_functions: bool) -> Iterator[str]:
    """Top-level names that a module imports; without `inside_functions`, only when it is imported itself."""
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not inside_functions:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).split(".")[0]
        waiting.extend(ast.iter_child_nodes(node))


def import_names(requirements: list[str]) -> set[str]:
    names = {re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0] for requirement in requirements}
    return {IMPORT_NAMES.get(name, name) for name in names}


def all_imports(source: Path, *, inside_functions: bool = True) -> set[str]:
    return {name for file in source.rglob("*.py") for name in imports(file, inside_functions=inside_functions)}


def test_only_the_packages_below_are_imported(package):
    siblings = all_imports(package.source) & {"unet1d", "vdiffusion", "dmae", "mousai"}
    assert siblings - {package.name} <= package.uses


def test_no_module_imports_itself_by_way_of_others(root, monkeypatch: pytest.MonkeyPatch):
    grimp = pytest.importorskip("grimp")  # comes with import-linter
    for name in PACKAGES:
        monkeypatch.syspath_prepend(root / "packages" / name / "src")
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imported).prepare()  # raises CycleError, which names the modules of the circle


def test_what_is_imported_is_declared_and_what_is_declared_is_imported(package):
    extras = package.project.get("optional-dependencies", {})
    declared = import_names(package.project["dependencies"])
    optional = import_names([requirement for extra in extras.values() for requirement in extra])
    used = all_imports(package.source) - set(sys.stdlib_module_names) - {package.name}
    assert used <= declared | optional
    # numpy is what torch warns for at every import.
    assert declared - used <= {"numpy"}
    # uvicorn speaks WebSocket with websockets.
    assert optional - used <= {"websockets"}


def test_an_extra_is_needed_only_by_its_own_part(package):
    required = import_names(package.project["dependencies"])
    extras = package.project.get("optional-dependencies", {})
    brought = {extra: import_names(requirements) for extra, requirements in extras.items()}
    for file in package.source.rglob("*.py"):
        part = file.relative_to(package.source).parts[0].removesuffix(".py")
        allowed = required.union(*(names for extra, names in brought.items() if part in PARTS_OF_EXTRAS[extra]))
        needed = set(imports(file, inside_functions=False)) - allowed
        for extra, names in brought.items():
            assert not needed & names, f"{file} needs [{extra}]"


def test_tests_stay_out_of_the_packages_and_no_test_needs_a_sibling_that_its_package_may_not_use(package, root):
    used = all_imports(root / "tests" / package.name)
    assert used & {"unet1d", "vdiffusion", "dmae", "mousai"} <= package.uses | {package.name}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import unet1d", {"vdiffusion", "dmae", "mousai", "transformers", "soundfile", "numba"}),
        ("import vdiffusion", {"unet1d", "dmae", "mousai", "transformers", "soundfile", "einops"}),
        ("import dmae", {"mousai", "transformers", "soundfile", "librosa"}),
        ("import mousai", {"torch", "numpy", "transformers", "soundfile", "dmae"}),
        ("import mousai.cli", {"torch", "transformers", "librosa", "matplotlib"}),
        ("import mousai.audio", {"torch", "transformers", "librosa"}),
        ("from mousai import read_audio", {"torch", "transformers"}),
        ("import mousai.storage.weights", {"transformers", "dmae"}),
        ("import mousai.cli.server.ui", {"torch", "numpy", "fastapi", "uvicorn", "pydantic"}),
        ("import mousai.cli.data", {"torch", "ray", "webdataset", "numpy"}),
        ("import mousai.data.workers", {"torch", "ray"}),
        ("import mousai.data.shards.read", {"ray", "webdataset"}),
        ("import mousai.compose", {"torch", "transformers", "librosa"}),
        ("import mousai.cli.playing.command", {"torch", "transformers", "soundfile", "sounddevice"}),
        ("import mousai.cli.evaluate", {"torch", "transformers", "librosa", "matplotlib", "sklearn"}),
    ],
)
def test_an_import_is_light_and_warns_of_nothing(statement: str, absent: set[str]):
    script = f"{statement}\nimport sys\nprint(*sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [] and done.stderr == ""


def test_every_name_that_mousai_offers_is_there():
    import mousai

    assert sorted(mousai.__all__) == mousai.__all__ or set(mousai.__all__) <= set(dir(mousai))
    for name in mousai.__all__:
        assert getattr(mousai, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Mousay'"):
        _ = mousai.Mousay
