"""The report: one HTML page with tables, pictures and players. The pictures stand in it; sounds are files beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.audio.files import read_audio
from mousai.evaluation import plots
from mousai.evaluation.clips import Row
from mousai.evaluation.key import KINSHIPS
from mousai.evaluation.markup import STYLE, image, note, number, player, table, text
from mousai.evaluation.pitches import pitch_picture
from mousai.evaluation.sound import RATE, SECONDS
from mousai.evaluation.structure import BARS, notes_and_sound, self_similarity
from mousai.evaluation.tempo import RULE

if TYPE_CHECKING:
    from mousai.evaluation.run import Result


def page(result: "Result", *, folders: Mapping[str, Path], out: Path) -> str:
    """The whole page.

    Args:
        result: what to tell.
        folders: where the clips of each set lie.
        out: the folder of the page; sounds are linked relative to it.
    """
    parts = [
        _head(result),
        _targets(result),
        _wishes(result),
        _judges(result),
        _confusions(result),
        _structure(result, folders),
        _diversity(result),
        _levels(result),
        _whole_songs(result, out),
        _autoencoder(result),
        _players(result, folders, out),
        "<h2>How it was made</h2>",
        table(("setting", "value"), [(name, text(value)) for name, value in result.settings.items()]),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Moûsai: evaluation</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _head(result: "Result") -> str:
    name = result.settings.get("model_name", "")
    about = f"Model <b>{text(name)}</b>" if "model" in result.settings else "Clips of others"
    count = sum(len(judged.rows) for judged in result.sets.values())
    quick = " <b>A quick look with few steps: no figure here says how good the model is.</b>" * bool(
        result.settings.get("quick")
    )
    return f"<h1>Does the music follow the prompt?</h1><p>{about}; {count} clips heard.{quick}</p>"


def _targets(result: "Result") -> str:
    if not result.targets:
        return ""
    rows = [
        (
            text(target.name),
            text(target.shown),
            text(target.wanted),
            f'<span class="{target.verdict.split(" ")[0]}">{target.verdict}</span>',
        )
        for target in result.targets
    ]
    return "<h2>Against the targets</h2>" + table(("figure", "measured", "target", ""), rows)


def _wishes(result: "Result") -> str:
    rows = []
    for wish, title in (("style", "style"), ("tempo", "tempo"), ("key", "key"), ("lead", "lead instrument")):
        cells = [title]
        for found in result.summaries.values():
            part = found.get(wish)
            if part is None:
                cells.append("–")
                continue
            low, high = part["interval"]
            ratio = f"<br>{part['ratio']:.0%} of the judge's own" if "ratio" in part and part["ratio"] != 1 else ""
            cells.append(
                f"<b>{part['share']:.1%}</b> ({part['right']} of {part['asked']})<br>"
                f'<span class="small">95 %: {low:.0%} to {high:.0%}; by chance {part["by_chance"]:.0%}{ratio}</span>'
            )
        rows.append(cells)
    both = [found.get("two_seeds") for found in result.summaries.values()]
    if any(both):
        cells = [f"{each['both_right']} of {each['prompts']}" if each else "–" for each in both]
        rows.append(["both pieces of a prompt right in style and tempo", *cells])
    about = (
        f"Tempo counts as right {RULE}. Key: tonic and mode, exactly. By chance: what the same clips would score if "
        "they were dealt out to the prompts at random. True renders are the composer's own songs for the same wishes: "
        "what the judges hear in them is the most that a model could score."
    )
    return "<h2>What was asked for and what is heard</h2>" + note(about) + table(("", *result.summaries), rows)


def _judges(result: "Result") -> str:
    known = result.judges
    variants = [name for name, value in known.items() if isinstance(value, dict)]
    rows = [(name, *(f"{known[name][wish]:.1%}" for wish in ("style", "key", "lead"))) for name in variants]
    about = (
        f"They learned from {known.get('learned from')} composed songs, that of the lead from "
        f"{known.get('lead learned from')}, and never met a generator. Here they are asked about {known.get('songs')} "
        "other songs, as they are and as a weak decoder would give them."
    )
    return "<h2>The judges themselves</h2>" + note(about) + table(("", "style", "key", "lead"), rows, numbers=True)


def _confusions(result: "Result") -> str:
    parts = ["<h2>What is taken for what</h2>"]
    for wish, asked, heard, what in (
        ("style", "genre", "heard_genre", "style"),
        ("lead", "lead_family", "heard_lead", "lead"),
    ):
        sets = {
            name: [(row[asked], row[heard]) for row in judged.rows if row[f"{wish}_right"] is not None]
            for name, judged in result.sets.items()
        }
        sets = {name: pairs for name, pairs in sets.items() if pairs}
        if sets:
            parts.append(image(plots.confusions(sets, what=what), f"{what} asked for against {what} heard"))
    kin = {name: found["key_kinship"] for name, found in result.summaries.items() if "key_kinship" in found}
    if kin:
        parts.append(image(plots.kinships(kin, KINSHIPS), "keys heard, by kinship to the key asked for"))
    timed = {
        name: [row for row in judged.rows if row["tempo_right"] is not None] for name, judged in result.sets.items()
    }
    timed = {name: rows for name, rows in timed.items() if rows}
    if timed:
        parts.append(image(plots.tempos(timed), "tempo asked for against tempo heard"))
    return "\n".join(parts) if len(parts) > 1 else ""


def _structure(result: "Result", folders: Mapping[str, Path]) -> str:
    rows = []
    for view in ("notes", "sound"):
        for lag in (*BARS, "off"):
            words = f"{view}, {lag} bar{'s' if lag != 1 else ''} later" if lag != "off" else f"{view}, beside the bar"
            cells = [number(found["structure"].get(f"{view}_{lag}")) for found in result.summaries.values()]
            rows.append((words, *cells))
    about = (
        "Correlation of a piece with itself some bars of the asked tempo later (median over the pieces; 1 for a loop, "
        "0 for what has nothing in common): of the notes that sound, and of the spectrum in 21 bands. Beside the bar: "
        "the same at 1.30 and 1.55 bars, which no music repeats at. Eight bars later can only be measured in pieces of "
        "more than eight bars."
    )
    parts = [
        "<h2>Does it repeat itself as music does?</h2>",
        note(about),
        table(("", *result.summaries), rows, numbers=True),
    ]
    for name, judged in result.sets.items():
        pictures = {}
        for row in judged.rows[:: max(len(judged.rows) // 4, 1)][:4]:
            sound = read_audio(folders[name] / row["file_name"], sample_rate=RATE, duration=SECONDS)
            features = notes_and_sound(pitch_picture(sound, sample_rate=RATE))["notes"]
            pictures[f"{name}: {row.get('style') or row['file_name']}, {row.get('bpm') or '?'} bpm"] = self_similarity(
                features
            )
        parts.append(image(plots.self_similarities(pictures, seconds=SECONDS), f"self-similarity of notes, {name}"))
    return "\n".join(parts)


def _diversity(result: "Result") -> str:
    rows = []
    for name, found in result.summaries.items():
        same, everything = (found["diversity"].get(kind) for kind in ("same_prompt", "all"))
        near, frechet = found.get("nearest_training_song"), found.get("frechet")
        cells = [text(name), "–", "–", "–", "not measured", "–"]
        if same:
            cells[1] = f"{same['median']:.2f} (least {same['least']:.2f}, near {same['near']} of {same['pairs']})"
            cells[2] = f"{same['notes_median']:.2f} (most {same['notes_most']:.2f}); alike: {same['alike']}"
        if everything:
            cells[3] = f"{everything['median']:.2f} (least {everything['least']:.2f})"
        if near:
            cells[4] = f"{near['median']:.2f} (least {near['least']:.2f}, copies {near['copies']})"
        if frechet:
            cells[5] = f"{frechet['distance']:.3f} (floor {frechet['floor']:.3f})"
        rows.append(cells)
    head = ("", "pieces of one prompt: sound", "their notes", "any two pieces", "nearest training song", "Fréchet")
    about = (
        "Sound: distances are root mean square differences of the style judge's 902 features in standard "
        "deviations; two songs of one genre are 1.14 apart, two overlapping halves of one song 0.41; under 0.40 "
        "counts as near, or as a copy of a training song. These features do not know which notes are played. Notes: "
        "correlation of the semitones over time, 1 for one and the same piece; alike are pieces near in sound with "
        "notes over 0.5. The Fréchet distance to the true renders is taken in the 16 principal axes of the same "
        "features (no download), between a random half of the pieces and a random half of the true renders, mean of "
        "20 draws; its floor is that of one half of the true renders to the other. Training songs are only looked "
        "through with --training-songs."
    )
    return "<h2>Diversity</h2>" + note(about) + table(head, rows)


def _levels(result: "Result") -> str:
    rows = []
    for name, found in result.summaries.items():
        measured = found["levels"]
        spans = (measured[kind] for kind in ("loudness", "rms", "peak", "width"))
        cells = [f"{each['median']:.1f} ({each['least']:.1f} to {each['most']:.1f})" for each in spans]
        rows.append((text(name), str(measured["clipped"]), str(measured["silent"]), *cells))
    head = ("", "clipped", "silent", "loudness, LUFS", "RMS, dB", "peak, dB", "width, dB")
    about = (
        "Clipped: more than one sample in ten thousand at full scale. Silent: more than half of it below -60 dB. "
        "Width: level of the side less that of the middle, -60 for mono. Median, least and most."
    )
    return "<h2>Level and width</h2>" + note(about) + table(head, rows, numbers=True)


def _whole_songs(result: "Result", out: Path) -> str:
    found = result.more.get("whole_songs")
    if not found:
        return ""
    rows = []
    for name, each in found["sets"].items():
        for piece in each["pieces"]:
            path = out / each["folder"] / piece["file_name"]
            rows.append(
                (
                    text(name),
                    text(piece["prompt"]),
                    " → ".join(f"{bpm:g}" for bpm in piece["heard_bpm"]),
                    " → ".join(piece["heard_key"]),
                    " → ".join(f"{loud:.1f}" for loud in piece["loudness"]),
                    player(path, out),
                )
            )
    about = f"Pieces of {found['seconds']:g} s: what is heard in the first 20 s, and in the last."
    head = ("", "prompt", "bpm", "key", "LUFS", "")
    return "<h2>Whole songs</h2>" + note(about) + table(head, rows)


def _autoencoder(result: "Result") -> str:
    found = result.more.get("autoencoder")
    if not found:
        return ""
    parts = ["<h2>The autoencoder</h2>"]
    rates = ", ".join(f"{name} {rate / 1000:.1f} kbit/s" for name, rate in found["bit_rates"].items())
    parts.append(
        note(
            "Sound through the latent and back (medians), beside Griffin-Lim (32 iterations) from the magnitudes that "
            "the same latent decodes to, Griffin-Lim from the true magnitudes, and Opus at the level of compression "
            f"nearest to the latent's bit rate ({text(rates)})."
        )
    )
    figures = ("log_mel_distance", "stft_distance", "log_mel_correlation", "chroma_cosine", "width_change")
    head = ("", "log-mel distance, dB", "STFT distance", "log-mel correlation", "chroma cosine", "width change, dB")
    for kind, title in (("songs", "songs composed afresh"), ("files", "recordings")):
        medians = found["medians"].get(kind)
        if medians:
            rows = [(text(way), *(number(each[figure], 3) for figure in figures)) for way, each in medians.items()]
            parts += [f"<h3>{title}</h3>", table(head, rows, numbers=True)]
            steps = {way: int(way.split()[1]) for way in medians if way.startswith("model")}
            parts.append(image(plots.over_steps(medians, steps, figures=figures[:4]), f"figures over steps, {title}"))
    rows = [
        (text(piece["name"]), *(player(Path("reconstruction", name), Path()) for name in piece["sounds"].values()))
        for piece in found["pieces"]
    ]
    parts.append(table(("", *found["pieces"][0]["sounds"]), rows))
    return "\n".join(parts)


def _players(result: "Result", folders: Mapping[str, Path], out: Path) -> str:
    parts = ["<h2>Listen</h2>"]
    for name, judged in result.sets.items():
        rows = []
        for row in judged.rows:
            rows.append(
                (
                    text(row["prompt"] or row["file_name"]),
                    _heard(row, "style_right", row["heard_genre"]),
                    _heard(row, "tempo_right", f"{row['heard_bpm']:.0f}"),
                    _heard(row, "key_right", row["heard_key"]),
                    _heard(row, "lead_right", row["heard_lead"]),
                    player(folders[name] / row["file_name"], out),
                )
            )
        listed = table(("asked for", "style", "bpm", "key", "lead", ""), rows)
        opened = " open" if len(parts) == 1 else ""
        parts.append(f"<details{opened}><summary>{text(name)}: {len(rows)} clips</summary>{listed}</details>")
    return "\n".join(parts)


def _heard(row: Row, verdict: str, heard: str) -> str:
    """What was heard, struck in red where something else was asked for, in brackets where nothing was."""
    right = row[verdict]
    words = text(heard)
    return f"({words})" if right is None else words if right else f'<span class="wrong">{words}</span>'
