"""Sections on a model beyond its clips: long pieces, prompts in other words, the autoencoder."""

from pathlib import Path

from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.features.waveform import SAMPLE_RATE
from mousai.evaluation.metrics.autoencoder import ESTIMATE_ROUTE, METRICS
from mousai.evaluation.metrics.two_sample_test import EXCERPT
from mousai.evaluation.report import plots
from mousai.evaluation.report.html import image, note, number, player, table, text


def long_pieces(result: EvaluationResult, out: Path) -> str:
    """Tempo, key and loudness at the start and at the end of long pieces."""
    if not result.long_pieces:
        return ""
    rows = []
    for name, each in result.long_pieces.items():
        for piece in each["pieces"]:
            rows.append(
                (
                    text(name),
                    text(piece["prompt"]),
                    " → ".join(f"{bpm:g}" for bpm in piece["predicted_bpm"]),
                    " → ".join(piece["predicted_key"]),
                    " → ".join(f"{loudness:.1f}" for loudness in piece["loudness"]),
                    player(out / each["folder"] / piece["file_name"], out),
                )
            )
    about = f"Pieces of {result.settings['long']:g} s: what is predicted for the first 20 s, and for the last."
    return "<h2>Long pieces</h2>" + note(about) + table(("", "prompt", "bpm", "key", "LUFS", ""), rows)


def prompt_robustness(result: EvaluationResult) -> str:
    """Attributes of clips whose prompts were varied, beside the original prompts."""
    rows = []
    for variation, found in result.prompt_robustness.items():
        for name, share in found.items():
            original = f"{share['original']:.0%}" if "original" in share else "–"
            cells = (
                text(variation),
                text(name),
                f"{share['value']:.0%} ({share['count']} of {share['total']})",
                original,
            )
            rows.append(cells)
    if not rows:
        return ""
    about = "The same requests in other words, from the same seeds, beside the original prompts."
    head = ("prompt", "", "share", "original prompts")
    return "<h2>Prompt robustness</h2>" + note(about) + table(head, rows, numbers=True)


def autoencoder(result: EvaluationResult) -> str:
    """Reconstruction metrics of the autoencoder beside other routes, and players."""
    found = result.autoencoder
    if not found:
        return ""
    rates = ", ".join(f"{name} {rate / 1000:.1f} kbit/s" for name, rate in found["bit_rates"].items())
    about = (
        "Audio encoded and decoded (medians), beside the estimate that the decoder's diffusion starts from, "
        "Griffin-Lim (32 iterations) from the magnitudes that the same latent decodes to, Griffin-Lim from the true "
        f"magnitudes, and Opus at the compression level nearest to the latent's bit rate ({text(rates)}). Attack "
        "distance: from 10 ms before the original's onsets to 40 ms after them."
    )
    parts = ["<h2>The autoencoder</h2>", note(about)]
    head = (
        *("", "log-mel distance, dB", "STFT distance", "log-mel correlation", "chroma cosine", "width change, dB"),
        "attack distance, dB",
    )
    for kind, title in (("songs", "composed songs"), ("files", "recordings")):
        medians = found["medians"].get(kind)
        if medians:
            rows = [
                (text(route), *(number(each[figure]["value"], 3) for figure in METRICS))
                for route, each in medians.items()
            ]
            parts += [f"<h3>{title}</h3>", table(head, rows, numbers=True)]
            steps = {route: int(route.split()[1]) for route in medians if route.startswith("model")}
            steps |= {route: 0 for route in medians if route.startswith(ESTIMATE_ROUTE)}
            parts.append(image(plots.over_steps(medians, steps, figures=METRICS[:4]), f"metrics over steps, {title}"))
    rows = [
        (text(piece["name"]), *(player(Path("reconstruction", name), Path()) for name in piece["sounds"].values()))
        for piece in found["pieces"]
    ]
    parts.append(table(("", *found["pieces"][0]["sounds"]), rows))
    return "\n".join(parts)


def two_sample_test(result: EvaluationResult) -> str:
    """Share of excerpts that a net tells apart, decoded by each route from true ones."""
    if not result.two_sample_test:
        return ""
    rows = []
    for route, found in result.two_sample_test["routes"].items():
        low, high = found["interval"]
        of = f"{found['count']} of {found['total']}"
        rows.append((text(route), f"{found['value']:.1%}", f"{low:.1%} to {high:.1%}", of))
    each = next(iter(result.two_sample_test["routes"].values()))
    about = (
        f"Share of excerpts of {EXCERPT / SAMPLE_RATE:.2f} s that a small net names right, decoded or true, after it "
        f"learned from {each['songs'] - each['held_out']} composed songs; tested on {each['held_out']} others. At 50 % "
        "it cannot tell. Levels are equal, and each route has a net of its own."
    )
    head = ("", "told apart", "95 % interval", "of")
    return "<h2>Classifier two-sample test</h2>" + note(about) + table(head, rows, numbers=True)
