"""The lowest versions that packages of this repository allow, as constraints for pip.

    python tools/bounds.py unet1d vdiffusion dmae > lowest.txt
    pip install --constraint lowest.txt packages/unet1d packages/vdiffusion packages/dmae pytest hypothesis

Then `pytest tests/unet1d tests/vdiffusion tests/dmae` tells whether the lower bounds hold. `mousai[train]` is a package
with its extra.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PACKAGES = Path(__file__).parents[1] / "packages"


def lowest(names: list[str]) -> list[str]:
    """Lines `name==version`, sorted; the highest of the lower bounds where several packages ask for the same.

    Args:
        names: folders below `packages`, each with extras in brackets or without.

    Raises:
        ValueError: there is no such package, or it has no such extra.
    """
    found: dict[str, Version] = {}
    for name in names:
        folder, _, inside = name.rstrip("]").partition("[")
        path = PACKAGES / folder / "pyproject.toml"
        if not re.fullmatch(r"\w+", folder) or not path.is_file():
            raise ValueError(f"{folder} is no package of {', '.join(sorted(each.name for each in PACKAGES.iterdir()))}")
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        asked = list(project["dependencies"])
        for extra in filter(None, inside.split(",")):
            if extra not in project.get("optional-dependencies", {}):
                raise ValueError(f"{folder} has no extra {extra}")
            asked += project["optional-dependencies"][extra]
        for requirement in map(Requirement, asked):
            distribution = canonicalize_name(requirement.name)
            if distribution.startswith("mousai-"):
                continue  # of this repository, which is installed from its folder
            (bound,) = (Version(one.version) for one in requirement.specifier if one.operator == ">=")
            found[distribution] = max(bound, found.get(distribution, bound))
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def main() -> int:
    """Print the constraints; 2 and one line where a name is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "packages", nargs="+", metavar="PACKAGE", help="folder below packages, with [extras] or without"
    )
    try:
        print("\n".join(lowest(parser.parse_args().packages)))
    except ValueError as error:
        print(f"bounds.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
