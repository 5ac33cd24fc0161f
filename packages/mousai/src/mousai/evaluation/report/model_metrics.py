"""Sections on a model beyond its clips: long pieces, prompts in other words, the autoencoder."""

from pathlib import Path

from mousai.evaluation.config import EvaluationResult
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
        "Audio encoded and decoded (medians), beside Griffin-Lim (32 iterations) from the magnitudes that the same "
        "latent decodes to, Griffin-Lim from the true magnitudes, and Opus at the compression level nearest to the "
        f"latent's bit rate ({text(rates)})."
    )
    parts = ["<h2>The autoencoder</h2>", note(about)]
    figures = ("log_mel_distance", "stft_distance", "log_mel_correlation", "chroma_cosine", "width_change")
    head = ("", "log-mel distance, dB", "STFT distance", "log-mel correlation", "chroma cosine", "width change, dB")
    for kind, title in (("songs", "composed songs"), ("files", "recordings")):
        medians = found["medians"].get(kind)
        if medians:
            rows = [
                (text(route), *(number(each[figure]["value"], 3) for figure in figures))
                for route, each in medians.items()
            ]
            parts += [f"<h3>{title}</h3>", table(head, rows, numbers=True)]
            steps = {route: int(route.split()[1]) for route in medians if route.startswith("model")}
            parts.append(image(plots.over_steps(medians, steps, figures=figures[:4]), f"metrics over steps, {title}"))
    rows = [
        (text(piece["name"]), *(player(Path("reconstruction", name), Path()) for name in piece["sounds"].values()))
        for piece in found["pieces"]
    ]
    parts.append(table(("", *found["pieces"][0]["sounds"]), rows))
    return "\n".join(parts)
