"""Facts of a song, as a row of `metadata.jsonl`."""

from typing import Any

from ..song import VERSION, Song


def song_facts(song: Song) -> dict[str, Any]:
    """The facts of a song that stand in its row, beside file names and caption; docs/compose.md explains every field.

    Times are in seconds, to a microsecond. `bpm` and `key` are None where the song changes its tempo or its key:
    `tempo_map` and `keys` tell them all.
    """
    steady, one_key = song.tempo_map.steady, len(song.keys) == 1
    return {
        "genre": song.genre,
        "style": song.style,
        "bpm": song.bpm if steady else None,
        "beats_per_bar": song.beats_per_bar,
        "first_downbeat": 0.0,
        "key": song.key if one_key else None,
        "mode": song.mode if one_key else None,
        "mood": song.mood,
        "lead": song.lead,
        "instruments": list(song.instruments),
        "title": song.title,
        "duration": song.duration,
        "palette": song.palette,
        "seed": song.seed,
        "composer": VERSION,
        "tempo_map": [{"start": _time(start), "end": _time(end), "bpm": bpm} for start, end, bpm in song.tempos],
        "keys": [
            {"start": _time(key.start), "end": _time(key.end), "key": key.key, "mode": key.mode} for key in song.keys
        ],
        "sections": [
            {"start": _time(section.start), "end": _time(section.end), "name": section.name}
            for section in song.sections
        ],
        "downbeats": [_time(beat) for beat in song.downbeats],
        "chords": [
            {
                "start": _time(chord.start),
                "end": _time(chord.end),
                "label": chord.label,
                "root": chord.root,
                "quality": chord.quality,
                "bass": chord.bass,
            }
            for chord in song.chords
        ],
    }


def _time(second: float) -> float:
    return round(second, 6)
