"""The table of what was counted: a row for each promise, kept in a file so that parts can be run one by one."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from benchmarks.reliability.fuzz import Fuzzed
from benchmarks.reliability.kills import Killed
from mousai.dtype import cpu_name
from mousai.storage.files import write_text

RESULTS = "results.json"


@dataclass(frozen=True)
class Row:
    """Row of the table.

    Args:
        part: part of the run that it belongs to.
        what: what was done.
        count: how often.
        found: what came of it, in words.
        faults: what must not be.
    """

    part: str
    what: str
    count: int
    found: str
    faults: list[str] = field(default_factory=list)


def of_guided(one: Fuzzed) -> Row:
    """Row of a target whose mutations were guided by coverage."""
    row = of_fuzzing(one)
    return replace(
        row, part="guided", what=f"{row.what}, guided by coverage", found=f"{one.seconds:.0f} s; {row.found}"
    )


def of_fuzzing(one: Fuzzed) -> Row:
    """Row of a target of mutations."""
    kinds = ", ".join(f"{one.count(kind)} {word}" for kind, word in (("crash", "crashes"), ("hang", "hangs")))
    kinds += f", {one.count('memory')} out of memory, {one.count('error')} other errors"
    found = f"{kinds}; {one.taken} taken; slowest {one.longest:.1f} s; {max(0, one.memory) >> 20} MiB more"
    faults = [f"case {index}: {what.splitlines()[0]}" for index, what in one.faults]
    return Row("fuzz", f"mutated {one.target}", one.cases, found, faults)


def of_kills(one: Killed) -> Row:
    """Row of a command that was killed."""
    when = "with a job" if one.name == "serve" else "while a file was written"
    found = f"{one.writing} of them {when}"
    return Row("kills", f"{one.signal} during `{one.name}`", one.kills, found, one.faults)


def save(out: Path, row: Row) -> None:
    """Put a row in the place of the one that tells of the same.

    Args:
        out: folder of results.
        row: the row.
    """
    kept = {(one.part, one.what): one for one in load(out)}
    rows = {**kept, (row.part, row.what): row}.values()
    about = {"date": time.strftime("%Y-%m-%d"), "machine": f"{os.cpu_count()} cores, {cpu_name()}"}
    text = json.dumps({**about, "rows": [asdict(one) for one in rows]}, indent=2, ensure_ascii=False)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / RESULTS, text + "\n")


def load(out: Path) -> list[Row]:
    """Rows of all parts that were run so far."""
    path = out / RESULTS
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]] if path.is_file() else []


def markdown(rows: Sequence[Row]) -> str:
    """The table, and a line for each fault below it."""
    lines = ["| what was done | how often | faults | |", "|---|---|---|---|"]
    for part in dict.fromkeys(row.part for row in rows):
        own = [row for row in rows if row.part == part]
        lines += [f"| {row.what} | {row.count:,} | {len(row.faults)} | {row.found} |" for row in own]
        if len(own) > 1:
            faults = sum(len(row.faults) for row in own)
            lines.append(f"| {part}, together | {sum(row.count for row in own):,} | {faults} | |")
    lines += [f"\n- {row.what}: {fault}" for row in rows for fault in row.faults]
    return "\n".join(lines)
