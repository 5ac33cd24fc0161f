import json
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.files import write_audio
from mousai.cli import main
from mousai.data.check import check_records, inspect_file
from mousai.data.records import Record


def music(path: Path, *, seconds: float = 0.5, rate: int = 48000, channels: int = 2, level: float = 0.2) -> Path:
    rng = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, level * rng.uniform(-1, 1, (channels, round(seconds * rate))).astype(np.float32), rate)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three good files and every kind of bad one."""
    songs = tmp_path / "songs"
    music(songs / "a.wav")
    music(songs / "b.flac", rate=44100, channels=1, seconds=1.0)
    music(songs / "c.ogg", rate=22050)
    (songs / "a.txt").write_text("slow piano")
    whole = music(songs / "cut.flac").read_bytes()
    (songs / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (songs / "text.wav").write_text("not music")
    (songs / "empty.wav").touch()
    music(songs / "silent.wav", level=0.0)
    music(songs / "short.wav", seconds=0.05)
    import soundfile

    broken = 0.1 * np.ones(4800, np.float32)
    broken[100] = np.nan
    soundfile.write(songs / "nan.wav", broken, 48000, subtype="FLOAT")
    return songs


def test_every_bad_file_is_named_and_the_good_ones_are_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    report = tmp_path / "report.json"
    assert main(["data", "check", str(folder), "--report", str(report), "--workers", "1"]) == 1
    told = capsys.readouterr().out
    assert "9 files" in told and "bad          6 (66.7%)" in told
    for name, why in (
        ("silent", "is silent"),
        ("short", "is only 0.050 s long"),
        ("nan", "not a number"),
        ("cut", ""),
        ("text", ""),
    ):
        (line,) = [line for line in told.splitlines() if f"{name}." in line and "have nothing" not in line]
        assert why in line
    assert "48000 Hz (1), 44100 Hz (1), 22050 Hz (1)" in told and "2 (2), 1 (1)" in told
    assert "captions     1 files have a caption or tags (caption 1)" in told
    found = json.loads(report.read_text())
    assert [Path(one["path"]).name for one in found["good"]] == ["a.wav", "b.flac", "c.ogg"]
    assert len(found["bad"]) == 6 and all(one["bad"] for one in found["bad"])
    assert found["hours"] == pytest.approx(2.0 / 3600, rel=0.01)


def test_a_clean_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    music(tmp_path / "a.wav")
    assert main(["data", "check", str(tmp_path), "--workers", "1"]) == 0
    assert "bad          none" in capsys.readouterr().out


def test_what_the_generator_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name, fields in (
        ("a", {"caption": "piano, 96 bpm, E minor", "bpm": 96}),  # words alone, and a tempo without its beats
        ("b", {"caption": "piano", "bpm": 96, "first_downbeat": 0.4, "key": "E minor", "lead": "grand piano"}),
        ("c", {"caption": "flute", "bpm": "quick", "first_downbeat": 0, "key": "F# minor"}),
    ):
        music(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.json").write_text(json.dumps(fields))
    music(tmp_path / "d.wav")
    assert main(["data", "check", str(tmp_path), "--workers", "1"]) == 0
    told = capsys.readouterr().out
    assert "captions     3 files have a caption or tags" in told and "             1 have nothing (d.wav)\n" in told
    assert "attributes   tempo 1, key 2, lead 1 (" in told


def test_files_that_are_passed_over_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    music(tmp_path / "in.wav")
    for number in range(5):
        music(tmp_path / f"out {number}.wav")
    (tmp_path / "metadata.csv").write_text("file_name,caption\nin.wav,a song\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "out of tune.txt").write_text("whose song was renamed")
    for name in ("phone.M4A", "old.wma", ".hidden.m4a"):
        (tmp_path / "deep" / name).write_bytes(b"sound")
    report = tmp_path / "report.json"
    assert main(["data", "check", str(tmp_path), "--workers", "1", "--report", str(report)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skipped      ")]
    assert lines == [
        "skipped      5 files (out 0.wav, out 1.wav, out 2.wav, ...) in no row of the metadata table above; add a row "
        "for each",
        f"skipped      2 files ({Path('deep', 'old.wma')}, {Path('deep', 'phone.M4A')}) of a format that is not read "
        "(.m4a, .wma); convert them, to .flac say",
        "skipped      1 file (out of tune.txt) beside no song of that name",
    ]
    assert json.loads(report.read_text())["skipped"] == [line.removeprefix("skipped      ") for line in lines]


@pytest.mark.parametrize(
    ("suffix", "kind", "subtype", "rate"),
    [
        (".aiff", "AIFF", "PCM_24", 44100),
        (".opus", "OGG", "OPUS", 48000),
        (".oga", "OGG", "VORBIS", 44100),
        (".caf", "CAF", "PCM_16", 44100),
        (".w64", "W64", "PCM_16", 44100),
    ],
)
def test_other_formats_are_found_and_read_by_seeking(tmp_path: Path, suffix: str, kind: str, subtype: str, rate: int):
    import soundfile

    from mousai.audio.files import read_audio
    from mousai.data.records import find_records

    path = tmp_path / f"song{suffix}"
    with soundfile.SoundFile(path, "w", rate, 2, subtype, format=kind) as file:
        for _ in range(10):
            file.write(0.1 * np.random.default_rng(0).normal(size=(rate // 2, 2)))
    assert [record.path for record in find_records(tmp_path)] == [path]
    whole = read_audio(path)
    crop = read_audio(path, start=3.3, duration=1.0)
    np.testing.assert_allclose(crop, whole[:, round(3.3 * 48000) :][:, : crop.shape[1]], atol=1e-6)


def test_one_bad_file_in_a_hundred_is_let_pass(tmp_path: Path):
    good = music(tmp_path / "a.wav")
    (tmp_path / "bad.wav").write_text("x")
    records = [Record(good, {})] * 99 + [Record(tmp_path / "bad.wav", {})]
    assert check_records(records, workers=1).is_usable
    assert not check_records(records[1:] + records[-1:], workers=1).is_usable


def test_processes_find_the_same(folder: Path):
    records = [Record(path, {}) for path in sorted(folder.glob("*.*")) if path.suffix != ".txt"]
    assert check_records(records, workers=2).to_dict() == check_records(records, workers=1).to_dict()


def test_a_long_file_is_read_to_its_end(tmp_path: Path):
    path = music(tmp_path / "long.wav", seconds=150.0, rate=1000, channels=1)
    found = inspect_file(path)
    assert found.duration == 150.0 and found.bad == ""
    data = path.read_bytes()
    path.write_bytes(data[:-20000])
    assert inspect_file(path).bad


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{}/none"], "no such folder"),
        (["{}", "--workers", "0"], "--workers 0: must be 1 or more"),
        (["{}", "--report", "{}/report.txt"], "report.txt"),
    ],
)
def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str):
    music(tmp_path / "a.wav")
    assert main(["data", "check", *(word.format(tmp_path) for word in words)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
