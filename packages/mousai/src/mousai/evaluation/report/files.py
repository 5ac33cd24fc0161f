"""The report's two files: `report.json` with every number, `report.html` to read and to listen to."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.report.page import page
from mousai.storage.files import write_text


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
        "clips": {name: judged.rows for name, judged in result.sets.items()},
    }
    found = {name: part for name, part in found.items() if part}
    text = json.dumps(_finite(found), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(out / "report.json", text + "\n")
    write_text(out / "report.html", page(result, out))


def _finite(value: Any) -> Any:
    """The same with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
