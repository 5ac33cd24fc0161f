"""Sections on attributes: how many clips have what was asked for, and what is predicted instead."""

from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.judges.key import KEY_RELATIONS
from mousai.evaluation.judges.tempo import RULE
from mousai.evaluation.metrics.verdicts import ATTRIBUTES
from mousai.evaluation.report import plots
from mousai.evaluation.report.html import image, note, table


def accuracy(result: EvaluationResult) -> str:
    """The share of clips with each attribute, of every set."""
    rows = []
    for attribute in ATTRIBUTES:
        cells = [attribute]
        for summary in result.summaries.values():
            part = summary.get(attribute)
            if part is None:
                cells.append("–")
                continue
            low, high = part["interval"]
            cells.append(
                f"<b>{part['value']:.1%}</b> ({part['count']} of {part['total']})<br>"
                f'<span class="small">95 %: {low:.0%} to {high:.0%}; by chance {part["by_chance"]:.0%}</span>'
            )
        rows.append(cells)
    both = [summary.get("both_clips") for summary in result.summaries.values()]
    if any(both):
        cells = [f"{each['count']} of {each['total']}" if each else "–" for each in both]
        rows.append(["both clips of a prompt: genre and tempo", *cells])
    about = (
        f"Tempo counts as right {RULE}. Key: tonic and mode, exactly. By chance: what the same clips would score if "
        "they were dealt out to the prompts at random. Reference renders are the composer's own songs for the same "
        "prompts: what the judges recognize in them is the most that a model could score."
    )
    return "<h2>Attributes asked for</h2>" + note(about) + table(("", *result.summaries), rows)


def judges(result: EvaluationResult) -> str:
    """The judges' own accuracy on held-out songs."""
    known = result.judge_accuracy
    names = ("genre", "key", "lead")
    rows = [(variant, *(f"{shares[name]:.1%}" for name in names)) for variant, shares in known["accuracy"].items()]
    about = (
        f"They learned from {known['train_songs']} composed songs, that of the lead instrument from "
        f"{known['lead_train_songs']}, and never met a generative model. Here is their accuracy on "
        f"{known['held_out_songs']} other songs, as they are and degraded as by a weak decoder."
    )
    return "<h2>The judges</h2>" + note(about) + table(("", *names), rows, numbers=True)


def confusions(result: EvaluationResult) -> str:
    """Predictions beside the attributes asked for: confusion matrices, key relations, tempos."""
    parts = ["<h2>Asked for and predicted</h2>"]
    for attribute, asked, predicted in (
        ("genre", "genre", "predicted_genre"),
        ("lead", "lead_family", "predicted_lead"),
    ):
        right = f"{attribute}_right"
        sets = {
            name: [(row[asked], row[predicted]) for row in judged.rows if row[right] is not None]
            for name, judged in result.sets.items()
        }
        sets = {name: pairs for name, pairs in sets.items() if pairs}
        if sets:
            parts.append(
                image(plots.confusions(sets, what=attribute), f"{attribute} asked for against {attribute} predicted")
            )
    relations = {
        name: summary["key_relation"] for name, summary in result.summaries.items() if "key_relation" in summary
    }
    if relations:
        plot = plots.key_relations(relations, KEY_RELATIONS)
        parts.append(image(plot, "predicted keys by their relation to the key asked for"))
    timed = {
        name: [row for row in judged.rows if row["tempo_right"] is not None] for name, judged in result.sets.items()
    }
    timed = {name: rows for name, rows in timed.items() if rows}
    if timed:
        parts.append(image(plots.tempos(timed), "tempo asked for against tempo estimated"))
    return "\n".join(parts) if len(parts) > 1 else ""
