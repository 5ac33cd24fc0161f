"""Check of a folder of music: what it holds and what is wrong with it, before a day is spent on it."""

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

from mousai.audio.files import audio_info, sound_blocks
from mousai.data.listing import first_names
from mousai.data.marks import file_mark
from mousai.data.records import CAPTION_FIELDS, Record
from mousai.data.workers import LocalPool, Pool
from mousai.errors import UserError
from mousai.storage.file_parts import FilePart

MOST_BAD = 0.01
"""The share of bad files above which a folder is not trained on."""
SHORTEST = 0.1
"""Seconds under which a file is no music."""
SILENT = 1e-5
"""Peak under which a file is no music either."""


@dataclass(frozen=True)
class FileReport:
    """Findings about one file.

    Args:
        path: path of the file.
        duration: seconds.
        sample_rate: Hz.
        channels: number of channels.
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
    """Findings about a folder."""

    files: list[FileReport] = field(default_factory=list)
    captioned: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    signal: Counter[str] = field(default_factory=Counter)
    """Number of files whose tempo, key and lead are known well enough to be a condition beside the caption."""
    skipped: list[str] = field(default_factory=list)
    """Files that were not looked at, see `mousai.data.skipped`."""
    uncaptioned: list[str] = field(default_factory=list)
    """Names of files of which nothing is known."""

    @property
    def good(self) -> list[FileReport]:
        """Files that can be trained on."""
        return [one for one in self.files if not one.bad]

    @property
    def bad(self) -> list[FileReport]:
        """Files that cannot be trained on."""
        return [one for one in self.files if one.bad]

    @property
    def is_usable(self) -> bool:
        """Tell whether not more than a hundredth of the files is bad, and something is left."""
        return bool(self.good) and len(self.bad) <= MOST_BAD * len(self.files)

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "files": len(self.files),
            "hours": sum(one.duration for one in self.good) / 3600,
            "captioned": self.captioned,
            "fields": dict(self.fields),
            "signal": dict(self.signal),
            "skipped": self.skipped,
            "bad": [asdict(one) for one in self.bad],
            "good": [asdict(one) for one in self.good],
        }

    def lines(self) -> list[str]:
        """The report for people."""
        durations = sorted(one.duration for one in self.good)
        seconds = sum(durations)
        lines = [f"{len(self.files)} files, {_hours(seconds)} of sound"]
        if durations:
            middle = durations[len(durations) // 2]
            lines.append(f"durations    {durations[0]:.1f} to {durations[-1]:.1f} s, half of them over {middle:.1f} s")
            lines.append(f"rates        {_counted(Counter(f'{one.sample_rate} Hz' for one in self.good))}")
            lines.append(f"channels     {_counted(Counter(str(one.channels) for one in self.good))}")
        fields = ", ".join(f"{name} {count}" for name, count in self.fields.most_common())
        lines.append(f"captions     {self.captioned} files have a caption or tags ({fields or 'none'})")
        if self.captioned and self.uncaptioned:
            lines.append(f"             {len(self.uncaptioned)} have nothing ({first_names(self.uncaptioned)})")
        if self.captioned:
            known = ", ".join(f"{name} {self.signal[name]}" for name in ("tempo", "key", "lead"))
            lines.append(f"attributes   {known} (from the fields bpm with first_downbeat, key, lead)")
        lines += [f"skipped      {line}" for line in self.skipped]
        if self.bad:
            lines.append(f"bad          {len(self.bad)} ({len(self.bad) / len(self.files):.1%}):")
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
        pool: pool that does it instead, see `mousai.data.workers`.
        journal: file that takes the findings as they come, so that an interrupted check goes on with it; a file that
            was changed since is read again.
        progress: show a bar.
    """
    from mousai.data.annotation import attributes_of

    report = Report()
    for record in records:
        captioned = [name for name in CAPTION_FIELDS if record.fields.get(name)]
        report.fields.update(captioned)
        report.captioned += bool(captioned)
        if not captioned:
            report.uncaptioned.append(record.path.name)
        attributes = attributes_of(record.fields)
        report.signal.update(name for name in ("tempo", "key", "lead") if getattr(attributes, name) is not None)
    marks = {str(record.path): _mark(record.path) for record in records}
    found = _read_journal(journal, marks)
    todo = [record.path for record in records if str(record.path) not in found]
    with (
        tqdm(total=len(todo), unit="file", desc="checking", file=sys.stderr, disable=not progress) as bar,
        nullcontext() if journal is None else journal.open("a", encoding="utf-8") as file,
    ):
        for one in (pool or LocalPool(workers)).map(inspect_file, todo):
            found[one.path] = one
            if file is not None:
                file.write(json.dumps([marks[one.path], asdict(one)]) + "\n")
                file.flush()
            bar.update()
    report.files = [found[str(record.path)] for record in records]
    return report


def _mark(path: Path | FilePart) -> str:
    try:
        return file_mark(path)
    except OSError:
        return ""  # which reading the file will tell of


def _read_journal(journal: Path | None, marks: Mapping[str, str]) -> dict[str, FileReport]:
    found: dict[str, FileReport] = {}
    if journal is None or not journal.exists():
        return found
    for line in journal.read_text(encoding="utf-8").split("\n"):
        try:
            mark, fields = json.loads(line)
            one = FileReport(**fields)
        except (ValueError, TypeError):
            continue  # the line that was being written when the process was killed; its file is read again
        if marks.get(one.path) == mark:
            found[one.path] = one
    return found


def inspect_file(path: Path | FilePart) -> FileReport:
    """Read one file to its end; what is wrong with it is in the result."""
    frames, peak = 0, 0.0
    try:
        info = audio_info(path)
        for block in sound_blocks(path):
            frames += len(block)
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
    except UserError as error:
        return FileReport(str(path), bad=str(error).removeprefix(f"{path}").lstrip(": ").strip())
    duration = frames / info.sample_rate
    bad = ""
    if duration < SHORTEST:
        bad = f"is only {duration:.3f} s long"
    elif peak < SILENT:
        bad = "is silent"
    return FileReport(str(path), duration, info.sample_rate, info.channels, peak, bad)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())
