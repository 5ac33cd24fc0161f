"""An evaluation from start to end: play, render, judge, sum up, write."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai import __version__
from mousai.errors import UserError
from mousai.evaluation.clips import Row, fingerprint, planned, play, read_clips, render
from mousai.evaluation.copies import heard_songs, nearest
from mousai.evaluation.judges import Judges
from mousai.evaluation.judging import MOSTLY, Judged, judge
from mousai.evaluation.prompts import PROMPTS, Prompt, every_prompt
from mousai.evaluation.reconstruction import STEPS, reconstruct
from mousai.evaluation.report import page
from mousai.evaluation.reworded import NO_PROMPT, compared, reworded
from mousai.evaluation.sound import SECONDS
from mousai.evaluation.summary import Target, more_targets, summary, targets
from mousai.evaluation.tempo import RULE
from mousai.evaluation.whole_songs import judge_ends, wished
from mousai.storage.files import atomic_file

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

QUICK_PROMPTS = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done; the command line makes it.

    Args:
        out: folder of the results.
        model: folder of the model that plays; `None` = none does.
        model_name: how it is called in the report.
        clips: folders of clips that others made.
        prompts: how many of the 40 prompts, without the grid; `None` = all and the grid.
        quick: a first look: few prompts, few steps, short everything.
        seed: of the first piece; the others follow.
        dtype: number format of the model.
        true_renders: whether the composer plays the same wishes.
        long: seconds of whole songs to check; 0 = none.
        reworded: whether some prompts are played in other words too.
        songs: how many composed songs the autoencoder is measured on.
        files: recordings that it is measured on too.
        training_songs: folder of songs that the model learned from, to look for copies.
    """

    out: Path
    model: Path | None = None
    model_name: str = "bundled"
    clips: tuple[Path, ...] = ()
    prompts: int | None = None
    quick: bool = False
    seed: int = 0
    dtype: str = "auto"
    true_renders: bool = True
    long: float = 0.0
    reworded: bool = False
    songs: int = 6
    files: tuple[Path, ...] = ()
    training_songs: Path | None = None


@dataclass
class Result:
    """What came out.

    Args:
        sets: name -> the clips as they were judged; "true renders" is the composer's.
        summaries: name -> what they come to.
        targets: figures of the model beside what they should be.
        judges: the judges' own scores on songs that they did not learn from.
        settings: how all of it was made.
        more: figures of whole songs and of the autoencoder.
    """

    sets: dict[str, Judged] = field(default_factory=dict)
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    judges: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


TRUE = "true renders"


def evaluate(plan: Plan) -> Result:
    """Do what the plan says; writes `report.json` and `report.html` into its folder.

    Raises:
        UserError: a folder, file or tool is not as it must be.
    """
    judges = Judges.load()
    brought = {folder.name: (folder, read_clips(folder, genres=judges.style.names)) for folder in plan.clips}
    if plan.true_renders or plan.songs:
        from mousai.compose.render import check_tools

        check_tools()
    plan.out.mkdir(parents=True, exist_ok=True)
    result = Result(judges=judges.examined, settings=_settings(plan))
    rows = _wishes(plan, brought)
    pipeline = None if plan.model is None else _loaded(plan)
    sets: dict[str, tuple[Path, list[Row]]] = {}
    if pipeline is not None:
        sets[plan.model_name] = (plan.out / "clips", _played(plan, plan.out / "clips", rows, pipeline))
    sets |= brought
    wished_for = [row for row in rows if any(row.get(name) for name in ("genre", "bpm", "key", "lead"))]
    if plan.true_renders and wished_for:
        sets[TRUE] = (plan.out / "songs", render(plan.out / "songs", wished_for))
    for name, (folder, clips) in sets.items():
        result.sets[name] = judge(folder, clips, judges, what=f"listening to {name}")
    true = result.sets.get(TRUE)
    for name, judged in result.sets.items():
        result.summaries[name] = summary(judged, judges=judges, true=true)
    if plan.training_songs is not None:
        _look_for_copies(plan, result, judges)
    if plan.reworded and pipeline is not None:
        result.more["reworded"] = _reworded(plan, rows, result.sets[plan.model_name], judges, pipeline)
    if plan.long:
        result.more["whole_songs"] = _whole_songs(plan, judges, pipeline)
    if pipeline is not None and (plan.songs or plan.files):
        result.more["autoencoder"] = reconstruct(
            pipeline,
            plan.files,
            songs=min(plan.songs, 1) if plan.quick else plan.songs,
            seed=plan.seed,
            out=plan.out / "reconstruction",
            seconds=6.0 if plan.quick else SECONDS,
            steps=(1,) if plan.quick else STEPS,
        )
    if plan.model is not None:
        result.targets = targets(result.summaries[plan.model_name], result.summaries.get(TRUE))
        result.targets += more_targets(result.more, model=plan.model_name)
    _write_json(plan.out / "report.json", result)
    folders = {name: folder for name, (folder, _) in sets.items()}
    with atomic_file(plan.out / "report.html") as partial:
        partial.write_text(page(result, folders=folders, out=plan.out), encoding="utf-8")
    return result


def _look_for_copies(plan: Plan, result: Result, judges: Judges) -> None:
    assert plan.training_songs is not None
    _, songs = heard_songs(plan.training_songs, cache=plan.out / "training-songs.npz")
    true = result.sets.get(TRUE)
    for name, judged in result.sets.items():
        result.summaries[name]["nearest_training_song"] = nearest(
            judged.style, songs, judges, true=None if true is None else true.style
        )


def _reworded(plan: Plan, rows: Sequence[Row], usual: Judged, judges: Judges, pipeline: "Mousai") -> dict[str, Any]:
    heard: dict[str, list[Row]] = {}
    for name, these in reworded(rows).items():
        folder = plan.out / name.replace(" ", "-")
        heard[name] = judge(folder, _played(plan, folder, these, pipeline), judges, what=f"listening to {name}").rows
    without = [row["levels"] for row in heard.pop(NO_PROMPT)]
    silent = sum(each["silent"] > MOSTLY for each in without)
    return {**compared(heard, usual.rows), NO_PROMPT: {"pieces": len(without), "silent": silent}}


def _whole_songs(plan: Plan, judges: Judges, pipeline: "Mousai | None") -> dict[str, Any]:
    rows = planned(
        [(prompt, 1) for prompt in wished()[: 1 if plan.quick else None]], seed=plan.seed, duration=plan.long
    )
    sets: dict[str, Any] = {}
    if pipeline is not None:
        clips = _played(plan, plan.out / "whole", rows, pipeline)
        sets[plan.model_name] = {"folder": "whole", **judge_ends(plan.out / "whole", clips, judges)}
    if plan.true_renders:
        clips = render(plan.out / "whole-songs", rows)
        sets[TRUE] = {"folder": "whole-songs", **judge_ends(plan.out / "whole-songs", clips, judges)}
    return {"seconds": plan.long, "sets": sets}


def _wishes(plan: Plan, brought: Mapping[str, tuple[Path, Sequence[Row]]]) -> list[Row]:
    """A row for each piece that is played or composed here: of the prompts, or of the clips that were brought."""
    duration = 8.0 if plan.quick else SECONDS
    if brought:
        rows = [row for _, clips in brought.values() for row in clips]
        once = {row["prompt"] or row["file_name"]: row for row in rows if row["prompt"] or plan.model is None}
        if not once:
            raise UserError("--clips: no row has a prompt that a model could play")
        found = []
        for number, row in enumerate(list(once.values())[: QUICK_PROMPTS if plan.quick else None]):
            made = {"file_name": f"{number:03d}-a.flac", "piece": 0, "seed": plan.seed + number, "duration": duration}
            found.append({**row, **made})
        return found
    prompts: Sequence[Prompt] = every_prompt() if plan.prompts is None else PROMPTS[: plan.prompts]
    if plan.quick:
        prompts = PROMPTS[: plan.prompts or QUICK_PROMPTS]
    listed = set(PROMPTS)
    return planned([(each, 2 if each in listed else 1) for each in prompts], seed=plan.seed, duration=duration)


def _loaded(plan: Plan) -> "Mousai":
    from mousai.pipeline import Mousai

    assert plan.model is not None
    return Mousai.from_pretrained(plan.model, dtype=plan.dtype)


def _played(plan: Plan, folder: Path, rows: Sequence[Row], pipeline: "Mousai") -> list[Row]:
    assert plan.model is not None
    number_format = str(next(pipeline.latent_diffusion.net.parameters()).dtype).removeprefix("torch.")
    return play(folder, rows, pipeline, model=f"{fingerprint(plan.model)} in {number_format}", fast=plan.quick)


def _settings(plan: Plan) -> dict[str, Any]:
    told = {name: value for name, value in asdict(plan).items() if value not in (None, (), False)}
    told = {name: [str(each) for each in value] if isinstance(value, tuple) else value for name, value in told.items()}
    told = {name: str(value) if isinstance(value, Path) else value for name, value in told.items()}
    if plan.model is not None:
        told["model_fingerprint"] = fingerprint(plan.model)
    return {"mousai": __version__, "tempo_rule": RULE, **told}


def _write_json(path: Path, result: Result) -> None:
    found = {
        "settings": result.settings,
        "targets": [{**asdict(target), "verdict": target.verdict} for target in result.targets],
        "summaries": result.summaries,
        "judges_on_held_out_songs": result.judges,
        **result.more,
        "clips": {name: judged.rows for name, judged in result.sets.items()},
    }
    with atomic_file(path) as partial:
        text = json.dumps(_plain(found), indent=1, ensure_ascii=False, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """The same with null for what is no number, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def lines(result: Result) -> list[str]:
    """The table for the terminal."""
    found: list[str] = []
    names = list(result.summaries)
    rows = [("", *names)]
    for wish in ("style", "tempo", "key", "lead"):
        cells = []
        for name in names:
            part = result.summaries[name].get(wish)
            cells.append("" if part is None else f"{part['right']}/{part['asked']} {part['share']:.0%}")
        if any(cells):
            rows.append((wish, *cells))
    for figure, path in (("clipped", "clipped"), ("silent", "silent")):
        rows.append((figure, *(str(result.summaries[name]["levels"][path]) for name in names)))
    if any("frechet" in result.summaries[name] for name in names):
        both = [result.summaries[name].get("frechet") for name in names]
        rows.append(("Fréchet (floor)", *(f"{c['distance']:.3f} ({c['floor']:.3f})" if c else "" for c in both)))
    widths = [max(len(str(row[place])) for row in rows) for place in range(len(rows[0]))]
    found += [
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if result.targets:
        found += ["", "figure | measured | target | verdict"]
        table = [(t.name, t.shown, t.wanted, t.verdict) for t in result.targets]
        sizes = [max(len(row[place]) for row in table) for place in range(4)]
        found += ["  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in table]
    return found
