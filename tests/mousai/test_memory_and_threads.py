"""Memory that runs out is one line that holds nothing; threads with one pipeline do not change each other's calls."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch

from mousai import Mousai, UserError
from mousai.device import plain_defaults
from mousai.errors import OutOfMemory, out_of_memory, tells_memory


@pytest.mark.parametrize(
    ("error", "size"),
    [
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 41300000000 bytes."),
            "41.3 GB",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has"), "20.00 GiB"),
        (MemoryError("Unable to allocate 1.50 GiB for an array with shape (1,)"), "1.50 GiB"),
        (RuntimeError("tried to allocate 21600000 bytes: not enough memory"), "21.6 MB"),
    ],
)
def test_the_line_says_how_much_and_what_helps(error, size):
    found = out_of_memory(error, "give less")
    assert str(found) == f"too little memory: {size} more are needed at once; give less"


def test_other_errors_are_no_lack_of_memory():
    assert str(out_of_memory(MemoryError(), "give less")) == "too little memory; give less"
    assert out_of_memory(RuntimeError("shapes do not fit"), "give less") is None
    with pytest.raises(RuntimeError, match="shapes"):
        tells_memory("give less")(_raise)()


def _raise():
    raise RuntimeError("shapes do not fit")


def test_the_error_holds_nothing_of_what_was_made():
    made = []

    @tells_memory("give less")
    def fails():
        large = np.zeros(1000)
        made.append(weakref.ref(large))
        raise MemoryError

    with pytest.raises(OutOfMemory) as caught:
        fails()
    gc.collect()
    assert made[0]() is None and caught.value.__context__ is None


@pytest.fixture(scope="module")
def pipeline(saved_model):
    found = Mousai.from_pretrained(saved_model, device="cpu", dtype="float32")
    found.set_progress_bar_config(disable=True)
    return found


def test_calls_in_four_threads_are_those_of_calls_alone(pipeline):
    def make(number: int) -> torch.Tensor:
        def callback(pipe, step, t, values):
            pipe._interrupt = number % 2 == 0  # every other call stops itself after a step
            return values

        return pipeline("jazz", duration=0.1, seed=number, callback_on_step_end=callback).audios

    alone = [make(number) for number in range(4)]
    found: dict[int, torch.Tensor] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: make(k)})) for k in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [0, 1, 2, 3]
    assert all(torch.equal(found[k], alone[k]) for k in range(4))


def test_a_thread_without_a_call_stops_all(pipeline):
    steps = []

    def callback(pipe, step, t, values):
        steps.append(step)
        other = threading.Thread(target=lambda: setattr(pipe, "_interrupt", True))
        other.start()
        other.join()

    pipeline("jazz", duration=0.1, seed=0, callback_on_step_end=callback)
    assert steps == [0] and not pipeline._interrupt


def test_the_default_dtype_is_float32_until_the_last_thread_is_out():
    inside, leave = threading.Event(), threading.Event()

    def other():
        with plain_defaults():
            inside.set()
            leave.wait(10)

    torch.set_default_dtype(torch.float64)
    try:
        with plain_defaults():
            thread = threading.Thread(target=other)
            thread.start()
            inside.wait(10)
        assert torch.get_default_dtype() == torch.float32  # the other is still inside
        leave.set()
        thread.join()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_store_of_a_killed_server_is_removed_by_the_next(tmp_path, monkeypatch):
    import subprocess
    import sys

    from mousai.server.files import FileStore

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    script = (
        "import os, tempfile, sys\ntempfile.tempdir = sys.argv[1]\nfrom mousai.server.files import FileStore\n"
        "store = FileStore(keep=1.0, limit=10)\n(store.folder / 'a.wav').write_text('x')\nos.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    store = FileStore(keep=1.0, limit=10)
    assert list(tmp_path.iterdir()) == [store.folder] and store.folder.stat().st_mode & 0o777 == 0o700
    store.close()
    assert not list(tmp_path.iterdir())


def test_no_memory_is_a_user_error():
    assert issubclass(OutOfMemory, UserError)
