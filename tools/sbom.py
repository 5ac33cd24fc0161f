"""A bill of materials of each package, CycloneDX 1.7 in JSON, which its wheel carries (PEP 770).

`python tools/sbom.py` writes `packages/*/*.cdx.json`; `--check` only tells whether they are as they should be.

A bill names what the package asks for, with the bounds of its `pyproject.toml`, and what the wheel holds beside source
code of this repository, with licence and SHA-256. It holds no date, so that the same sources give the same bytes.
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = Path(__file__).parents[1] / "packages"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom-1.7.schema.json")


def bill(folder: Path) -> dict[str, Any]:
    """The bill of materials of a package.

    Args:
        folder: its folder below `packages`.
    """
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = folder / "src" / folder.name
    found = re.search(r'^__version__ = "(.+)"$', (source / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    name, version = project["name"], found[1]
    root = f"pkg:pypi/{name}@{version}"
    bundled = list(_bundled(source, version))
    asked = _asked(project)
    subject = {
        "type": "library",
        "bom-ref": root,
        "name": name,
        "version": version,
        "description": project["description"],
        "purl": root,
        **_licence(project["license"]),
        **({"components": bundled} if bundled else {}),
    }
    content = {
        "metadata": {
            "lifecycles": [{"phase": "pre-build"}],
            "tools": {"components": [{"type": "application", "name": "tools/sbom.py", "version": version}]},
            "component": subject,
        },
        "components": asked,
        "dependencies": [
            {"ref": root, "dependsOn": [one["bom-ref"] for one in (*asked, *bundled)]},
            *({"ref": one["bom-ref"]} for one in (*asked, *bundled)),
        ],
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, json.dumps(content, sort_keys=True))}",
        "version": 1,
        **content,
    }


def bill_text(folder: Path) -> str:
    """The file that a package's bill is."""
    return json.dumps(bill(folder), indent=2, ensure_ascii=False) + "\n"


def bill_path(folder: Path) -> Path:
    """Where a package's bill lies: beside its `pyproject.toml`."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return folder / f"{project['name']}.cdx.json"


def _asked(project: dict[str, Any]) -> list[dict[str, Any]]:
    """The distributions that a project asks for, always or with an extra; none of them is in the wheel."""
    groups = {None: project["dependencies"], **project.get("optional-dependencies", {})}
    found: dict[str, dict[str, Any]] = {}
    for extra, requirements in groups.items():
        for requirement in map(Requirement, requirements):
            name = canonicalize_name(requirement.name)
            # Lower bounds first, as a version range is written.
            bounds = sorted(map(str, requirement.specifier), key=lambda bound: (bound[0] != ">", bound))
            one = found.setdefault(
                name,
                {
                    "type": "library",
                    "bom-ref": f"pkg:pypi/{name}",
                    "name": name,
                    "versionRange": f"vers:pypi/{'|'.join(bounds)}",
                    "scope": "required" if extra is None else "optional",
                    "purl": f"pkg:pypi/{name}",
                    "isExternal": True,
                },
            )
            if extra is not None:
                one.setdefault("properties", []).append({"name": "mousai:extra", "value": extra})
            assert one["versionRange"] == f"vers:pypi/{'|'.join(bounds)}", f"{name} is asked for in two ranges"
    return [found[name] for name in sorted(found)]


def _bundled(source: Path, version: str) -> Iterator[dict[str, Any]]:
    """What the wheel holds beside source code of this repository: weights, and code of others."""
    model, judges, vendor = (
        source / "models" / "tiny",
        source / "evaluation/judges/weights",
        source / "server/page/vendor",
    )
    if model.is_dir():
        yield _part(
            "machine-learning-model", "mousai tiny", version, "MIT", sorted(model.rglob("*.safetensors")), source
        )
    if judges.is_dir():
        yield _part("machine-learning-model", "mousai judges", version, "MIT", sorted(judges.glob("*.npz")), source)
    if vendor.is_dir():
        title = (vendor / "README.md").read_text(encoding="utf-8").splitlines()[0]
        name, of = title.removeprefix("# ").split()
        part = _part("library", name, of, "BSD-3-Clause", sorted(vendor.glob("*.js")), source)
        yield part | {"bom-ref": f"pkg:npm/{name}@{of}", "purl": f"pkg:npm/{name}@{of}"}


def _part(kind: str, name: str, version: str, licence: str, files: list[Path], source: Path) -> dict[str, Any]:
    held = [
        {
            "type": "file",
            "name": f"{source.name}/{file.relative_to(source).as_posix()}",
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}],
        }
        for file in files
    ]
    about = {"type": kind, "bom-ref": f"{name}@{version}", "name": name, "version": version}
    return {**about, "scope": "required", **_licence(licence), "components": held}


def _licence(name: str) -> dict[str, Any]:
    return {"licenses": [{"license": {"id": name, "acknowledgement": "declared"}}]}


def main() -> int:
    """Write the bills, or check them; 1 where one was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a bill is missing or old")
    check = parser.parse_args().check
    old = False
    for folder in sorted(path.parent for path in PACKAGES.glob("*/pyproject.toml")):
        path, text = bill_path(folder), bill_text(folder)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        old = True
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.relative_to(PACKAGES.parent)}: {'is missing or old' if check else 'written'}")
    return int(old and check)


if __name__ == "__main__":
    sys.exit(main())
