"""The bills of materials that wheels carry: as the sources say, and complete."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def sbom(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool("sbom")


@pytest.fixture
def bill(package) -> dict:
    return json.loads((package.folder / f"{package.distribution}.cdx.json").read_text(encoding="utf-8"))


def test_a_bill_is_what_the_tool_writes(package, sbom: ModuleType):
    """After a change of dependencies, weights or version: python tools/sbom.py."""
    assert sbom.bill_path(package.folder).read_text(encoding="utf-8") == sbom.bill_text(package.folder)


def test_it_names_every_dependency_with_its_bounds(package, bill: dict):
    expected, extras = {}, {}
    for extra, group in {
        None: package.project["dependencies"],
        **package.project.get("optional-dependencies", {}),
    }.items():
        for requirement in map(Requirement, group):
            expected[canonicalize_name(requirement.name)] = requirement.specifier
            extras.setdefault(canonicalize_name(requirement.name), set()).add(extra)
    found = {}
    for one in bill["components"]:
        kind, _, bounds = one["versionRange"].partition("/")
        assert kind == "vers:pypi" and one["purl"] == f"pkg:pypi/{one['name']}" and one["isExternal"]
        found[one["name"]] = SpecifierSet(bounds.replace("|", ","))
        asked_by = {each["value"] for each in one.get("properties", [])}
        assert asked_by == extras[one["name"]] - {None}
        assert one["scope"] == ("required" if None in extras[one["name"]] else "optional")
    assert found == expected


def test_it_names_itself_and_everything_stands_once(package, bill: dict):
    subject = bill["metadata"]["component"]
    assert (subject["name"], subject["licenses"][0]["license"]["id"]) == (package.distribution, "MIT")
    parts = subject.get("components", [])
    references = [one["bom-ref"] for one in (subject, *bill["components"], *parts)]
    assert len(set(references)) == len(references)
    assert [one["ref"] for one in bill["dependencies"]] == references
    assert bill["dependencies"][0]["dependsOn"] == references[1:]


def test_what_is_bundled_has_a_licence_and_its_hash(package, bill: dict):
    parts = {part["name"]: part for part in bill["metadata"]["component"].get("components", [])}
    licences = {name: part["licenses"][0]["license"]["id"] for name, part in parts.items()}
    expected = {"mousai tiny": "MIT", "mousai judges": "MIT", "wavesurfer.js": "BSD-3-Clause"}
    assert licences == (expected if package.name == "mousai" else {})
    listed = {}
    for part in parts.values():
        listed |= {file["name"]: file["hashes"][0]["content"] for file in part["components"]}
    source = package.folder / "src"
    for name, digest in listed.items():
        assert hashlib.sha256((source / name).read_bytes()).hexdigest() == digest
    binary = {
        path for path in source.rglob("*") if path.suffix in (".safetensors", ".npz", ".bin", ".sf2", ".so", ".wasm")
    }
    others = {path for path in source.rglob("vendor/*") if path.suffix == ".js"}
    assert set(listed) == {path.relative_to(source).as_posix() for path in binary | others}


def test_an_old_bill_is_told(root: Path, sbom: ModuleType, tmp_path: Path, monkeypatch, capsys):
    packages = tmp_path / "packages"
    for name in ("pyproject.toml", "src/vdiffusion/__init__.py"):
        (packages / "vdiffusion" / name).parent.mkdir(parents=True, exist_ok=True)
        text = (root / "packages" / "vdiffusion" / name).read_text(encoding="utf-8")
        (packages / "vdiffusion" / name).write_text(text.replace("numpy>=1.26", "numpy>=2.0"), encoding="utf-8")
    monkeypatch.setattr(sbom, "PACKAGES", packages)
    monkeypatch.setattr(sys, "argv", ["sbom.py", "--check"])
    assert sbom.main() == 1
    assert "packages/vdiffusion/mousai-vdiffusion.cdx.json: is missing or old" in capsys.readouterr().out
    assert not list(packages.rglob("*.cdx.json"))
    monkeypatch.setattr(sys, "argv", ["sbom.py"])
    assert sbom.main() == 0
    assert "vers:pypi/>=2.0|<3" in (packages / "vdiffusion" / "mousai-vdiffusion.cdx.json").read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["sbom.py", "--check"])
    assert sbom.main() == 0


def test_the_tool_runs_as_a_program(root: Path):
    done = subprocess.run([sys.executable, root / "tools" / "sbom.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
