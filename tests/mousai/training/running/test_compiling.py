"""`loop.compile`: what it needs, and what becomes of a fault of PyTorch's own compiler."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch._dynamo.exc import BackendCompilerFailed
from torch._inductor.exc import InductorError

from mousai.errors import UserError
from mousai.training.compiling import compiler_faults
from mousai.training.run import train


def test_a_fault_of_the_compiler_is_one_line(tmp_path: Path, make_settings: Any, monkeypatch: pytest.MonkeyPatch):
    def compiled(net: torch.nn.Module, **how: object) -> None:
        def fail(*inputs: object) -> None:
            raise InductorError(AssertionError("({y0: 2},\n {y0: 4})"), None)

        net.register_forward_pre_hook(fail)

    monkeypatch.setattr(torch.nn.Module, "compile", compiled)
    config = make_settings("latent-diffusion", tmp_path / "run", compile=True, max_steps=1)
    with pytest.raises(UserError, match=r"^loop\.compile=True: the compiler of PyTorch .* \(AssertionError.*leave it"):
        train(config)


def test_without_a_compiler_nothing_is_begun(tmp_path: Path, make_settings: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"^loop\.compile=True: needs a C\+\+ compiler"):
        train(make_settings("latent-diffusion", tmp_path / "run", compile=True))
    assert not (tmp_path / "run").exists()


def test_a_fault_of_a_backend_is_told_with_its_reason():
    def inductor() -> None: ...

    message = r"^loop\.compile=True: the compiler .* \(ValueError: ranges differ\); leave it out$"
    with pytest.raises(UserError, match=message), compiler_faults(True):
        raise BackendCompilerFailed(inductor, ValueError("ranges differ\nin two nodes"), None)


@pytest.mark.parametrize(("asked", "error"), [(False, InductorError(ValueError("a"), None)), (True, RuntimeError("b"))])
def test_other_errors_pass_as_they_are(asked: bool, error: RuntimeError):
    with pytest.raises(type(error)), compiler_faults(asked):
        raise error
