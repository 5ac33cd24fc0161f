"""Edit and extend: is what is kept bit-equal, can a border be heard, and do tempo, beat and key go on?

edit      song ── some seconds inside it made anew, under a prompt of its style ──> the rest must be its very samples
extend    song ── its first seconds, gone on from ──> judged beside how the song itself goes on
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mousai.audio.writing import as_array
from mousai.evaluation.clips import Row
from mousai.evaluation.control.seams import beats_of, seam_flux
from mousai.evaluation.control.songs import ReferenceSong
from mousai.evaluation.control.workplace import PartResult, Workplace, centre, middle, share
from mousai.evaluation.features.key import key_features
from mousai.evaluation.features.pitch import pitch_spectrogram
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import beat_phase
from mousai.evaluation.judges.key import same_key
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches

TEMPO_TOLERANCE = 0.01
BEAT_TOLERANCE = 0.03
"""Seconds that the beat may lie from the piece's grid."""


def measure_edit(place: Workplace, songs: Sequence[ReferenceSong]) -> PartResult:
    """Make some seconds inside songs anew.

    Returns:
        rows, and the metrics `outside` (share of edits outside of which every sample is the song's) and `seam`.
    """
    start, end = place.lengths.region
    by_name = {song.digest: song for song in songs}

    def measure(row: Row) -> tuple[Array, Row]:
        song = by_name[row["song"]]
        sound = song.sound(place.rate, place.lengths.known)
        made = place.pipeline(
            song.prompt,
            inpaint_audio=sound,
            inpaint_mask_start_seconds=start,
            inpaint_mask_end_seconds=end,
            attributes=song.known,
            seed=row["seed"],
            **place.sampling,
        )
        edited, first, last = as_array(made.audios[0]), round(start * place.rate), round(end * place.rate)
        beats = song_beats(song, 0.1, start - 0.1)
        return edited, {
            "outside": edited.shape == sound.shape and _equal(edited, sound, 0, first) and _equal(edited, sound, last),
            "seam": seam_flux(edited, place.rate, [start, end], beats),
            "seam_of_song": seam_flux(sound, place.rate, [start, end], beats),
        }

    plan = [{"song": song.digest, "prompt": song.prompt, "region": [start, end]} for song in songs]
    rows = place.measured("edit", plan, measure, "editing")
    return PartResult(place.folder / "edit", rows, _kept(rows))


def measure_extend(place: Workplace, songs: Sequence[ReferenceSong]) -> PartResult:
    """Go on from the first seconds of songs.

    Returns:
        rows, and the metrics `outside`, `seam`, `tempo`, `beat` and `key`; the reference of the last three is what the
        judges hear in the song's own continuation.
    """
    by_name = {song.digest: song for song in songs}

    def measure(row: Row) -> tuple[Array, Row]:
        song, seconds = by_name[row["song"]], row["known"]
        whole = song.sound(place.rate, seconds + place.lengths.more)
        beginning = whole[:, : round(seconds * place.rate)]
        made = place.pipeline(
            song.prompt,
            inpaint_audio=beginning,
            duration=seconds + place.lengths.more,
            attributes=song.known,
            seed=row["seed"],
            **place.sampling,
        )
        longer, border = as_array(made.audios[0]), beginning.shape[1]
        beats = song_beats(song, 0.1, seconds - 0.1)
        return longer, {
            "outside": longer.shape[1] > border and _equal(longer, beginning, 0, border),
            "seam": seam_flux(longer, place.rate, [seconds], beats),
            "seam_of_song": seam_flux(whole, place.rate, [seconds], beats),
            "made": heard(longer[:, border:], place.rate, seconds, song, place.panel),
            "true": heard(whole[:, border:], place.rate, seconds, song, place.panel),
        }

    known, more = place.lengths.known, place.lengths.more
    plan = [
        {"song": song.digest, "prompt": song.prompt, "known": round(min(known, song.seconds - more), 6)}
        for song in songs
    ]
    rows = place.measured("extend", plan, measure, "extending")
    metrics = _kept(rows)
    for name in ("tempo", "beat", "key"):
        true = share([row["true"][name] for row in rows])["value"]
        metrics[name] = share([row["made"][name] for row in rows], reference=true, by_chance=chance(rows, songs, name))
    return PartResult(place.folder / "extend", rows, metrics)


def song_beats(song: ReferenceSong, start: float, end: float) -> list[float]:
    """Seconds of a song's beats."""
    return beats_of(song.attributes.tempo or 0.0, song.attributes.first_downbeat, start, end)


def heard(sound: Array, rate: int, start: float, song: ReferenceSong, panel: JudgePanel) -> dict[str, Any]:
    """Judge a part of a song: is its tempo right within 1 %, its beat on the song's grid within 30 ms, and its key?

    Args:
        sound: the part, `[channels, samples]`.
        rate: Hz.
        start: second of the song at which it begins.
        song: the song.
        panel: the judges.
    """
    asked = song.attributes
    tempo = asked.tempo or 0.0
    period = 60 / tempo
    phase = (beat_phase(sound, sample_rate=rate, tempo=tempo) + start - asked.first_downbeat) % period
    moved = (phase + period / 2) % period - period / 2
    bpm = estimate_tempo(sound, sample_rate=rate)
    key = panel.key(key_features(pitch_spectrogram(sound, sample_rate=rate))[None])[0]
    return {
        "bpm": round(bpm, 2),
        "beat_moved": round(moved, 4),
        "heard_key": key,
        "tempo": tempo_matches(bpm, tempo, tolerance=TEMPO_TOLERANCE),
        "beat": abs(moved) <= BEAT_TOLERANCE,
        "key": same_key(key, str(song.fields["key"])),
    }


def chance(rows: Sequence[Row], songs: Sequence[ReferenceSong], name: str) -> float:
    """Share that would be right if the continuations were dealt out to the songs at random.

    Of a beat: of a phase that could be anything.
    """
    song_of = {song.digest: song for song in songs}
    asked = [song_of[row["song"]] for row in rows]
    if name == "beat":
        return middle([min(2 * BEAT_TOLERANCE * (song.attributes.tempo or 0) / 60, 1.0) for song in asked], "mean")
    pairs = [(song, row["made"]) for song in asked for row in rows]
    if name == "key":
        return float(np.mean([same_key(made["heard_key"], str(song.fields["key"])) for song, made in pairs]))
    tempos = [(made["bpm"], song.attributes.tempo or 0.0) for song, made in pairs]
    return float(np.mean([tempo_matches(bpm, tempo, tolerance=TEMPO_TOLERANCE) for bpm, tempo in tempos]))


def _equal(made: Array, original: Array, first: int, last: int | None = None) -> bool:
    return bool(np.array_equal(made[:, first:last], original[:, first:last]))


def _kept(rows: Sequence[Row]) -> dict[str, Any]:
    """Metrics that both verbs have."""
    true = middle([value for row in rows for value in row["seam_of_song"]])
    return {
        "outside": share([row["outside"] for row in rows]),
        "seam": centre([value for row in rows for value in row["seam"]], "median", reference=true),
    }
