"""Rules against what runs code out of a file or a text: they bite, and the places that are let off are these few."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

RULES = {"S102", "S202", "S301", "S302", "S307", "S323", "S501", "S506", "S602", "S604", "S605", "TID251"}
MOUSAI = "packages/mousai/src/mousai"
AUDITED = {
    f"{MOUSAI}/convert/pickles.py": {"S301", "TID251"},
    f"{MOUSAI}/training/checkpoint_files.py": {"TID251"},
    f"{MOUSAI}/evaluation/limits.py": {"S506"},
}
"""Files of the packages that are let off a rule. One more is a decision: it gets a row here and a reason there."""

SNIPPETS = {
    "import torch\n\ntorch.load('a.ckpt', weights_only=True)\n": {"TID251"},
    "from torch import load\n\nload('a.ckpt')\n": {"TID251"},
    "import pickle\n\npickle.loads(b'')\n": {"TID251", "S301"},
    "from pickle import load\n\nload(open('a', 'rb'))\n": {"TID251", "S301"},
    "import cloudpickle\n\ncloudpickle.loads(b'')\n": {"TID251"},
    "import dill\n\ndill.loads(b'')\n": {"TID251", "S301"},
    "import joblib\n\njoblib.load('a')\n": {"TID251"},
    "import shelve\n\nshelve.open('a')\n": {"TID251", "S301"},
    "import marshal\n\nmarshal.loads(b'')\n": {"TID251", "S302"},
    "import subprocess\n\nsubprocess.run('ls', shell=True)\n": {"S602"},
    "import os\n\nname = 'a'\nos.system('ls ' + name)\n": {"S605"},
    "import os\n\nname = 'a'\nos.popen('ls ' + name)\n": {"S605"},
    "def call(shell):\n    return shell\n\n\ncall(shell=True)\n": {"S604"},
    "text = '1'\neval(text)\n": {"S307"},
    "text = '1'\nexec(text)\n": {"S102"},
    "import yaml\n\nyaml.load('a: 1', Loader=yaml.Loader)\n": {"S506"},
    "import tarfile\n\nwith tarfile.open('a') as file:\n    file.extractall('b')\n": {"S202"},
    "import ssl\n\nssl._create_unverified_context()\n": {"S323"},
    "import httpx\n\nhttpx.get('https://a', verify=False)\n": {"S501"},
    # What is read as data.
    "import json\n\njson.loads('1')\n": set(),
    "import yaml\n\nyaml.safe_load('a: 1')\n": set(),
    "import subprocess\n\nsubprocess.run(['ls'])\n": set(),
    "import torch\n\nnet = torch.nn.Linear(1, 1)\nnet.eval()\n": set(),
}


def found(root: Path, text: str, name: str) -> set[str]:
    """Which of the rules a text breaks, if it stood in that file."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "json", "--stdin-filename", name, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {fault["code"] for fault in json.loads(done.stdout)} & RULES


@pytest.fixture(scope="module")
def lint(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]


def test_the_rules_are_on(lint: dict):
    assert set(lint["select"]) >= RULES and not RULES & set(lint["ignore"])


@pytest.mark.parametrize("text", SNIPPETS)
def test_what_runs_a_file_is_refused_in_every_package(root: Path, text: str):
    assert found(root, text, f"{MOUSAI}/storage/anything.py") == SNIPPETS[text]


@pytest.mark.parametrize("name", ["packages/dmae/src/dmae/x.py", "packages/unet1d/src/unet1d/x.py", "tools/gpu/x.py"])
def test_the_rules_hold_in_every_folder_that_is_shipped_or_run(root: Path, name: str):
    assert found(root, "import pickle\n\npickle.loads(b'')\n", name) == {"TID251", "S301"}


def test_the_audited_places_are_these_and_each_is_let_off_its_own_rule_alone(root: Path, lint: dict):
    let_off = {name: set(rules) & RULES for name, rules in lint["per-file-ignores"].items() if set(rules) & RULES}
    outside = {name for name in let_off if not name.startswith("packages/")}
    assert outside == {"tests/**", "benchmarks/reliability/forks.py"}
    assert {name: rules for name, rules in let_off.items() if name not in outside} == AUDITED
    for name in AUDITED:
        assert found(root, "import subprocess\n\nsubprocess.run('ls', shell=True)\n", name) == {"S602"}


def test_no_line_lets_itself_off(root: Path):
    silenced = re.compile(r"#\s*noqa\s*(?::.*\b(S\d+|TID251)\b.*)?$|#\s*ruff:\s*noqa", re.MULTILINE)
    for path in (root / "packages").rglob("*.py"):
        assert not (hit := silenced.search(path.read_text(encoding="utf-8"))), f"{path}: {hit and hit[0]}"


def test_where_pickles_are_read_it_is_tensors_alone(root: Path):
    count = 0
    for name in AUDITED:
        for node in ast.walk(ast.parse((root / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("torch.load", "pickle.", "load(")):
                count += 1
                assert ast.unparse(node.func) == "torch.load"
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert given["weights_only"] == "True", f"{name}:{node.lineno}"
    assert count == 2
