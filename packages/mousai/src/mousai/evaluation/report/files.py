"""The report's two files: `report.json` with every number, `report.html` to read and to listen to."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError
from mousai.evaluation.clips import TABLE
from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.control_config import PARTS
from mousai.evaluation.report.page import TITLE, page
from mousai.storage.files import first_foreign, write_text
from mousai.storage.json_files import read_text

if TYPE_CHECKING:
    from mousai.evaluation.control.run import ControlResult

CLIP_FOLDERS = (
    *("clips", "reference", "long", "long-reference", "control/songs"),
    *(f"control/{part}" for part in PARTS if part != "stream"),
    *("control/stream/long", "control/stream/seams", "control/stream/changes"),
)
"""Folders below the report's that hold clips and their table."""


def write_report(result: EvaluationResult, out: Path) -> None:
    """Write both files into a folder, each whole or not at all."""
    found = {
        "settings": result.settings,
        "metrics": {name: asdict(measured) for name, measured in result.metrics.items()},
        "summaries": result.summaries,
        "judge_accuracy": result.judge_accuracy,
        "long_pieces": result.long_pieces,
        "prompt_robustness": result.prompt_robustness,
        "autoencoder": result.autoencoder,
        "two_sample_test": result.two_sample_test,
        "clips": {name: judged.rows for name, judged in result.sets.items()},
        "control": {} if result.control is None else _control(result.control),
    }
    found = {name: part for name, part in found.items() if part}
    text = json.dumps(_finite(found), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(out / "report.json", text + "\n")
    write_text(out / "report.html", page(result, out))


def _control(found: "ControlResult") -> dict[str, Any]:
    parts = {name: {"metrics": part.metrics, "rows": part.rows} for name, part in found.parts.items()}
    return {**parts, **found.unable}


def check_folder(out: Path, clips: Sequence[Path] = ()) -> None:
    """Refuse a folder in which a report would replace files that no evaluation wrote, before anything is made.

    Args:
        out: folder of the report.
        clips: folders of clips that the user brings.

    Raises:
        UserError: it holds a report.html or report.json of something else, or clips without a table of theirs.
    """
    for name, marker in (("report.html", TITLE), ("report.json", '"settings"')):
        path = out / name
        if os.path.lexists(path) and marker not in read_text(path, most=2**30):
            raise UserError("out", out, f"holds a {name} that no evaluation wrote; give another folder")
    for name in CLIP_FOLDERS:
        if (out / name).resolve() in [folder.resolve() for folder in clips]:
            raise UserError("out", out, f"would put clips of its own into {out / name}; give another folder")
        if not (out / name / TABLE).exists() and (foreign := first_foreign(out / name)):
            raise UserError("out", out, f"holds {name}/{foreign}, which no evaluation wrote; give another folder")


def _finite(value: Any) -> Any:
    """The same with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
