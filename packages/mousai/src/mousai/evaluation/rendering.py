"""Rendering of planned clips, by a model or by the composer: the only module that runs a text-to-music pipeline.

An interrupted run continues: a clip is kept where its row says that it was made the same way.
"""

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mousai.arguments import PromptCutWarning, UnknownWordsWarning
from mousai.audio.files import write_audio
from mousai.audio.writing import as_array
from mousai.evaluation.clips import TABLE, Row, progress, read_rows, write_rows
from mousai.evaluation.features.waveform import SAMPLE_RATE

if TYPE_CHECKING:
    from mousai.evaluation.features.waveform import Array
    from mousai.pipeline import Mousai


def load_pipeline(
    folder: Path, *, device: str, dtype: str, lora: Path | None = None, lora_scale: float | None = None
) -> "Mousai":
    """Load the model to evaluate.

    Args:
        folder: folder of the model.
        device: device to generate on.
        dtype: dtype of the model.
        lora: adapter that is added to it.
        lora_scale: how much of it; by default 1.

    Raises:
        UserError: there is no such device, or the adapter is of another model.
    """
    from mousai.pipeline import Mousai

    pipeline = Mousai.from_pretrained(folder, device=device, dtype=dtype)
    if lora is not None:
        pipeline.load_lora_weights(lora, scale=1.0 if lora_scale is None else lora_scale)
    pipeline.set_progress_bar_config(disable=True)  # the bar here counts clips
    return pipeline


@contextmanager
def quiet_prompts() -> Iterator[None]:
    """Without warnings of what a prompt has that the model does not read, which is part of what is measured."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptCutWarning)
        warnings.simplefilter("ignore", UnknownWordsWarning)
        yield


def render_clips(
    folder: Path, rows: Sequence[Row], pipeline: "Mousai", *, model_hash: str, fast: bool = False
) -> list[Row]:
    """Generate clips with a model and its own defaults.

    Args:
        folder: folder of the clips.
        rows: rows of `plan_clips`.
        pipeline: the model.
        model_hash: hash of the model; clips of another one are generated again.
        fast: two steps for each clip, to see whether everything runs.

    Returns:
        The rows with `cpu`, seconds of CPU for a second of music.
    """

    def generate(row: Row) -> tuple["Array", Row]:
        started = time.process_time()
        with quiet_prompts():
            result = pipeline(
                row["prompt"],
                duration=row["duration"],
                seed=row["seed"],
                num_inference_steps=2 if fast else None,
                decoder_steps=min(1, pipeline.defaults.decoder_steps) if fast else None,
            )
        cpu = (time.process_time() - started) / row["duration"]
        return as_array(result.audios[0]), {"cpu": round(cpu, 4)}

    dtype = str(pipeline.dtype).removeprefix("torch.")
    settings = {"model": f"{model_hash} in {dtype}", **({"fast": True} if fast else {})}
    return render_missing(folder, [{**row, **settings} for row in rows], generate, "generating")


def render_references(folder: Path, rows: Sequence[Row]) -> list[Row]:
    """Let the composer write and render songs with the attributes of the rows, from seeds of no data set."""
    from mousai.compose import compose_song, render_song
    from mousai.compose.instruments import PROGRAMS

    def compose(row: Row) -> tuple["Array", Row]:
        song = compose_song(
            row["song"],
            genre=row.get("style") or row.get("genre"),
            bpm=row.get("bpm"),
            key=row.get("key"),
            lead=row["lead"] if row.get("lead") in PROGRAMS else None,
            duration=row["duration"],
        )
        return render_song(song).mix, {}

    songs = [
        {
            **{key: value for key, value in row.items() if key not in ("seed", "model", "cpu", "fast")},
            "song": _song_seed(row),
        }
        for row in rows
    ]
    return render_missing(folder, songs, compose, "composing")


def model_hash(folder: Path, *, lora: Path | None = None, lora_scale: float | None = None) -> str:
    """A short hash of the weights and configs of a model folder, and of an adapter with its scale."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".json", ".safetensors", ".model"):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    if lora is not None:
        digest.update(f"adapter {1.0 if lora_scale is None else lora_scale!r}".encode())
        digest.update(lora.read_bytes())
    return digest.hexdigest()[:16]


def _song_seed(row: Row) -> int:
    text = f"mousai.evaluation/{row['prompt']}/{row.get('piece', 0)}/{row['file_name']}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def render_missing(
    folder: Path, rows: Sequence[Row], render: Callable[[Row], tuple["Array", Row]], description: str
) -> list[Row]:
    """Render the clips that are not there yet; the table is written after every clip.

    Args:
        folder: folder of the clips and their table.
        rows: rows that say how each clip is made; one whose row in the table says the same is kept.
        render: function of a row that gives the sound at `SAMPLE_RATE`, and more fields of the row.
        description: what the progress bar says.

    Returns:
        the rows with those fields.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / TABLE
    if not table.is_file():
        write_rows(table, [])  # tells the next call, if this one is stopped, whose clips these are
    before = {row["file_name"]: row for row in read_rows(table)}
    done: dict[str, Row] = {}
    for row in rows:
        old = before.get(row["file_name"], {})
        if all(old.get(key) == value for key, value in row.items()) and (folder / row["file_name"]).is_file():
            done[row["file_name"]] = old
    with progress([row for row in rows if row["file_name"] not in done], description) as missing:
        for row in missing:
            audio, more = render(row)
            write_audio(folder / row["file_name"], audio, SAMPLE_RATE, overwrite=True, bits=16, peak="scale")
            done[row["file_name"]] = {**row, **more}
            write_rows(table, [done[each["file_name"]] for each in rows if each["file_name"] in done])
    found = [done[row["file_name"]] for row in rows]
    write_rows(table, found)
    return found
