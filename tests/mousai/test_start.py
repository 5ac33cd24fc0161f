"""What a command imports before there is music: each of these would cost more time than the music does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {
    *("transformers", "torch._dynamo", "torch._inductor", "torch.distributed.tensor", "sympy", "scipy", "sklearn"),
    *("librosa", "numba", "soxr", "matplotlib", "lightning", "torchaudio", "torchmetrics", "huggingface_hub"),
    *("fastapi", "uvicorn", "pydantic", "ray", "pandas", "requests"),
}
GENERATE = "mousai.cli.main(['generate', 'piano', '--duration', '0.1', '--steps', '1', '-o', sys.argv[1]])"


@pytest.mark.parametrize("statement", ["mousai.Mousai.from_pretrained()", f"assert {GENERATE} == 0"])
def test_the_bundled_model_waits_for_nothing_that_it_does_not_use(tmp_path: Path, statement: str):
    code = f"import sys, mousai, mousai.cli\n{statement}\nprint(*sorted({SLOW!r} & set(sys.modules)))"
    words = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.wav")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "", done.stdout
    assert (tmp_path / "a.wav").exists() == ("generate" in statement)


@pytest.mark.parametrize(("said", "found"), [(None, "PASSIVE"), ("active", "ACTIVE")])
def test_threads_of_a_command_sleep_while_they_wait_unless_the_user_says_how(said: str | None, found: str):
    code = "from mousai.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nimport torch"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    environment |= {"OMP_DISPLAY_ENV": "true"} | ({} if said is None else {"OMP_WAIT_POLICY": said})
    # PyTorch's OpenMP prints how its threads wait.
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert re.findall(r"OMP_WAIT_POLICY ?= ?'(\w+)'", told.stderr) == [found]
