"""Sections on sets of clips: repetition, diversity, levels."""

from mousai.audio.files import read_audio
from mousai.evaluation.config import EvaluationResult
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import CLIP_SECONDS, SAMPLE_RATE
from mousai.evaluation.metrics.diversity import NEAR_DISTANCE, SAME_NOTES_CORRELATION
from mousai.evaluation.metrics.repetition import BARS, notes_and_spectrum, self_similarity
from mousai.evaluation.report import plots
from mousai.evaluation.report.html import image, note, number, table, text


def repetition(result: EvaluationResult) -> str:
    """Correlation of the music with itself some bars later, and self-similarity matrices."""
    rows = []
    for view in ("notes", "spectrum"):
        for lag in (*BARS, "off"):
            title = f"{view}, {lag} bar{'s' if lag != 1 else ''} later" if lag != "off" else f"{view}, off the bar"
            figures = [summary["repetition"].get(f"{view}_{lag}", {}) for summary in result.summaries.values()]
            rows.append((title, *(number(each.get("value")) for each in figures)))
    about = (
        "Correlation of a clip with itself some bars later at the tempo asked for (median; 1 for a loop, 0 for noise): "
        "of the notes, and of the spectrum in 21 bands. Off the bar: the mean at lags of 1.30 and 1.55 bars, at which "
        "no music repeats. Eight bars later can only be measured in clips of more than eight bars."
    )
    parts = ["<h2>Repetition</h2>", note(about), table(("", *result.summaries), rows, numbers=True)]
    for name, judged in result.sets.items():
        squares = {}
        for row in judged.rows[:: max(len(judged.rows) // 4, 1)][:4]:
            path = result.folders[name] / row["file_name"]
            sound = read_audio(path, sample_rate=SAMPLE_RATE, duration=CLIP_SECONDS)
            features = notes_and_spectrum(pitch_spectrogram(sound, sample_rate=SAMPLE_RATE))["notes"]
            title = f"{name}: {row.get('style') or row['file_name']}, {row.get('bpm') or '?'} bpm"
            squares[title] = self_similarity(features)
        plot = plots.self_similarities(squares, seconds=CLIP_SECONDS)
        parts.append(image(plot, f"self-similarity of notes, {name}"))
    return "\n".join(parts)


def diversity(result: EvaluationResult) -> str:
    """Distances between clips, to training songs and to the reference renders."""
    rows = []
    for name, summary in result.summaries.items():
        same, every = (summary["diversity"].get(kind) for kind in ("same_prompt", "all"))
        memorization, frechet = summary.get("memorization"), summary.get("frechet_distance")
        cells = [text(name), "–", "–", "–", "not measured", "–"]
        if same:
            apart, near, notes, alike = (same[part] for part in ("distance", "near", "notes", "alike"))
            cells[1] = f"{apart['value']:.2f} (least {apart['min']:.2f}; near: {near['count']} of {near['total']})"
            cells[2] = f"{notes['value']:.2f} (most {notes['max']:.2f}); alike: {alike['count']}"
        if every:
            cells[3] = f"{every['distance']['value']:.2f} (least {every['distance']['min']:.2f})"
        if memorization:
            apart, copies = memorization["distance"], memorization["copies"]
            cells[4] = f"{apart['value']:.2f} (least {apart['min']:.2f}; copies: {copies['count']})"
        if frechet:
            cells[5] = f"{frechet['value']:.3f} (floor {frechet['floor']:.3f})"
        rows.append(cells)
    head = ("", "clips of one prompt", "their notes", "any two clips", "nearest training song", "Fréchet distance")
    about = (
        "Distances are root mean square differences of the genre judge's 902 features in standard deviations; two "
        "songs of one genre are 1.14 apart, two overlapping halves of one song 0.41; under "
        f"{NEAR_DISTANCE} counts as near, or as a copy of a training song. These features do not know which notes are "
        "played. Notes: correlation of the semitones over time, 1 for the same clip; clips are alike if they are near "
        f"and their notes correlate by more than {SAME_NOTES_CORRELATION}. The Fréchet distance to the reference "
        "renders is taken in the 16 principal axes of the same features, between random halves, as the mean of 20 "
        "splits; its floor is that between two halves of the reference renders. Memorization is measured with "
        "--training-songs."
    )
    return "<h2>Diversity</h2>" + note(about) + table(head, rows)


def levels(result: EvaluationResult) -> str:
    """Clipping, silence, loudness and stereo width."""
    rows = []
    for name, summary in result.summaries.items():
        measured = summary["levels"]
        spans = (measured[kind] for kind in ("loudness", "rms", "peak", "width"))
        cells = [f"{each['value']:.1f} ({each['min']:.1f} to {each['max']:.1f})" for each in spans]
        rows.append((text(name), *(str(measured[kind]["count"]) for kind in ("clipped", "silent")), *cells))
    head = ("", "clipped", "silent", "loudness, LUFS", "RMS, dB", "peak, dB", "width, dB")
    about = (
        "Clipped: more than one sample in ten thousand at full scale. Silent: more than half below -60 dB. Width: "
        "level of the side signal less that of the middle, -60 for mono. Median, least and most."
    )
    return "<h2>Levels</h2>" + note(about) + table(head, rows, numbers=True)
