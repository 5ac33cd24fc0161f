"""Melodies from JAMS files, and controls from the rows of a table."""

import json
from pathlib import Path
from typing import Any

import pytest

from mousai import UserError
from mousai.conditioning.controls import Controls
from mousai.data.annotation import controls_of
from mousai.data.melodies import with_melodies
from mousai.data.records import Record

NOTES = [{"time": 0.5, "duration": 0.25, "value": 69.0}, {"time": 0.75, "duration": 0.0, "value": 70}]


def song(folder: Path, **fields: Any) -> Record:
    """A row of a table, whose song need not be there."""
    (folder / "audio").mkdir()
    (folder / "metadata.jsonl").write_text("")
    return Record(folder / "audio" / "0.flac", {"files": {"jams": "annotations/0.jams"}, **fields})


def write_jams(folder: Path, annotations: Any) -> None:
    (folder / "annotations").mkdir()
    (folder / "annotations" / "0.jams").write_text(json.dumps({"annotations": annotations}))


def test_notes_are_read_and_those_of_the_row_stay(tmp_path: Path) -> None:
    record = song(tmp_path)
    write_jams(tmp_path, [{"namespace": "chord", "data": []}, {"namespace": "note_midi", "data": NOTES}])
    (found,) = with_melodies([record])
    assert found.fields["melody"] == [[0.5, 0.75, 69]] and found.path == record.path  # a note without length is none
    own = Record(record.path, {**record.fields, "melody": []})
    plain = Record(Path("song.wav"), {"caption": "a song"})
    assert with_melodies([own, plain]) == [own, plain]


def test_without_notes_there_is_no_melody_and_a_missing_file_is_said(tmp_path: Path, capsys: Any) -> None:
    record = song(tmp_path)
    assert with_melodies([record]) == [record]
    assert "no melody: 1 annotations are not there, such as" in capsys.readouterr().err
    write_jams(tmp_path, [{"namespace": "chord", "data": []}])
    assert with_melodies([record]) == [record] and not capsys.readouterr().err


def test_a_broken_file_and_a_path_that_leads_away_are_named(tmp_path: Path) -> None:
    record = song(tmp_path)
    write_jams(tmp_path, [{"namespace": "note_midi", "data": [{"time": 0.0}]}])
    with pytest.raises(UserError, match=r"0\.jams: cannot be read as JAMS \(KeyError"):
        with_melodies([record])
    away = Record(record.path, {"files": {"jams": "../0.jams"}})
    with pytest.raises(UserError, match=r"its row names '\.\./0\.jams', which must be a path below"):
        with_melodies([away])


def test_a_composed_row_tells_all_controls() -> None:
    row = {
        "chords": [{"start": 0.0, "end": 2.0, "label": "A:min", "root": 9, "quality": "min", "bass": 9}],
        "sections": [{"start": 0.0, "end": 1.0, "name": "build"}, {"start": 1.0, "end": 2.0, "name": "drop"}],
        "melody": [[0.5, 0.75, 69]],
    }
    assert controls_of(row) == Controls(
        chords=((0.0, 2.0, "A:min"),),
        melody=((0.5, 0.75, 69),),
        sections=((0.0, 1.0, "break"), (1.0, 2.0, "chorus")),
    )


def test_what_is_no_annotation_is_not_known() -> None:
    assert controls_of({"caption": "a song"}) == controls_of({"chords": "Am F C G", "melody": 3}) == Controls()
    assert controls_of({"sections": [[0, 1, "verse"], [1, 2, "prologue"]]}) == Controls()
    assert controls_of({"chords": []}) == Controls(chords=())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"chords": [[0.0, 1.0]]}, r"chords=.*: must be a start and an end in seconds and a label"),
        ({"chords": [{"start": "now", "end": 1.0, "label": "C"}]}, "must be a start and an end in seconds and a label"),
        ({"chords": [[0.0, 1.0, "H"]]}, "chord is 'H'"),
        ({"melody": [[0.0, 1.0, 200]]}, "must end in a MIDI pitch, 0 to 127"),
        ({"sections": [[2.0, 1.0, "verse"]]}, "must begin before it ends"),
    ],
)
def test_an_impossible_event_is_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        controls_of(row)
