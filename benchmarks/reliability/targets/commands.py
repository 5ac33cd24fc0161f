"""Command lines with words left out, changed and added."""

import contextlib
import io
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.reliability.miniature import save_controlled, save_miniature
from benchmarks.reliability.mutate import mutated_words
from benchmarks.reliability.samples import write_adapter, write_music
from benchmarks.reliability.targets.base import Target
from mousai.cli import COMMANDS, build_parser, main
from mousai.errors import options_of

_LINES = (
    "generate|calm piano pop, 100 bpm|-o|a.wav|--model|model|--duration|4|--seed|3|--steps|5",
    "generate|jazz in A minor|rock|-o|a.flac|--model|model|--count|2|--negative-prompt|drums|--lora|a.safetensors",
    "generate|pop, 100 bpm|-o|a.ogg|--model|model|--chords|Am F C G|--form|verse:4 chorus:4|--best-of|2",
    "edit|0.wav|rock, 100 bpm|--region|0.05:0.1|-o|a.wav|--model|model|--tempo|100|--first-downbeat|0|--key|A minor",
    "edit|0.wav|rock|--bars|1:2|-o|a.wav|--model|model|--tempo|300|--first-downbeat|0|--key|A minor|--overwrite",
    "extend|0.wav|pop|--after|2|--before|1|-o|a.wav|--model|model|--tempo|100|--first-downbeat|0|--key|A minor",
    "vary|0.wav|jazz|--strength|0.5|-o|a.flac|--model|model|--tempo|100|--first-downbeat|0|--key|A minor|--seed|2",
    "loop|house, 124 bpm|--bars|8|-o|a.wav|--model|model|--key|A minor",
    "loop|--of|0.wav|--region|0:0.2|house|-o|a.wav|--model|model|--tempo|124|--first-downbeat|0|--key|A minor",
    "play|jazz, 120 bpm|--seconds|4|-o|a.flac|--model|model",
    "play|house, 124 bpm|-o|-|--format|s16le|--model|model",
    "reconstruct|0.wav|-o|a.wav|--model|model|--decoder-steps|3",
    "encode|0.wav|-o|b.safetensors|--model|model|--dtype|float32",
    "decode|a.safetensors|-o|a.wav|--model|model|--seed|3",
    "info|model",
    "info|0.wav",
    "info|a.safetensors|--model|model",
    "info|owner/name|--revision|abc",
    "data|check|music|--workers|1|--report|r.json",
    "data|shard|music|-o|shards|--songs-per-shard|2|--workers|1",
    "train|latent-diffusion|--data|music|--out|run|--from|model|--loop.max_steps|2|--loop.batch|2|--device|cpu",
    "train|autoencoder|--config|c.yaml|--data|music|--out|run|--optimizer.learning_rate|1e-3|--ema.beta|0.9",
    "export|run|-o|m|--dtype|bfloat16|--set|guidance_scale=4|--about|mine",
    "export|model|--part|autoencoder|--layout|audio-diffusion-pytorch|-o|b.safetensors|--compact",
    "import|a.safetensors|--set|attention_heads=12|--text-encoder|t|--text-encoder-revision|abc|-o|m",
    "evaluate|model|--clips|clips|-o|evaluation|--quick|--songs|0|--seed|3|--long|60",
    "compose|--songs|2|--out|songs|--seed|3|--duration|4|--palette|all|--lead-level|3|--genre|jazz|--dry|--stems",
    "serve|--port|0|--queue|8|--max-duration|120|--model|model|--api-key-env|HOME|--cors|https://a.example.org",
    "ui|--port|0|--no-browser|--model|model",
)
_SLOW = ("train", "evaluate")  # their parsers, of hundreds of settings, take a tenth of a second


class _Begun(BaseException):
    """The command was found right, and would now begin its work."""


def _begin(*_: object, **__: object) -> None:
    raise _Begun


class Commands(Target):
    """Command lines, up to the moment at which weights would be loaded, or the work would begin."""

    share = 0.04

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._work = folder / "work"
        save_miniature(folder / "plain")
        self._work.mkdir()
        save_controlled(self._work / "model", folder / "plain")
        write_music(self._work / "music")
        write_adapter(self._work / "a.safetensors", self._work / "model")
        shutil.copy(self._work / "music" / "0.wav", self._work)
        (self._work / "c.yaml").write_text("loop:\n  batch: 2\n")
        self._kept = {path.name for path in self._work.iterdir()}
        self._options = sorted(
            {one for name in COMMANDS for one in options_of(build_parser(name)).values()} | {"--help"}
        )
        self._lines = [line.split("|") for line in _LINES]
        self._weights = [0.1 if words[0] in _SLOW else 1.0 for words in self._lines]

    def make(self, rng: random.Random, place: Path) -> Any:
        """Mutate a command line."""
        words = mutated_words(rng, rng.choices(self._lines, self._weights)[0], self._options)
        return [_inside(word) for word in words]

    def run(self, case: Any, place: Path) -> bool:
        """Run it in a folder where there is everything that it names."""
        before = os.getcwd()
        os.chdir(self._work)
        try:
            code, err = _result(case)
        finally:
            os.chdir(before)
            self._clean()
        assert code in (0, 1, 2), f"exit code {code}"
        assert "Traceback" not in err, err
        errors = [line for line in err.splitlines() if line.startswith("mousai: error: ")]
        if code == 2 and case:
            assert len(errors) == 1 and err.endswith(f"{errors[0]}\n"), f"not one line at the end: {err!r}"
        assert all(letter == "\n" or letter == "\r" or letter.isprintable() for letter in err), f"unprintable: {err!a}"
        return code == 0

    def _clean(self) -> None:
        left = []
        for path in self._work.iterdir():
            if path.name.startswith(".mousai-"):
                left.append(path.name)
            if path.name not in self._kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert not left, f"left behind: {left}"


def _result(words: list[str]) -> tuple[int, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _stopped_where_work_begins():
        try:
            code = main(words)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
        except _Begun:
            code = 0
    return code, err.buffer.getvalue().decode()  # type: ignore[attr-defined]


@contextlib.contextmanager
def _stopped_where_work_begins() -> Iterator[None]:
    import mousai.codec
    import mousai.compose.dataset
    import mousai.evaluation.run
    import mousai.pipeline
    import mousai.server.run
    import mousai.training.run

    with contextlib.ExitStack() as stack:
        for where, name in (
            (mousai.pipeline.Mousai, "from_pretrained"),
            (mousai.codec.Codec, "from_pretrained"),
            (mousai.compose.dataset, "check_tools"),  # which writes soundfonts into the cache
            (mousai.evaluation.run, "evaluate"),
            (mousai.server.run, "serve"),
            (mousai.training.run, "_fit"),
            (mousai.training.run, "build"),
        ):
            stack.enter_context(mock.patch.object(where, name, _begin))
        stack.enter_context(mock.patch.object(sys, "stdin", io.StringIO()))
        yield


def _inside(word: str) -> str:
    """A word that names nothing outside of the folder that the command runs in, whatever a mutation made of it."""
    head, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    value = value.replace("..", ".").replace("\0", "0").replace("pipe:", "pipe")
    return f"{head}{equals}{value.lstrip('/') if value.startswith('/') else value}"
