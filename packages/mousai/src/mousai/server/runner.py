"""Runs one job on the model: progress, cancel at the next step or iteration, and the file that comes of it."""

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from dmae import interruptible
from mousai.arguments import PromptCutWarning, UnknownWordsWarning
from mousai.audio.files import read_metadata
from mousai.errors import UserError
from mousai.server.errors import sentence_of
from mousai.server.files import FileStore, StoredFile
from mousai.server.job import Canceled, Job, JobFailed
from mousai.server.live.player import play
from mousai.server.verbs.base import Made
from mousai.verbs.command_line import option_words, stored_command

if TYPE_CHECKING:
    from mousai.pipeline import Mousai


class Runner:
    """The model, and how a job is done on it.

    Args:
        pipe: the model.
        facts: what results store of it.
        files: the store.
        on_change: called after each step of a job.
    """

    def __init__(
        self, pipe: "Mousai", facts: Mapping[str, str], files: FileStore, on_change: Callable[[Job], None]
    ) -> None:
        self._pipe, self._facts, self._files, self._on_change = pipe, facts, files, on_change
        self._composing = 0.4  # share of a piece's time that composing takes; from the last job, if there was one

    def run(self, job: Job) -> None:
        """Do a job and store its result.

        Raises:
            Canceled: somebody asked for it; nothing is stored.
            JobFailed: what was asked for cannot be done.
        """
        try:
            self._make(job)
        except UserError as mistake:
            raise JobFailed(self._sentence(job, mistake)) from mistake

    def _make(self, job: Job) -> None:
        if job.feed is not None:
            with _quiet():
                play(self._pipe, job, job.feed)
            return
        wanted: Any = job.input
        clock = _Clock(job, self._on_change, passes=wanted.passes(self._files), composing=self._composing)
        self._pipe.set_progress_bar_config(disable=True, listener=clock)
        prompt = wanted.prompt
        if prompt is not None:
            job.logs = self._remarks(prompt)
        with _quiet(), interruptible(clock.heed):
            made = wanted.make(self._pipe, self._files)
        if job.cancel_wanted:
            raise Canceled
        self._composing = clock.learned()
        container = wanted.response_format
        name, path = self._files.new_path(f".{container}")
        made.output.save(path, metadata={**self._facts, **made.facts, **self._command(made)})
        frames, rate = made.output.audios.shape[-1], made.output.sample_rate
        job.audio_seconds = frames / rate
        job.result = self._files.add(
            StoredFile(
                id=name,
                path=path,
                kind="result",
                container=container,
                size=path.stat().st_size,
                seconds=job.audio_seconds,
                sample_rate=rate,
                channels=made.output.audios.shape[-2],
                peak=float(torch.as_tensor(made.output.audios).abs().max()),
                made=read_metadata(path),
            )
        ).id

    def _command(self, made: Made) -> dict[str, str]:
        """Return what a result stores of the command line that makes it again, with this model; or that none does."""
        if not made.command:
            return {}
        model = {name: value for name, value in self._facts.items() if (name, value) != ("model", "bundled")}
        words = [*made.command, *option_words({**model, "dtype": made.output.settings.get("dtype")})]
        # A prompt that begins with a dash would be taken for an option, and may be a stranger's.
        command = None if any(prompt.startswith("-") for prompt in made.output.prompts) else stored_command(words)
        return {"beside_prompt": "command"} if command is None else {"command": command}

    def _remarks(self, prompt: str) -> str:
        """Say what the text encoder does not read of a prompt."""
        found = []
        if unseen := self._pipe.unseen(prompt):
            found.append(f"the prompt is too long, not seen of it: {' '.join(unseen.split())!r}")
        if line := self._pipe.not_understood(prompt):
            found.append(line)
        return "; ".join(found)

    def _sentence(self, job: Job, error: UserError) -> str:
        """Return the one line of an error that a job ended with; it names no path of the server."""
        tune = getattr(job.input, "melody", None)
        fields = {name: "melody" if name == tune else "recording" for name in job.input.files()}
        paths = {str(self._files.get(name).path): field for name, field in fields.items()}
        return sentence_of(error, paths).replace(f"{self._files.folder}{os.sep}", "")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the logs of a job say of its prompt."""
    with warnings.catch_warnings():
        for kind in (PromptCutWarning, UnknownWordsWarning):
            warnings.simplefilter("ignore", kind)
        yield


class _Clock:
    """Listener of the model's steps: writes them into the job with the time left, and ends a job that is canceled."""

    def __init__(self, job: Job, on_change: Callable[[Job], None], *, passes: int, composing: float) -> None:
        self._job, self._on_change, self._passes, self._composing = job, on_change, passes, composing
        self._begun = time.monotonic()
        self._done = 0  # passes through both stages
        self._composed = 0.0  # second at which the first pass had composed

    def __call__(self, stage: str, step: int, total: int) -> None:
        self.heed()
        job = self._job
        elapsed = time.monotonic() - self._begun
        if stage == "latent_diffusion":
            self._done += job.stage == "decoder"
            if self._done == 0:
                self._composed = elapsed
            part = self._composing * step / total
        else:
            part = self._composing + (1 - self._composing) * step / total
        job.stage, job.step, job.total = stage, step, total
        share = min((self._done + part) / self._passes, 1.0)
        job.seconds_left = elapsed / share - elapsed
        self._on_change(job)

    def heed(self) -> None:
        """Raise `Canceled` where somebody asked for it."""
        if self._job.cancel_wanted:
            raise Canceled

    def learned(self) -> float:
        """Share of a pass that composing took."""
        whole = (time.monotonic() - self._begun) / self._passes
        return min(max(self._composed / whole, 0.05), 0.95)
