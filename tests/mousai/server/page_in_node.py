"""The page's modules in node: a script that imports them, and as much of a browser as they ask for."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node (Debian, Ubuntu: apt-get install nodejs)")


def run(modules: Path, script: str, given: Any = None) -> Any:
    """What `script` returns, the body of an asynchronous function of `given`; 10 s are the most that it may take."""
    text = (
        f"const given = {json.dumps(given)};\n"
        "const main = async () => {" + script + "};\n"
        "main().then((found) => { console.log(JSON.stringify(found)); process.exit(0); });\n"
    )
    (modules / "main.js").write_text(text)
    assert NODE is not None
    done = subprocess.run([NODE, modules / "main.js"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


STUBS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
"""As much of a browser as the page's modules ask for, to stand before a script."""
