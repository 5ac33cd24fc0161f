"""Commands that write, each short: what it needs beforehand, how it is finished after a kill, what must come of it."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.reliability.forks import Forks
from benchmarks.reliability.miniature import save_miniature
from benchmarks.reliability.samples import tone, write_music
from mousai.audio.files import write_audio
from mousai.storage.leftovers import PREFIX
from mousai.training.checkpoint_files import PARTIAL

_MODEL = ("--model", "model", "--dtype", "float32", "--device", "cpu")
_CLOCK = ("--tempo", "300", "--first-downbeat", "0", "--key", "A minor")
_TRAIN = (
    *(
        "train",
        "latent-diffusion",
        "--data",
        "music",
        "--from",
        "model",
        "--autoencoder",
        "model",
        "--device",
        "cpu",
        "--loop.max_steps",
    ),
    *("3", "--loop.batch", "2", "--loop.workers", "0", "--crops.frames", "4", "--crops.offsets", "1"),
    *("--checkpointing.every_steps", "1", "--logging.log_every", "1", "--logging.listen_every", "0"),
    *("--logging.validate_every", "0", "--logging.logger", "csv", "--logging.validation_share", "0"),
)


@dataclass(frozen=True)
class Job:
    """A command that writes.

    Args:
        words: words of the command line.
        old: words of the command that makes what stands there before; None where nothing does.
        own: files and folders that it writes.
        facts: what is compared of a file: by default a hash of its bytes. None is nothing.
        between: patterns of files that are there only until the end, each of them whole.
    """

    words: tuple[str, ...]
    old: tuple[str, ...] | None = None
    own: tuple[str, ...] = ()
    facts: Callable[[Path], Any] = field(default=lambda path: sha256(path.read_bytes()).hexdigest())
    between: tuple[str, ...] = ()


def checkpoint_facts(path: Path) -> Any:
    """What must be the same of a file of a run: the state in a checkpoint, other files by their bytes, no logs."""
    from mousai.training.checkpoint_files import read_checkpoint

    if path.suffix == ".ckpt":
        saved = read_checkpoint(path)
        state = {key: saved[key] for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step")}
        return _hash_of([state, saved["callbacks"].get("EMA")])
    if path.name == "config.json":
        values = json.loads(path.read_text())
        values.pop("out")  # as it was typed, and in full once the folder is there
        return _hash_of(values)
    if path.parent.name in ("checkpoints", "latents") or path.suffix == ".json":
        return sha256(path.read_bytes()).hexdigest()
    return None  # the log has times in it, the lock the number of the process


def _hash_of(value: Any) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return sha256(
            value.contiguous().view(torch.uint8).numpy().tobytes() if value.ndim else repr(value).encode()
        ).hexdigest()
    if isinstance(value, Mapping):
        return _hash_of([(str(key), _hash_of(one)) for key, one in value.items()])
    if isinstance(value, list | tuple):
        return sha256(repr([one if isinstance(one, str) else _hash_of(one) for one in value]).encode()).hexdigest()
    return repr(value)


def shard_facts(path: Path) -> Any:
    """Hash of a file of shards; "half" of a description that is no JSON."""
    return sha256(path.read_bytes()).hexdigest() if path.suffix != ".json" or is_json(path) else "half"


def export_facts(path: Path) -> Any:
    """Hash of a model's file; its card has the day in it."""
    return None if path.suffix == ".md" else sha256(path.read_bytes()).hexdigest()


JOBS: dict[str, Job] = {
    "generate": Job(
        (
            "generate",
            "calm piano pop, 100 bpm",
            "-o",
            "a.wav",
            "--duration",
            "0.3",
            "--count",
            "2",
            "--seed",
            "3",
            *_MODEL,
            "--overwrite",
        ),
        (
            "generate",
            "calm piano pop, 100 bpm",
            "-o",
            "a.wav",
            "--duration",
            "0.2",
            "--count",
            "2",
            "--seed",
            "9",
            *_MODEL,
        ),
        ("a-1.wav", "a-2.wav"),
    ),
    "edit": Job(
        (
            "edit",
            "0.wav",
            "rock",
            "--region",
            "0.1:0.2",
            "--seed",
            "3",
            "-o",
            "e.flac",
            *_CLOCK,
            *_MODEL,
            "--overwrite",
        ),
        ("edit", "0.wav", "rock", "--region", "0.1:0.2", "--seed", "9", "-o", "e.flac", *_CLOCK, *_MODEL),
        ("e.flac",),
    ),
    "encode": Job(
        ("encode", "0.wav", "-o", "z.safetensors", *_MODEL, "--overwrite"),
        ("encode", "music/1.wav", "-o", "z.safetensors", *_MODEL),
        ("z.safetensors",),
    ),
    "data encode": Job(
        ("data", "encode", "music", "-o", "latents", "--model", "model", "--workers", "1"), None, ("latents",)
    ),
    "data shard": Job(
        ("data", "shard", "music", "-o", "shards", "--songs-per-shard", "1", "--workers", "1"),
        None,
        ("shards",),
        shard_facts,
        ("shards/*.tar.json",),
    ),
    "compose": Job(
        (
            "compose",
            "--songs",
            "2",
            "--out",
            "songs",
            "--duration",
            "1",
            "--dry",
            "--workers",
            "1",
            "--orchestra",
            "fluidr3",
            "--quiet",
        ),
        None,
        ("songs",),
    ),
    "train": Job((*_TRAIN, "--out", "run"), None, ("run",), checkpoint_facts, ("run/checkpoints/*.ckpt",)),
    "export": Job(
        ("export", "done", "-o", "m", "--overwrite", "--about", "new"),
        ("export", "done", "-o", "m"),
        ("m",),
        export_facts,
    ),
}
"""Commands by name; `serve` is killed in its own way, see `benchmarks.reliability.kills`."""


_TEMPLATES: list[Path] = []
"""Folders that were prepared, with all that old commands leave."""


def prepare(folder: Path, forks: Forks, *, old: bool = True) -> None:
    """Make the folder that all commands run in: a model, songs, a run, and what old commands made.

    Args:
        folder: folder to make.
        forks: runs the commands.
        old: make a run, and what old commands leave, too.
    """
    if old and _TEMPLATES and _TEMPLATES[-1].is_dir():  # of another part of this run, whose trials begin from the same
        shutil.copytree(_TEMPLATES[-1], folder, symlinks=True)
        return
    folder.mkdir(parents=True)
    save_miniature(folder / "model")
    write_music(folder / "music")
    write_audio(folder / "0.wav", tone(0.5, seed=7), 48_000)
    olds = [(*_TRAIN, "--out", "done"), *(job.old for job in JOBS.values() if job.old is not None)]
    for words in olds if old else ():
        ended = forks.run(words, folder)
        if ended.code:
            raise RuntimeError(f"{' '.join(words)}: {ended}")
    if old:
        _TEMPLATES.append(folder)


def fresh(template: Path, there: Path) -> Path:
    """A copy of that folder, to be written into."""
    shutil.rmtree(there, ignore_errors=True)
    return Path(shutil.copytree(template, there, symlinks=True))


def state(job: Job, folder: Path) -> dict[str, Any]:
    """What a command's files hold: path -> facts; hidden files of its own making are none of them."""
    found = {}
    for name in job.own:
        path = folder / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            where = file.relative_to(folder)
            hidden = any(part.startswith(".") for part in where.parts)
            if file.is_file() and not hidden and file.suffix != PARTIAL:
                facts = job.facts(file)
                if facts is not None:
                    found[where.as_posix()] = facts
    return found


def odd_files(job: Job, now: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Files that are neither the old one nor the new one, after a command that was stopped.

    Args:
        job: the command.
        now: state of its files.
        old: state before it.
        new: state after it where nothing stops it.
    """
    changed = [path for path, facts in now.items() if facts not in (old.get(path), new.get(path))]
    # What is written anew in each run, such as an index that grows, is compared at the end.
    grows = ("index.json", "config.json", "model.json", "bad_files.json", "bad.json", "metadata.jsonl")
    changed = [
        path
        for path in changed
        if path in new or now[path] == "half" or not any(fnmatch(path, one) for one in job.between)
    ]
    odd = [f"{path} is neither old nor new" for path in changed if not path.endswith(grows)]
    return odd + [f"{path} is gone" for path in old if path not in now]


def leftovers_in(*folders: Path) -> list[str]:
    """Files and folders that were being written, or that hold what was on its way."""
    names = [path for folder in folders for path in folder.rglob("*") if _is_leftover(path)]
    return sorted(map(str, names))


def _is_leftover(path: Path) -> bool:
    return path.name.startswith((PREFIX, "tmp", "mousai-")) or path.suffix == PARTIAL


def is_json(path: Path) -> bool:
    """Tell whether a file is JSON, whole."""
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True
