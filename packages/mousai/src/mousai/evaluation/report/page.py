"""The HTML page: metrics, plots and players. The plots are embedded; the audio files lie beside the page."""

from pathlib import Path

from mousai.evaluation.clips import Row
from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.report import attributes, clip_metrics, control, model_metrics
from mousai.evaluation.report.html import STYLE, note, player, table, text
from mousai.evaluation.report.metric_table import HEAD, metric_rows

TITLE = "<title>Moûsai: evaluation</title>"
"""What tells a report from a page of somebody else's."""


def page(result: EvaluationResult, out: Path) -> str:
    """The whole page.

    Args:
        result: results of the evaluation.
        out: folder of the page, to which the audio is linked relatively.
    """
    parts = [
        _head(result),
        *(_clips(result) if result.sets else []),
        control.section(result, out),
        model_metrics.long_pieces(result, out),
        model_metrics.prompt_robustness(result),
        model_metrics.autoencoder(result),
        model_metrics.two_sample_test(result),
        _players(result, out) if result.sets else "",
        "<h2>Settings</h2>",
        table(("setting", "value"), [(name, text(value)) for name, value in result.settings.items()]),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"{TITLE}<style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _clips(result: EvaluationResult) -> list[str]:
    return [
        _metrics(result),
        attributes.accuracy(result),
        attributes.judges(result),
        attributes.confusions(result),
        clip_metrics.repetition(result),
        clip_metrics.diversity(result),
        clip_metrics.levels(result),
    ]


def _head(result: EvaluationResult) -> str:
    name = result.settings.get("model_name", "")
    about = f"Model <b>{text(name)}</b>" if "model" in result.settings else "Clips"
    count = sum(len(judged.rows) for judged in result.sets.values())
    quick = " <b>A quick run with few steps: its figures say nothing about the model.</b>"
    quick = quick if result.settings.get("quick") else ""
    title = "Does the music follow the prompt?" if result.sets else "Does the music do what people do with it?"
    clips = f"; {count} clips judged" if result.sets else ""
    return f"<h1>{title}</h1><p>{about}{clips}.{quick}</p>"


def _metrics(result: EvaluationResult) -> str:
    if not result.metrics:
        return ""
    about = (
        "Shares have Wilson's interval of 95 %, medians a bootstrap interval; that of the Fréchet distance is over its "
        "random splits. The reference is what the composer's renders of the same prompts score; for the Fréchet "
        "distance its floor, for prompts in other words the original prompts, for the autoencoder Griffin-Lim from the "
        "same latent."
    )
    rows = [tuple(map(text, row)) for row in metric_rows(result.metrics)]
    return "<h2>Metrics</h2>" + note(about) + table(HEAD, rows, numbers=True)


def _players(result: EvaluationResult, out: Path) -> str:
    parts = ["<h2>Listen</h2>"]
    for name, judged in result.sets.items():
        rows = []
        for row in judged.rows:
            rows.append(
                (
                    text(row["prompt"] or row["file_name"]),
                    _predicted(row, "genre_right", row["predicted_genre"]),
                    _predicted(row, "tempo_right", f"{row['predicted_bpm']:.0f}"),
                    _predicted(row, "key_right", row["predicted_key"]),
                    _predicted(row, "lead_right", row["predicted_lead"]),
                    player(result.folders[name] / row["file_name"], out),
                )
            )
        listed = table(("prompt", "genre", "bpm", "key", "lead", ""), rows)
        opened = " open" if len(parts) == 1 else ""
        parts.append(f"<details{opened}><summary>{text(name)}: {len(rows)} clips</summary>{listed}</details>")
    return "\n".join(parts)


def _predicted(row: Row, verdict: str, predicted: str) -> str:
    """A prediction: in red where something else was asked for, in brackets where nothing was."""
    right = row[verdict]
    words = text(predicted)
    return f"({words})" if right is None else words if right else f'<span class="wrong">{words}</span>'
