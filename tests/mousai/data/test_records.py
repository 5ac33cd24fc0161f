import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.data.records import find_records, song_name
from mousai.data.skipped import skipped
from mousai.errors import UserError


def sound(path: Path, **settings) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, 0.1 * np.ones((1, 480), np.float32), 48000, **settings)
    return path


# ---- what is known of a file


def test_a_table_a_sidecar_and_tags(tmp_path: Path):
    sound(tmp_path / "table" / "a.wav")
    sound(tmp_path / "table" / "not in it.wav")
    rows = [{"file_name": "a.wav", "caption": "from the table", "bpm": 90, "key": ""}]
    (tmp_path / "table" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    (tmp_path / "table" / "a.txt").write_text("from the sidecar")
    sound(tmp_path / "b.flac")
    (tmp_path / "b.json").write_text(json.dumps({"genre": "jazz", "instruments": ["piano", "bass"], "mood": None}))
    sound(tmp_path / "c.ogg")
    (tmp_path / "c.txt").write_text("  slow\nand quiet ")
    sound(tmp_path / "deep" / "er" / "d.wav")
    sound(tmp_path / ".hidden" / "e.wav")
    (tmp_path / "notes.md").write_text("no music")
    found = {str(record.path.relative_to(tmp_path)): dict(record.fields) for record in find_records(tmp_path)}
    assert found == {
        "table/a.wav": {"caption": "from the table", "bpm": 90},
        "b.flac": {"genre": "jazz", "instruments": ["piano", "bass"]},
        "c.ogg": {"caption": "slow and quiet"},
        "deep/er/d.wav": {},
    }


def test_csv(tmp_path: Path):
    sound(tmp_path / "a b.wav")
    (tmp_path / "metadata.csv").write_text('\ufefffile_name,caption,genre\n"a b.wav","one, two",\n', encoding="utf-8")
    (record,) = find_records(tmp_path)
    assert record.fields == {"caption": "one, two"}


def test_tags_of_files(tmp_path: Path):
    import soundfile

    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 48000, 1, format="FLAC") as file:
        file.title, file.artist, file.genre, file.comment = "Night  Drive", "Nobody", "pop", "a calm song"
        file.write(np.zeros(4800))
    (record,) = find_records(tmp_path)
    assert record.fields == {"title": "Night Drive", "artist": "Nobody", "genre": "pop", "caption": "a calm song"}
    (tmp_path / "a.txt").write_text("mine")
    (record,) = find_records(tmp_path)
    assert record.fields["caption"] == "mine" and record.fields["title"] == "Night Drive"
    (record,) = find_records(tmp_path, tags=False)
    assert record.fields == {"caption": "mine"}


def fields_of(folder: Path) -> dict[str, dict]:
    return {record.path.name: dict(record.fields) for record in find_records(folder)}


def test_what_stands_beside_a_song_adds_up(tmp_path: Path):
    sound(tmp_path / "a.wav")
    (tmp_path / "a.json").write_text(json.dumps({"genre": "jazz", "key": None}))
    (tmp_path / "a.txt").write_text("a slow one")
    sound(tmp_path / "b.wav")
    (tmp_path / "b.TXT").write_text("in capitals")
    (tmp_path / "b.Json").write_text(json.dumps({"caption": "in the object", "bpm": 90}))
    assert fields_of(tmp_path) == {
        "a.wav": {"genre": "jazz", "caption": "a slow one"},
        "b.wav": {"caption": "in the object", "bpm": 90},
    }
    (tmp_path / "Metadata.JSONL").write_text(json.dumps({"file_name": "a.wav", "title": "A", "genre": "pop"}))
    assert fields_of(tmp_path) == {"a.wav": {"title": "A", "genre": "pop", "caption": "a slow one"}}


def test_two_tables_add_up_and_the_nearer_one_counts_first(tmp_path: Path):
    sound(tmp_path / "deep" / "a.wav")
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": "deep/a.wav", "caption": "far", "genre": "pop"}))
    (tmp_path / "deep" / "metadata.csv").write_text("file_name,caption,title\na.wav,near,A\n")
    (tmp_path / "deep" / "metadata.jsonl").write_text(json.dumps({"file_name": "a.wav", "mood": "calm"}))
    assert fields_of(tmp_path) == {"a.wav": {"mood": "calm", "caption": "near", "title": "A", "genre": "pop"}}


def test_a_line_ends_with_a_line_feed_alone(tmp_path: Path):
    odd = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    for name in ("a.wav", "b.wav"):
        sound(tmp_path / name)
    rows = [{"file_name": name, "caption": odd} for name in ("a.wav", "b.wav")]
    table = tmp_path / "metadata.jsonl"
    # JSON must escape the characters below 32; the others may stand as they are.
    table.write_text("\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8", newline="")
    assert [fields["caption"] for fields in fields_of(tmp_path).values()] == [odd] * 2
    table.unlink()
    text = f'file_name, caption\r\na.wav, "two\nlines, and {odd}"\r\nb.wav,x\r\n'
    (tmp_path / "metadata.csv").write_text(text, encoding="utf-8", newline="")
    assert fields_of(tmp_path) == {"a.wav": {"caption": f"two\nlines, and {odd}"}, "b.wav": {"caption": "x"}}


def test_nothing_is_no_caption(tmp_path: Path):
    rows = [
        '{"file_name": "0.wav", "caption": NaN, "bpm": Infinity, "mood": null, "genre": " ", "lead": [null, NaN]}',
        '{"file_name": "1.wav", "caption": "nan", "genre": "None", "instruments": ["piano", null], "year": 1999}',
    ]
    for number in range(4):
        sound(tmp_path / f"{number}.wav")
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows))
    assert fields_of(tmp_path) == {"0.wav": {}, "1.wav": {"instruments": ["piano"], "year": 1999}}
    (tmp_path / "metadata.jsonl").unlink()
    (tmp_path / "metadata.csv").write_text("file_name,caption,genre\n2.wav,nan,NULL\n3.wav,<NA>,none of it\n")
    assert fields_of(tmp_path) == {"2.wav": {}, "3.wav": {"genre": "none of it"}}


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_meet_whichever_way_their_accents_are_written(tmp_path: Path, forms: tuple[str, str]):
    disk, text = (unicodedata.normalize(form, "été à Évry") for form in forms)
    sound(tmp_path / f"{disk}.wav")
    (tmp_path / f"{text}.txt").write_text("beside")
    (record,) = find_records(tmp_path)
    assert record.fields == {"caption": "beside"}
    assert song_name(record, tmp_path) == unicodedata.normalize("NFC", f"{disk}.wav")
    assert skipped(tmp_path, [record]) == []
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": f"{text}.wav", "caption": "in the table"}))
    assert list(fields_of(tmp_path).values()) == [{"caption": "in the table"}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.jsonl", "", "is empty"),
        ("metadata.jsonl", '{"file_name": "a.wav"}\n{"file_name": ', "line 2: not JSON"),
        ("metadata.jsonl", "[1, 2]", "line 1: must be an object, found list"),
        ("metadata.jsonl", '{"caption": "x"}', "line 1: needs the key file_name"),
        ("metadata.jsonl", '{"file_name": "../a.wav"}', "must be a path below"),
        ("metadata.jsonl", '{"file_name": "/a.wav"}', "must be a path below"),
        ("metadata.jsonl", '{"file_name": "b.wav"}', "b.wav does not exist"),
        (
            "metadata.jsonl",
            '{"file_name": "a.wav"}\n{"file_name": "a.wav"}',
            "line 2: a.wav stands in it a second",
        ),
        ("metadata.csv", "file_name,caption\na.wav,x\na.wav,y\n", "row 2: a.wav stands in it a second time"),
        ("metadata.jsonl", b'{"file_name": "a.wav", "caption": "\xe9t\xe9"}', r"is no text in UTF-8 \(byte 35\)"),
        ("a.txt", b"\xe9t\xe9", r"a.txt: is no text in UTF-8 \(byte 0\)"),
        ("metadata.csv", "file_name\na.wav,x\n", r"has more values than the head has names \(a text that holds commas"),
        ("metadata.csv", "file_name;caption\na.wav;x\n", r"has no column file_name \(columns are separated by commas"),
        ("metadata.csv", "file_name;caption\na, b;x\n", r"no column file_name \(columns are separated by commas, not"),
        ("metadata.csv", "file_name,caption,caption\na.wav,x,y\n", "has two columns named caption; rename one of"),
        ("metadata.csv", "file_name,caption\n,x\n", "row 1: needs the key file_name"),
        ("metadata.csv", "file_name,caption\n", "is empty"),
        ("a.json", "[]", "must be an object, found list"),
        ("a.json", "{", "not JSON"),
        ("a.json", "[" * 100_000, "brackets within brackets, too deep to be read"),
        ("metadata.jsonl", "\n" + '{"a":' * 100_000, "line 2: brackets within brackets, too deep to be read"),
        ("metadata.jsonl", '{"file_name": "a\\u0000.wav"}', "must be a path below"),
        ("metadata.jsonl", json.dumps({"file_name": "x" * 5000 + ".wav"}), "does not exist"),
        ("a.txt", "x" * (2**20 + 1), "has 1048577 bytes; such a file has 1048576 at most"),
    ],
)
def test_tables_and_sidecars_that_cannot_be_used(tmp_path: Path, name: str, content: str | bytes, message: str):
    sound(tmp_path / "a.wav")
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError, match=message) as caught:
        find_records(tmp_path)
    assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_that_is_no_text(tmp_path: Path):
    sound(tmp_path / "a.wav").rename(tmp_path / "\udce9.wav")  # the byte E9 alone
    with pytest.raises(UserError, match=r"the name of b'.*\\xe9\.wav' is not UTF-8 text; rename it"):
        find_records(tmp_path)


def test_folders_without_music(tmp_path: Path):
    with pytest.raises(UserError, match="no such folder"):
        find_records(tmp_path / "none")
    with pytest.raises(UserError, match=r"holds no audio files \(\.wav, \.flac"):
        find_records(tmp_path)
