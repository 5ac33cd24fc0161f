"""Folders of clips: what a model plays, what the composer plays for the same wishes, and what others bring.

    FOLDER/clips.jsonl   a row for each clip: file_name, prompt, and what was asked for: genre, style, bpm, key, lead
    FOLDER/000-a.flac ...

An interrupted run goes on where it stopped: a clip is kept where its row says that it was made the same way.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.audio.files import write_audio
from mousai.conditioning.attributes import parse_attributes
from mousai.data.records import check_below, json_rows
from mousai.errors import UserError
from mousai.evaluation.key import MODES, NOTES, parts_of
from mousai.evaluation.prompts import Prompt
from mousai.evaluation.sound import SECONDS
from mousai.storage.files import atomic_file

if TYPE_CHECKING:
    from mousai.evaluation.sound import Array
    from mousai.pipeline import Mousai

CLIPS = "clips.jsonl"
TABLES = (CLIPS, "metadata.jsonl")
Row = dict[str, Any]


def planned(prompts: Sequence[tuple[Prompt, int]], *, seed: int, duration: float = SECONDS) -> list[Row]:
    """A row for each piece: every prompt with the number of pieces that it gets, each with a seed of its own."""
    rows: list[Row] = []
    for number, (prompt, pieces) in enumerate(prompts):
        wish = {key: value for key, value in asdict(prompt).items() if key != "text"}
        for piece in range(pieces):
            name = f"{number:03d}-{'abcdefgh'[piece]}.flac"
            rows.append({"file_name": name, "prompt": prompt.text, **wish, "piece": piece, "duration": duration})
    return [{**row, "seed": seed + place} for place, row in enumerate(rows)]


def play(folder: Path, rows: Sequence[Row], pipeline: "Mousai", *, model: str, fast: bool = False) -> list[Row]:
    """Let a model play, with its own defaults; returns the rows with `cpu`, seconds of CPU for a second of music.

    Args:
        folder: where the clips go.
        rows: of `planned`.
        pipeline: the model.
        model: its fingerprint; clips of another one are made anew.
        fast: two steps each, for a look at whether everything runs.
    """

    def one(row: Row) -> tuple["Array", Row]:
        started = time.process_time()
        made = pipeline(
            row["prompt"],
            duration=row["duration"],
            seed=row["seed"],
            num_inference_steps=2 if fast else None,
            decoder_steps=1 if fast else None,
        )
        cpu = (time.process_time() - started) / row["duration"]
        return made.audios[0].float().cpu().numpy(), {"cpu": round(cpu, 4)}

    how = {"model": model, **({"fast": True} if fast else {})}
    return _made(folder, [{**row, **how} for row in rows], one, "playing")


def render(folder: Path, rows: Sequence[Row]) -> list[Row]:
    """Let the composer play the same wishes, from seeds of no data set."""
    from mousai.compose import compose_song, render_song
    from mousai.compose.instruments import PROGRAMS

    def one(row: Row) -> tuple["Array", Row]:
        song = compose_song(
            row["song"],
            genre=row.get("style") or row.get("genre"),
            bpm=row.get("bpm"),
            key=row.get("key"),
            lead=row["lead"] if row.get("lead") in PROGRAMS else None,
            duration=row["duration"],
        )
        return render_song(song).mix, {}

    planned_songs = [
        {
            **{key: value for key, value in row.items() if key not in ("seed", "model", "cpu", "fast")},
            "song": _song(row),
        }
        for row in rows
    ]
    return _made(folder, planned_songs, one, "composing")


def _song(row: Row) -> int:
    text = f"mousai.evaluation/{row['prompt']}/{row.get('piece', 0)}/{row['file_name']}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def _made(folder: Path, rows: list[Row], one: Callable[[Row], tuple["Array", Row]], what: str) -> list[Row]:
    """Make what is not there yet; the table is written after every clip, after the clip."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / CLIPS
    before = {row["file_name"]: row for row in _lines(table)} if table.is_file() else {}
    done: dict[str, Row] = {}
    for row in rows:
        old = before.get(row["file_name"], {})
        if all(old.get(key) == value for key, value in row.items()) and (folder / row["file_name"]).is_file():
            done[row["file_name"]] = old
    with counted([row for row in rows if row["file_name"] not in done], what) as todo:
        for row in todo:
            audio, more = one(row)
            write_audio(folder / row["file_name"], audio, 48000, overwrite=True, bits=16, peak="scale")
            done[row["file_name"]] = {**row, **more}
            _write(table, [done[each["file_name"]] for each in rows if each["file_name"] in done])
    found = [done[row["file_name"]] for row in rows]
    _write(table, found)
    return found


@contextmanager
def counted(things: Sequence[Any], what: str) -> Iterator[Iterator[Any]]:
    """A bar with the time left over some things."""
    import sys

    from tqdm import tqdm

    with tqdm(
        things,
        desc=what,
        file=sys.stderr,
        disable=not things,
        mininterval=0.1 if sys.stderr.isatty() else 30.0,
        bar_format="{desc} {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt}, {remaining} left",
    ) as bar:
        yield iter(bar)


def _write(table: Path, rows: Sequence[Row]) -> None:
    with atomic_file(table) as partial:
        partial.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


# ---- clips that others bring


def read_clips(folder: Path, *, genres: Sequence[str]) -> list[Row]:
    """The rows of a folder's `clips.jsonl` or `metadata.jsonl`, with what is known or stated of each.

    `prompt` (or `caption`) is read for tempo and key where the row itself has none.

    Args:
        folder: of clips.
        genres: that a judge knows; another one counts as not told.

    Raises:
        UserError: there is no table, a row or a file is not as it must be; one line that names it.
    """
    if not folder.is_dir():
        raise UserError(f"--clips {folder}: no such folder")
    table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table is None:
        raise UserError(f"--clips {folder}: holds neither {' nor '.join(TABLES)}; give one with file_name and prompt")
    rows = [_known(table, number, row, genres) for number, row in enumerate(_lines(table), start=1)]
    if not rows:
        raise UserError(f"{table} lists no clips")
    return rows


def _lines(table: Path) -> list[Row]:
    rows: list[Row] = []
    for where, row in json_rows(table):
        if not isinstance(row.get("file_name"), str):
            raise UserError(f"{table}, {where}: must be an object with file_name")
        rows.append(row)
    return rows


def _known(table: Path, number: int, row: Mapping[str, Any], genres: Sequence[str]) -> Row:
    where = f"{table}, row {number}"
    path = table.parent / row["file_name"]
    check_below(table, f"row {number}", row["file_name"])
    if not path.is_file():
        raise UserError(f"{where}: {path} does not exist")
    prompt = str(row.get("prompt") or row.get("caption") or "")
    stated = parse_attributes(prompt)
    bpm, key, genre, lead = (row.get(name) for name in ("bpm", "key", "genre", "lead"))
    if bpm is None:
        bpm = stated.tempo
    elif isinstance(bpm, bool) or not isinstance(bpm, int | float) or not 30 <= bpm <= 300:
        raise UserError(f"{where}: bpm {bpm!r} must be a number from 30 to 300")
    if key:
        try:
            parts_of(str(key))
        except ValueError as error:
            raise UserError(f"{where}: {error}") from error
    elif stated.key is not None:
        key = f"{NOTES[stated.key[0]]} {MODES[stated.key[1]]}"
    return {
        "file_name": row["file_name"],
        "prompt": prompt,
        "genre": genre if genre in genres else None,
        "style": row.get("style") if row.get("style") in _style_names() else None,
        "bpm": bpm,
        "key": key or None,
        "lead": lead or None,
        "duration": SECONDS,
    }


def _style_names() -> set[str]:
    from mousai.compose import STYLES

    return {style.name for style in STYLES}


def fingerprint(folder: Path) -> str:
    """A name for the very weights and settings of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".json", ".safetensors", ".model"):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
