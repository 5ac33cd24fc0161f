import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.audio.limiter import limit
from mousai.compose import (
    GENRES,
    ComposeError,
    RenderedSong,
    Song,
    caption_from_metadata,
    compose_song,
    dataset,
    write_dataset,
)
from mousai.compose.dataset import song_genre, song_seed
from mousai.compose.production.config import PEAK
from mousai.compose.rendering.render import SAMPLE_RATE


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Stands in for FluidSynth: a short noise of the song's own, and the list of seeds that were rendered."""
    seeds: list[int] = []

    def render(song: Song, *, lead_level: float, orchestra: str, production: object) -> RenderedSong:
        seeds.append(song.seed)
        samples = round(song.duration * SAMPLE_RATE)
        mix = np.random.default_rng(song.seed).uniform(-0.5, 0.5, (2, samples)).astype(np.float32)
        return RenderedSong(mix=mix, stems={}, orchestra=orchestra, production=None if production is None else {})

    monkeypatch.setattr(dataset, "render_song", render)
    monkeypatch.setattr(dataset, "check_tools", lambda orchestras: None)
    yield seeds


def write(out: Path, songs: int, **options: object) -> list[dict[str, object]]:
    settings: dict[str, object] = {"duration": 1.0, "workers": 1, "progress": False, **options}
    path = write_dataset(out, songs=songs, **settings)  # type: ignore[arg-type]
    assert path == out / "metadata.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_the_layout_is_that_of_an_audio_folder(tmp_path: Path, rendered: list[int]) -> None:
    rows = write(tmp_path / "set", 3)
    places = ("audio/{}.flac", "annotations/{}.jams", "chords/{}.lab", "sections/{}.lab", "midi/{}.mid")
    places += ("midi/{}.melody.mid", "melody/{}.npy")
    named = {place.format(f"00000{index}") for place in places for index in range(3)}
    assert set(files(tmp_path / "set")) == {"metadata.jsonl", *named}
    for index, row in enumerate(rows):
        assert row["file_name"] == f"audio/00000{index}.flac"
        assert {"caption", "genre", "bpm", "key", "instruments", "seed", "lead", "mood", "title", "duration"} <= set(
            row
        )
        song = compose_song(song_seed(0, index), genre=song_genre(0, index), duration=1.0)
        assert (row["bpm"], row["key"], row["instruments"]) == (song.bpm, song.key, list(song.instruments))
        with soundfile.SoundFile(tmp_path / "set" / str(row["file_name"])) as file:
            assert (file.samplerate, file.channels, file.frames) == (SAMPLE_RATE, 2, SAMPLE_RATE)
            assert (file.title, file.genre, file.comment) == (row["title"], row["genre"], row["caption"])
    assert rendered == [song_seed(0, index) for index in range(3)]


def test_a_larger_set_starts_with_the_same_songs(tmp_path: Path, rendered: list[int]) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    write(small, 2)
    write(large, 4)
    assert (large / "metadata.jsonl").read_bytes().startswith((small / "metadata.jsonl").read_bytes())
    assert files(small)["audio/000001.flac"] == files(large)["audio/000001.flac"]


def test_a_finished_set_is_left_alone_and_can_grow(tmp_path: Path, rendered: list[int]) -> None:
    write(tmp_path, 2)
    before = files(tmp_path)
    write(tmp_path, 2)
    assert len(rendered) == 2 and files(tmp_path) == before
    assert len(write(tmp_path, 3)) == 3 and len(rendered) == 3
    assert len(write(tmp_path, 1)) == 3 and len(rendered) == 3  # nothing is lost


def test_a_lost_file_is_made_again(tmp_path: Path, rendered: list[int]) -> None:
    write(tmp_path, 3)
    before = files(tmp_path)
    (tmp_path / "audio" / "000001.flac").unlink()
    write(tmp_path, 3)
    assert rendered[3:] == [song_seed(0, 1)] and files(tmp_path) == before


def test_an_interrupted_run_goes_on(tmp_path: Path, rendered: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dataset.render_song

    def interrupted(song: Song, **options: object) -> RenderedSong:
        if len(rendered) == 2:
            raise KeyboardInterrupt
        return whole(song, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(dataset, "render_song", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "cut", 4)
    assert not (tmp_path / "cut" / "metadata.jsonl").exists()
    assert len(list((tmp_path / "cut" / "audio").iterdir())) == 2
    monkeypatch.setattr(dataset, "render_song", whole)
    write(tmp_path / "cut", 4)
    assert len(rendered) == 4
    write(tmp_path / "whole", 4)
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"palette": "all"}, {"lead_level": 3.0}, {"duration": 2.0}, {"genre": "waltz"}, {"dry": True}],
    ids=str,
)
def test_a_folder_of_other_songs_is_an_error(tmp_path: Path, rendered: list[int], other: dict[str, object]) -> None:
    write(tmp_path, 2)
    before = files(tmp_path)
    with pytest.raises(ComposeError, match="other songs"):
        write(tmp_path, 2, **other)
    assert files(tmp_path) == before


def test_songs_of_an_older_composer_are_other_songs(tmp_path: Path, rendered: list[int]) -> None:
    write(tmp_path, 2)
    table = tmp_path / "metadata.jsonl"
    old = [{key: value for key, value in row.items() if key != "composer"} for row in write(tmp_path, 2)]
    table.write_text("".join(json.dumps(row) + "\n" for row in old))
    with pytest.raises(ComposeError, match="version of the composer"):
        write(tmp_path, 3)


@pytest.mark.parametrize("text", ["no json\n", "[1]\n", '{"file_name": "a.flac"}\n', '{"caption": "pop"}\n'])
def test_a_metadata_file_of_another_kind_is_an_error(tmp_path: Path, rendered: list[int], text: str) -> None:
    (tmp_path / "metadata.jsonl").write_text(text)
    with pytest.raises(ComposeError, match=r"metadata\.jsonl"):
        write(tmp_path, 1)
    assert (tmp_path / "metadata.jsonl").read_text() == text and not rendered


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path, rendered: list[int]) -> None:
    (tmp_path / "set").write_text("a file")
    with pytest.raises(ComposeError, match="choose another"):
        write(tmp_path / "set", 1)


def test_tools_are_looked_for_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(ComposeError, match="fluidsynth is not installed"):
        write(tmp_path / "set", 1)
    assert not (tmp_path / "set").exists()


def test_every_genre_has_its_share() -> None:
    for block in range(5):
        drawn = [song_genre(3, index) for index in range(block * len(GENRES), (block + 1) * len(GENRES))]
        assert sorted(drawn) == sorted(GENRES)
    assert len({song_seed(seed, index) for seed in range(10) for index in range(1000)}) == 10_000


def test_one_genre_can_be_asked_for(tmp_path: Path, rendered: list[int]) -> None:
    assert {row["genre"] for row in write(tmp_path, 4, genre="metal")} == {"metal"}


def test_rows_are_enough_for_new_captions(tmp_path: Path, rendered: list[int]) -> None:
    from random import Random

    row = write(tmp_path, 1)[0]
    assert len({caption_from_metadata(row, Random(number)) for number in range(50)}) > 30


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"songs": 0}, "songs=0"),
        ({"duration": 0.0}, "duration=0:"),
        ({"duration": float("nan")}, "duration=nan"),
        ({"palette": "loud"}, "palette='loud'"),
        ({"lead_level": 12.5}, "lead_level=12.5"),
        ({"lead_level": float("nan")}, "lead_level=nan"),
        ({"genre": "polka"}, "genre='polka'"),
        ({"workers": 0}, "workers=0"),
    ],
)
def test_bad_values_are_named(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "set", **{"songs": 1, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()


def test_the_level_of_the_leads_is_rendered_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[float] = []

    def render(song: Song, *, lead_level: float, orchestra: str, production: object) -> RenderedSong:
        levels.append(lead_level)
        mix = np.zeros((2, SAMPLE_RATE), dtype=np.float32)
        return RenderedSong(mix=mix, stems={}, orchestra=orchestra, production=None if production is None else {})

    monkeypatch.setattr(dataset, "render_song", render)
    monkeypatch.setattr(dataset, "check_tools", lambda orchestras: None)
    louder, usual = write(tmp_path / "louder", 2, lead_level=3), write(tmp_path / "usual", 1)
    assert levels == [3.0, 3.0, 0.0] and [row["lead_level"] for row in louder] == [3.0, 3.0]
    assert "lead_level" not in usual[0]  # the songs of a seed are what they were, and so are their rows
    write(tmp_path / "louder", 3, lead_level=3.0)
    assert len(levels) == 4
    with pytest.raises(ComposeError, match="another seed, genre, palette, lead level"):
        write(tmp_path / "louder", 3)


def test_a_lost_fact_is_written_again(tmp_path: Path, rendered: list[int]) -> None:
    write(tmp_path, 2)
    before = files(tmp_path)
    for name in ("annotations/000000.jams", "melody/000001.npy"):
        (tmp_path / name).unlink()
    write(tmp_path, 2)
    assert files(tmp_path) == before


@pytest.mark.fluidsynth
@pytest.mark.parametrize("dry", [True, False])
def test_stems_add_up_to_the_mix_before_the_limiter(tmp_path: Path, dry: bool) -> None:
    row = write(tmp_path, 1, duration=3.0, genre="pop", stems=True, dry=dry)[0]
    names, gain = row["stems"], row["stems_gain"]
    assert isinstance(names, dict) and isinstance(gain, float) and list(names) == ["drums", "bass", "chords", "lead"]
    stems = []
    for name in names.values():
        sound, rate = soundfile.read(tmp_path / name, dtype="float64")
        assert sound.shape == (3 * SAMPLE_RATE, 2) and rate == SAMPLE_RATE
        assert soundfile.info(tmp_path / name).subtype == "PCM_24" and abs(sound).max() < 1
        stems.append(sound)
    assert sum(abs(stem).max() > 0.01 for stem in stems) >= 3
    total = np.ascontiguousarray(gain * sum(stems).T)
    limit(total, ceiling=PEAK)
    mix, _ = soundfile.read(tmp_path / str(row["file_name"]), dtype="float64")
    assert abs(total.T - mix).max() < 2**-14


def test_stems_can_be_asked_for_later(tmp_path: Path, rendered: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    without, song = write(tmp_path, 1), files(tmp_path)
    stems = {name: np.full((2, SAMPLE_RATE), 1.5, dtype=np.float32) for name in ("drums", "bass", "chords", "lead")}
    plain = dataset.render_song
    monkeypatch.setattr(dataset, "render_song", lambda *args, **options: replace(plain(*args, **options), stems=stems))
    row = write(tmp_path, 1, stems=True)[0]
    assert without[0].items() <= row.items() and len(rendered) == 2
    assert row["stems_gain"] == 2.0  # 1.5 would be cut at full scale
    sound, _ = soundfile.read(tmp_path / "stems/000000/lead.flac")
    assert (sound == 0.75).all()
    assert song.items() - {("metadata.jsonl", song["metadata.jsonl"])} <= files(tmp_path).items()
    assert write(tmp_path, 1) == write(tmp_path, 1, stems=True) == [row] and len(rendered) == 2
    (tmp_path / "stems/000000/bass.flac").unlink()
    write(tmp_path, 1, stems=True)
    assert len(rendered) == 3 and (tmp_path / "stems/000000/bass.flac").is_file()


@pytest.mark.fluidsynth
def test_processes_share_the_work(tmp_path: Path) -> None:
    write(tmp_path / "two", 3, workers=2, orchestra="fluidr3")
    write(tmp_path / "one", 3, workers=1, orchestra="fluidr3")
    assert files(tmp_path / "two") == files(tmp_path / "one")
