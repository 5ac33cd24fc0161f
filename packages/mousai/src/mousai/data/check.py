"""What a folder of music holds and what is wrong with it, before a day is spent on it."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mousai.audio import audio_info, read_audio
from mousai.data.passed_over import first_names
from mousai.data.records import Record
from mousai.data.workers import LocalPool, Pool
from mousai.errors import UserError
from mousai.file_parts import FilePart

MOST_BAD = 0.01
"""The share of bad files above which a folder is not trained on."""
SHORTEST = 0.1
"""Seconds under which a file is no music."""
SILENT = 1e-5
"""Peak under which a file is no music either."""
_PIECE = 60.0  # seconds read at a time


@dataclass(frozen=True)
class Heard:
    """What one file turned out to be.

    Args:
        path: of the file.
        duration: seconds.
        sample_rate: Hz.
        channels: of the file.
        peak: largest absolute sample.
        bad: what is wrong with it, "" if nothing.
    """

    path: str
    duration: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    peak: float = 0.0
    bad: str = ""


@dataclass
class Report:
    """What a folder turned out to hold."""

    heard: list[Heard] = field(default_factory=list)
    captioned: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    signal: Counter[str] = field(default_factory=Counter)
    """Of how many files tempo, key and lead are known well enough to be told to the generator beside the text."""
    passed_over: list[str] = field(default_factory=list)
    """What was not looked at, see `mousai.data.passed_over`."""
    untold: list[str] = field(default_factory=list)
    """Names of files of which nothing is known."""

    @property
    def good(self) -> list[Heard]:
        """Files that can be trained on."""
        return [one for one in self.heard if not one.bad]

    @property
    def bad(self) -> list[Heard]:
        """Files that cannot."""
        return [one for one in self.heard if one.bad]

    @property
    def is_usable(self) -> bool:
        """Whether not more than a hundredth of the files is bad, and something is left."""
        return bool(self.good) and len(self.bad) <= MOST_BAD * len(self.heard)

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "files": len(self.heard),
            "hours": sum(one.duration for one in self.good) / 3600,
            "captioned": self.captioned,
            "fields": dict(self.fields),
            "signal": dict(self.signal),
            "passed_over": self.passed_over,
            "bad": [asdict(one) for one in self.bad],
            "good": [asdict(one) for one in self.good],
        }

    def lines(self) -> list[str]:
        """The report for people."""
        durations = sorted(one.duration for one in self.good)
        seconds = sum(durations)
        lines = [f"{len(self.heard)} files, {_hours(seconds)} of sound"]
        if durations:
            middle = durations[len(durations) // 2]
            lines.append(f"durations    {durations[0]:.1f} to {durations[-1]:.1f} s, half of them over {middle:.1f} s")
            lines.append(f"rates        {_counted(Counter(f'{one.sample_rate} Hz' for one in self.good))}")
            lines.append(f"channels     {_counted(Counter(str(one.channels) for one in self.good))}")
        told = ", ".join(f"{name} {count}" for name, count in self.fields.most_common())
        lines.append(f"captions     {self.captioned} files have something to tell ({told or 'none'})")
        if self.captioned and self.untold:
            lines.append(f"             {len(self.untold)} have nothing ({first_names(self.untold)})")
        if self.captioned:
            known = ", ".join(f"{name} {self.signal[name]}" for name in ("tempo", "key", "lead"))
            lines.append(f"told as such {known} (from the fields bpm with first_downbeat, key, lead)")
        lines += [f"passed over  {line}" for line in self.passed_over]
        if self.bad:
            lines.append(f"bad          {len(self.bad)} ({len(self.bad) / len(self.heard):.1%}):")
            lines += [f"  {one.path}: {one.bad}" for one in self.bad]
        else:
            lines.append("bad          none")
        return lines


def check_records(
    records: Sequence[Record],
    *,
    workers: int = 1,
    pool: Pool | None = None,
    journal: Path | None = None,
    progress: bool = False,
) -> Report:
    """Read every file to its end.

    Args:
        records: of `find_records`.
        workers: processes.
        pool: who does it instead, see `mousai.data.workers`.
        journal: file that takes what was heard as it comes, so that an interrupted check goes on with it; a file that
            was changed since is read again.
        progress: show a bar.
    """
    from mousai.data.captions import FIELDS
    from mousai.data.stated import stated_of

    report = Report()
    for record in records:
        told = [name for name in FIELDS if record.fields.get(name)]
        report.fields.update(told)
        report.captioned += bool(told)
        if not told:
            report.untold.append(record.path.name)
        stated = stated_of(record.fields)
        report.signal.update(name for name in ("tempo", "key", "lead") if getattr(stated, name) is not None)
    marks = {str(record.path): _mark(record.path) for record in records}
    heard = _read_journal(journal, marks)
    todo = [record.path for record in records if str(record.path) not in heard]
    with (
        tqdm(total=len(todo), unit="file", desc="checking", file=sys.stderr, disable=not progress) as bar,
        nullcontext() if journal is None else journal.open("a", encoding="utf-8") as file,
    ):
        for one in (pool or LocalPool(workers)).map(hear, todo):
            heard[one.path] = one
            if file is not None:
                file.write(json.dumps([marks[one.path], asdict(one)]) + "\n")
                file.flush()
            bar.update()
    report.heard = [heard[str(record.path)] for record in records]
    return report


def _mark(path: Path | FilePart) -> list[int]:
    """What changes when the file does."""
    if isinstance(path, FilePart):
        return [path.start, path.size]
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _read_journal(journal: Path | None, marks: Mapping[str, list[int]]) -> dict[str, Heard]:
    found: dict[str, Heard] = {}
    if journal is None or not journal.exists():
        return found
    for line in journal.read_text(encoding="utf-8").split("\n"):
        try:
            mark, fields = json.loads(line)
            one = Heard(**fields)
        except (ValueError, TypeError):
            continue  # the line that was being written when it was killed; its file is read again
        if marks.get(one.path) == mark:
            found[one.path] = one
    return found


def hear(path: Path | FilePart) -> Heard:
    """Read one file to its end; what is wrong with it is in the result."""
    try:
        info = audio_info(path)
        frames, peak, start = 0, 0.0, 0.0
        while not frames or start < info.duration:
            piece = read_audio(path, sample_rate=info.sample_rate, start=start, duration=_PIECE)
            frames += piece.shape[1]
            peak = max(peak, float(np.abs(piece).max(initial=0.0)))
            start += _PIECE
            if piece.shape[1] < round(_PIECE * info.sample_rate):
                break
    except UserError as error:
        return Heard(str(path), bad=str(error).removeprefix(f"{path}").lstrip(": ").strip())
    duration = frames / info.sample_rate
    bad = ""
    if duration < SHORTEST:
        bad = f"is only {duration:.3f} s long"
    elif peak < SILENT:
        bad = "is silent"
    return Heard(str(path), duration, info.sample_rate, info.channels, peak, bad)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())
