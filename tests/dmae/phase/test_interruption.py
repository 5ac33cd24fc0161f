"""Griffin-Lim that somebody wants no longer, ended between two iterations."""

import contextvars
import threading

import pytest
import torch

from dmae import griffin_lim, interruptible
from dmae.phase import initial_estimate

N_FFT, HOP, LENGTH = 64, 16, 512
WINDOW = torch.hann_window(N_FFT)


class Unwanted(Exception):
    """What a check raises."""


class Check:
    """Counts how often it is called, and raises at the call of that number."""

    def __init__(self, end: int | None = None) -> None:
        self.calls, self.end = 0, end

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.end:
            raise Unwanted


def solve(iterations: int) -> torch.Tensor:
    spectrum = torch.stft(
        torch.sin(torch.arange(LENGTH) / 5), N_FFT, HOP, window=WINDOW, pad_mode="constant", return_complex=True
    )
    start = torch.ones_like(spectrum)
    return griffin_lim(
        spectrum.abs(), start, window=WINDOW, hop_length=HOP, length=LENGTH, iterations=iterations, momentum=0.5
    )


def test_a_check_that_raises_ends_the_iterations_with_its_error():
    check = Check(end=4)
    with pytest.raises(Unwanted), interruptible(check):
        solve(10**9)  # which nobody waits for
    assert check.calls == 4


def test_a_check_is_called_before_every_iteration_and_changes_nothing():
    check = Check()
    with interruptible(check):
        heeded = solve(7)
    assert check.calls == 7 and torch.equal(heeded, solve(7))
    assert check.calls == 7  # the context is over


def test_contexts_in_each_other_are_all_asked_the_outer_one_first():
    outer, inner = Check(end=2), Check()
    with pytest.raises(Unwanted), interruptible(outer), interruptible(inner):
        solve(5)
    assert (outer.calls, inner.calls) == (2, 1)


def test_a_context_is_over_after_an_error_too():
    with pytest.raises(Unwanted), interruptible(Check(end=1)):
        solve(1)
    solve(1)


def test_other_threads_are_not_asked():
    check = Check(end=1)
    made: list[torch.Tensor] = []
    thread = threading.Thread(target=lambda: made.append(contextvars.Context().run(solve, 2)))
    with interruptible(check):
        thread.start()
        thread.join()
    assert len(made) == 1 and check.calls == 0


def test_the_bass_is_left_too():
    check = Check(end=3)
    magnitudes = torch.rand(1, 1, 513, 17)
    with pytest.raises(Unwanted), interruptible(check):
        initial_estimate(
            magnitudes,
            torch.zeros(1, 1, 513),
            window=torch.hann_window(1024),
            hop_length=256,
            length=4096,
            iterations=10**9,
        )
    assert check.calls == 3
