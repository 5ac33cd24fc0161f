"""Every `mousai` command that a README or a page of the documentation shows is one that the program takes."""

import re
import shlex
from pathlib import Path

import pytest

from mousai.cli import build_parser
from mousai.cli.train import read_config

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("packages/**/README.md"))
    if "mousai" in path.read_text(encoding="utf-8")
)


def commands(page: Path) -> list[list[str]]:
    """Words of every command in a shell block or an indented one, without what stands before `mousai`."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, flags=re.DOTALL)
    blocks += ["\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = (re.search(r"(?:^|&& |hatch run )mousai (?=[a-z])(.*)", line) for line in lines)
    return [shlex.split(match[1], comments=True) for match in found if match]


FOUND = [(page.relative_to(ROOT).as_posix(), words) for page in PAGES for words in commands(page)]


def test_they_are_found():
    shown = {page for page, _ in FOUND}
    assert {"README.md", "docs/train-on-your-own-music.md", "packages/mousai/README.md"} <= shown
    assert len(FOUND) > 25


@pytest.mark.parametrize(("page", "words"), FOUND, ids=[f"{page} {' '.join(words)}" for page, words in FOUND])
def test_the_program_takes_it(page, words):
    parsed = build_parser(words[0]).parse_args(words)
    if words[0] == "train" and "--print-config" not in words:
        assert read_config(parsed.stage, parsed.rest).out
