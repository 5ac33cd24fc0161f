"""A folder of captioned songs in the layout of Hugging Face audio folders.

`DIR/metadata.jsonl` has one row per song, `DIR/audio/000000.flac` and so on the sound; what is known of the songs lies
in files beside them (`mousai.compose.annotations.files`). Song `i` depends on the seed of the data set and on `i`
alone, so a larger set starts with the same songs, and an interrupted run goes on where it was.
"""

import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError, is_finite
from ..processes import follow_parent
from ..storage.files import write_text
from ..storage.json_files import parse_json, read_text
from .annotations.facts import song_facts
from .annotations.files import file_names, write_files
from .captions import caption
from .composition import LONGEST, PALETTES, compose_song
from .errors import ComposeError
from .folder import METADATA, ROWS, alone_in, check_folder, writing_into
from .production import draw_orchestra, draw_production, parse_orchestras
from .rendering.balance import LEAD_LEVEL, LOUDEST
from .rendering.render import SAMPLE_RATE, check_tools, render_song, soundfont_name
from .rendering.stems import stem_names, write_stems
from .song import Song
from .styles import GENRES, styles_of
from .writing.score import stream

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    out: str
    index: int
    seed: int
    genre: str
    duration: float
    palette: str
    lead_level: float
    orchestras: tuple[str, ...]
    dry: bool
    stems: bool

    @property
    def file_name(self) -> str:
        return f"audio/{self.index:06d}.flac"

    def compose(self) -> Song:
        return compose_song(self.seed, genre=self.genre, duration=self.duration, palette=self.palette)

    def matches(self, row: dict[str, Any]) -> bool:
        """Tell whether a row tells of this very song."""
        facts = song_facts(self.compose())
        played = row.get("orchestra") == soundfont_name(self.orchestra) and (row.get("production") is None) == self.dry
        level = row.get("lead_level", LEAD_LEVEL) == self.lead_level
        return played and level and all(row.get(key) == facts[key] for key in facts)

    def is_whole(self, row: dict[str, Any]) -> bool:
        """Tell whether all files of the song are there that its row names, and stems where they are asked for."""
        names = [self.file_name, *file_names(self.index).values()]
        if self.stems or "stems" in row:
            names += stem_names(self.index).values()
        return (not self.stems or "stems" in row) and all(Path(self.out, name).is_file() for name in names)

    @property
    def orchestra(self) -> str:
        """Name of the orchestra that plays, unless $MOUSAI_SOUNDFONT says otherwise."""
        return draw_orchestra(self.seed, self.orchestras)


def song_seed(seed: int, index: int) -> int:
    """The seed of song `index` of a data set: 48 bits of SHA-256 over both numbers."""
    return int.from_bytes(hashlib.sha256(f"mousai.compose/{seed}/{index}".encode()).digest()[:6], "big")


def song_genre(seed: int, index: int) -> str:
    """The genre of song `index`: every block of as many songs as there are genres has each genre once."""
    order = list(GENRES)
    block, place = divmod(index, len(order))
    stream(seed, f"genres {block}").shuffle(order)
    return order[place]


def write_dataset(
    out: str | os.PathLike[str],
    *,
    songs: int,
    seed: int = 0,
    duration: float = 30.0,
    palette: str = "style",
    lead_level: float = LEAD_LEVEL,
    orchestra: str = "train",
    dry: bool = False,
    genre: str | None = None,
    stems: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Compose and render `songs` songs of `duration` seconds into the folder `out` and return its `metadata.jsonl`.

    The lead is `lead_level` dB louder than everything else together (`render_song`). Each song draws who plays it from
    `orchestra` (`mousai.compose.production.parse_orchestras`) and how it is produced, unless `dry`. Finished songs of
    the same seed, palette, level, orchestra, duration and genre are kept, also after an interruption; rows beyond
    `songs` of an earlier, larger run stay. With `stems`, drums, bass, chords and lead are written as well, each in a
    file of its own (`mousai.compose.rendering.stems`). `workers` processes share the work (default: one per core).
    Raises UserError for an impossible value, and ComposeError, a kind of it, for a missing tool or a folder that holds
    other songs.
    """
    _check(songs, duration, palette, lead_level, genre, workers)
    check_folder(Path(out))
    orchestras = parse_orchestras(orchestra)
    check_tools(orchestras)
    folder = Path(out)
    jobs = [
        _Job(
            str(folder),
            index,
            song_seed(seed, index),
            genre or song_genre(seed, index),
            float(duration),
            palette,
            float(lead_level),
            orchestras,
            dry,
            stems,
        )
        for index in range(songs)
    ]
    with alone_in(folder):
        return _write_missing(folder, jobs, workers or os.cpu_count() or 1, progress)


def _write_missing(folder: Path, jobs: list[_Job], workers: int, progress: bool) -> Path:
    """Compose the songs that are not there yet, then the table of all."""
    old = _read_rows(folder)
    finished: dict[int, dict[str, Any]] = {}
    for job in jobs:
        row = old.get(job.index)
        if row is None:
            continue
        if not job.matches(row):
            raise ComposeError(
                "out",
                folder,
                "holds other songs (of another seed, genre, palette, lead level, orchestra, production, "
                "duration or version of the composer); choose another folder or remove it",
            )
        if job.is_whole(row):
            finished[job.index] = row
    finished |= {
        index: row for index, row in old.items() if index >= len(jobs) and (folder / row["file_name"]).is_file()
    }
    todo = [job for job in jobs if job.index not in finished]
    for row in _results(todo, workers, progress):
        finished[_index(row)] = row
    if silent := [row["file_name"] for row in finished.values() if row.get("silent_layers")]:
        _log.warning(
            "%d of %d songs have a layer that their soundfont does not play, such as %s (silent_layers in %s)",
            *(len(silent), len(finished), silent[0], METADATA),
        )
    path = folder / METADATA
    text = "".join(json.dumps(finished[index], ensure_ascii=False) + "\n" for index in sorted(finished))
    with writing_into(folder):
        write_text(path, text)
        for leftover in (folder / ROWS).glob("*.json"):
            leftover.unlink()
        (folder / ROWS).rmdir()
    return path


def _check(
    songs: int, duration: float, palette: str, lead_level: float, genre: str | None, workers: int | None
) -> None:
    if songs < 1:
        raise UserError("songs", songs, "1 or more would do")
    if not (is_finite(duration) and 1.0 <= duration <= LONGEST):
        raise UserError("duration", duration, f"1 to {LONGEST:g} seconds would do")
    if palette not in PALETTES:
        raise UserError("palette", palette, f"one of {', '.join(PALETTES)} would do")
    if not abs(lead_level) <= LOUDEST:
        raise UserError("lead_level", lead_level, f"{-LOUDEST:g} to {LOUDEST:g} dB would do")
    if genre is not None:
        styles_of(genre)
    if workers is not None and workers < 1:
        raise UserError("workers", workers, "1 or more would do")


def _results(jobs: list[_Job], workers: int, progress: bool) -> Iterator[dict[str, Any]]:
    """Rows of finished songs as they come; an interruption waits for the songs that are being written."""
    from tqdm import tqdm

    with tqdm(total=len(jobs), unit="song", desc="composing", disable=not progress) as bar:
        if min(workers, len(jobs)) <= 1:
            for job in jobs:
                yield _write_song(job)
                bar.update()
            return
        pool = ProcessPoolExecutor(
            min(workers, len(jobs)),
            mp_context=multiprocessing.get_context("spawn"),
            # An interruption is the parent's, which lets every process finish its song.
            initializer=follow_parent,
        )
        try:
            for future in as_completed([pool.submit(_write_song, job) for job in jobs]):
                yield future.result()
                bar.update()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _write_song(job: _Job) -> dict[str, Any]:
    """Compose, render and write one song: the sound first, then the row that says it is whole."""
    from ..audio.encoding import encoded_file

    song = job.compose()
    row = {"file_name": job.file_name, "caption": caption(song), **song_facts(song), "files": file_names(job.index)}
    if job.lead_level != LEAD_LEVEL:
        row["lead_level"] = job.lead_level
    production = None if job.dry else draw_production(song.seed, song)
    rendered = render_song(song, lead_level=job.lead_level, orchestra=job.orchestra, production=production)
    row |= {"orchestra": rendered.orchestra, "production": rendered.production}
    if rendered.silent:
        row["silent_layers"] = list(rendered.silent)
    with writing_into(Path(job.out)):
        if job.stems:
            row |= write_stems(rendered.stems, Path(job.out), job.index)
        with encoded_file(Path(job.out, job.file_name), SAMPLE_RATE, 2, subtype="PCM_16", format="FLAC") as file:
            # The tags that libsndfile knows; tempo and key stand in the caption and in the row.
            file.title, file.genre, file.comment = song.title, song.genre, row["caption"]
            file.write(rendered.mix.T)
        write_files(song, Path(job.out), job.index)
        write_text(Path(job.out, ROWS, f"{job.index:06d}.json"), json.dumps(row, ensure_ascii=False) + "\n")
    return row


def _index(row: dict[str, Any]) -> int:
    return int(Path(row["file_name"]).stem)


def _read_rows(folder: Path) -> dict[int, dict[str, Any]]:
    """Rows by index: those of the metadata file, then those of an unfinished run."""
    lines: list[str] = []
    try:
        if (folder / METADATA).is_file():
            lines += read_text(folder / METADATA, most=2**30).split("\n")
        lines += [read_text(path) for path in sorted((folder / ROWS).glob("*.json"))]
        rows = [parse_json(line) for line in lines if line.strip()]
        if foreign := [row for row in rows if row["file_name"] != f"audio/{_index(row):06d}.flac" or "key" not in row]:
            raise ValueError(f"the row of {str(foreign[0]['file_name'])[:80]!r} is none of mousai compose")
        return {_index(row): row for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ComposeError(folder / METADATA, hint=f"cannot be read ({error}); choose another folder") from None
