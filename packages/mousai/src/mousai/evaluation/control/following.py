"""Chords and melody: does a piece play those of a song that the model never heard?

    chords    16 s with the chords of a song, under a prompt of its style and tempo ── judge, mir_eval ──> recall
    melody    10 s with the tune of a song, likewise ── the paper's chroma ──> cosine

Both are also measured of the song itself (the reference) and against another song's chords or tune (by chance).
"""

from collections.abc import Sequence

from mousai.audio.writing import as_array
from mousai.evaluation.clips import Row
from mousai.evaluation.control.songs import ReferenceSong
from mousai.evaluation.control.workplace import PartResult, Workplace, centre, middle, rounded
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.chords import estimate_chords
from mousai.evaluation.metrics.chord_recall import majmin_recall
from mousai.evaluation.metrics.melody_similarity import melody_cosine, recording_chroma, tune_chroma


def measure_chords(place: Workplace, songs: Sequence[ReferenceSong]) -> PartResult:
    """Make pieces with the chords of songs.

    Returns:
        rows, and the metric `recall`: mean weighted recall of major and minor triads by a judge that learned from
        nothing.
    """
    seconds = place.lengths.chords
    places = {song.digest: number for number, song in enumerate(songs)}

    def measure(row: Row) -> tuple[Array, Row]:
        number = places[row["song"]]
        song, other = songs[number], songs[(number + 1) % len(songs)]
        asked = song.chords(seconds)
        made = place.pipeline(
            row["prompt"],
            duration=seconds,
            chords=[(label, start) for start, _, label in asked],
            attributes=song.clock,
            seed=row["seed"],
            **place.sampling,
        )
        piece = as_array(made.audios[0])
        found = estimate_chords(piece, sample_rate=place.rate)
        true = estimate_chords(song.sound(place.rate, seconds), sample_rate=place.rate)
        return piece, {
            "chords": " ".join(label for _, _, label in asked),
            "recall": rounded(majmin_recall(asked, found)),
            "recall_of_song": rounded(majmin_recall(asked, true)),
            "recall_of_others": rounded(majmin_recall(other.chords(seconds), found)) if len(songs) > 1 else None,
        }

    rows = place.measured("chords", _plan(songs), measure, "following chords")
    return PartResult(place.folder / "chords", rows, {"recall": _beside(rows, "recall")})


def measure_melody(place: Workplace, songs: Sequence[ReferenceSong]) -> PartResult:
    """Make pieces with the tunes of songs.

    Returns:
        rows, and the metric `cosine`: mean chroma cosine similarity with the tune, as MusicGen's paper measures it.
    """
    seconds = place.lengths.melody
    places = {song.digest: number for number, song in enumerate(songs)}

    def measure(row: Row) -> tuple[Array, Row]:
        number = places[row["song"]]
        song, other = songs[number], songs[(number + 1) % len(songs)]
        made = place.pipeline(
            row["prompt"],
            duration=seconds,
            melody=song.melody(seconds),
            attributes=song.clock,
            seed=row["seed"],
            **place.sampling,
        )
        piece = as_array(made.audios[0])
        tune, found = tune_chroma(song.melody(seconds), seconds), recording_chroma(piece, sample_rate=place.rate)
        true = recording_chroma(song.sound(place.rate, seconds), sample_rate=place.rate)
        another = tune_chroma(other.melody(seconds), seconds)
        return piece, {
            "cosine": rounded(melody_cosine(tune, found)),
            "cosine_of_song": rounded(melody_cosine(tune, true)),
            "cosine_of_others": rounded(melody_cosine(another, found)) if len(songs) > 1 else None,
        }

    rows = place.measured("melody", _plan(songs), measure, "following melodies")
    return PartResult(place.folder / "melody", rows, {"cosine": _beside(rows, "cosine")})


def _plan(songs: Sequence[ReferenceSong]) -> list[Row]:
    """Rows of the pieces; each names the song whose chords or tune stand for chance, on which it depends too."""
    others = [*songs[1:], *songs[:1]]
    return [
        {"song": song.digest, "other": other.digest, "prompt": song.prompt}
        for song, other in zip(songs, others, strict=True)
    ]


def _beside(rows: Sequence[Row], name: str) -> dict[str, object]:
    beside = {part: middle([row[f"{name}_of_{of}"] for row in rows], "mean") for part, of in _BESIDE}
    return centre([row[name] for row in rows], "mean", **beside)


_BESIDE = (("reference", "song"), ("by_chance", "others"))
