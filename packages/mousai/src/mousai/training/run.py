"""One run of training: a folder that holds everything of it, begun or gone on with.

RUN/config.json                  the config, and fingerprints of what the run reads of other models in every step
RUN/model.json                   the sizes of the model
RUN/checkpoints/step-N.ckpt      where it stands: weights, average, optimiser, position in the data
RUN/log/                         figures and samples, for TensorBoard or as tables
RUN/samples/step-N/              samples as sound and pictures
RUN/bad_files.json               files that could not be read
RUN/latents/                     stage 2: the songs encoded
RUN/tokenizer/                   stage 2, text encoder: the tokenizer made from the captions
RUN/vocabulary.json              likewise: words of the captions, where the text encoder is trained
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback

from mousai.conditioning.vocabulary import VOCABULARY
from mousai.errors import UserError
from mousai.storage.files import first_foreign
from mousai.storage.folders import BUNDLED_NAME
from mousai.storage.weights import load_config, save_config
from mousai.training.callbacks.bad_files import BadFiles
from mousai.training.callbacks.checkpointing import SaveCheckpoints
from mousai.training.callbacks.ema import EMA
from mousai.training.callbacks.finite_guard import FiniteGuard
from mousai.training.callbacks.progress_bar import ProgressBar
from mousai.training.callbacks.samples import LogSamples
from mousai.training.callbacks.stopping import StopOnSignal, TimeLimit
from mousai.training.checkpoint_files import newest_loadable, read_checkpoint
from mousai.training.compiling import compiler_faults
from mousai.training.config import STAGES, TrainingConfig, seconds_of
from mousai.training.config.differences import refuse_changes
from mousai.training.kept_settings import BESIDE, fixed_settings, refuse_other_models
from mousai.training.machine import check_machine
from mousai.training.run_lock import LOCK, is_first_process, run_lock
from mousai.training.run_paths import RELATIVE, relative_paths, with_paths_of
from mousai.training.stages.build import build
from mousai.training.stages.experiment import Experiment
from mousai.training.stages.module import Stage
from mousai.training.trainer import make_trainer, quiet_lightning, train_loader, validation_loader

CONFIG, SIZES, CHECKPOINTS, BAD = "config.json", "model.json", "checkpoints", "bad_files.json"
_MADE = ("tokenizer", VOCABULARY, BAD)
"""What a run makes of its data before its first checkpoint."""


def train(config: TrainingConfig) -> int:
    """Train until the steps are made or the time is over, or go on with what the folder holds.

    Returns:
        0, or 130 after Ctrl-C and 143 after SIGTERM; the run is saved in each case.

    Raises:
        UserError: bad settings or data, or a run that cannot go on; one line that says what would do.
    """
    paths: dict[str, Any] = {key: _absolute(key, getattr(config, key)) for key in _PATHS if hasattr(config, key)}
    config = replace(config, **paths)
    out = Path(config.out)
    _check_out(out)
    check_machine(config)
    with run_lock(out):
        newest = newest_loadable(out / CHECKPOINTS)
        saved = read_checkpoint(newest) if newest else {}
        if saved:
            given = asdict(config)
            begun_with = with_paths_of(load_config(out / CONFIG), given, out)
            refuse_changes(fixed_settings(begun_with), fixed_settings(given), out / CONFIG)
        else:
            if (out / CONFIG).exists():
                print(f"{out}: holds a run that saved nothing yet; begun anew", file=sys.stderr)
            _remove_made(out)
        if (done := int(saved.get("global_step", 0))) and config.loop.max_steps and done >= config.loop.max_steps:
            print(f"{out}: has made {done} steps already; {_how_to_go_on(config)}", file=sys.stderr)
            return 0
        experiment = build(config, fresh=not saved, weights=saved.get("state_dict", {}))
        sizes = _as_json(experiment.config.to_dict())
        if saved:
            begun = type(experiment.config).from_dict(load_config(out / SIZES))  # perhaps before there was some size
            refuse_changes(_as_json(begun.to_dict()), sizes, out / SIZES)
            refuse_other_models(begun_with, experiment.beside, given, out)
            print(f"{out}: goes on from step {done}", file=sys.stderr)
        values = asdict(config)
        about = {RELATIVE: relative_paths(values, out), BESIDE: _as_json(experiment.beside)}
        save_config(out / CONFIG, {"stage": _stage_name(config), **values, **about})
        save_config(out / SIZES, sizes)
        try:
            code = _fit(config, experiment, newest, saved)
        finally:
            experiment.close()
    if code is not None:
        print(f"{out}: saved; the same command goes on from here", file=sys.stderr)
    else:
        print(f"{out}: done; `mousai export {out} -o MODEL_DIR` makes a model of it", file=sys.stderr)
    return code or 0


def _fit(config: TrainingConfig, experiment: Experiment, newest: Path | None, saved: Mapping[str, Any]) -> int | None:
    out, first = Path(config.out), int(saved.get(Stage.SEEN, 0))
    limit = None if config.loop.max_time is None else TimeLimit(seconds_of(config.loop.max_time))
    signals = StopOnSignal()
    resident = experiment.stage.resident
    has_validation = experiment.validation is not None or (resident is not None and resident.validation > 0)
    validate = config.logging.validate_every if has_validation else 0
    with quiet_lightning(), signals:
        trainer = make_trainer(
            config,
            out,
            start=int(saved.get("global_step", 0)),
            validate=validate,
            callbacks=_callbacks(config, experiment, limit, signals),
        )
        experiment.stage.begin_at(
            first, files=experiment.files, time_progress=None if limit is None else lambda: limit.progress
        )
        try:
            with compiler_faults(config.loop.compile):
                trainer.fit(
                    experiment.stage,
                    train_loader(experiment, config, first=first, rank=trainer.global_rank, world=trainer.world_size),
                    validation_loader(experiment, config) if validate else None,
                    ckpt_path=None if newest is None else str(newest),
                    weights_only=True,
                )
        except SystemExit:
            if signals.received is None:
                raise
            raise KeyboardInterrupt from None  # the second Ctrl-C, of which Lightning makes an exit with code 1
    return signals.exit_code


def _callbacks(
    config: TrainingConfig, experiment: Experiment, limit: TimeLimit | None, signals: StopOnSignal
) -> list[Callback]:
    out = Path(config.out)
    ema = EMA(beta=config.ema.beta, power=config.ema.power)
    guard = FiniteGuard(config.loop.not_finite)
    saving = config.checkpointing
    return [
        BadFiles(out / BAD, count=experiment.files),
        guard,
        ema,  # before whatever uses the average
        LogSamples(config.logging, out, ema),
        signals,
        *([] if limit is None else [limit]),
        SaveCheckpoints(
            out / CHECKPOINTS, every_steps=saving.every_steps, every_minutes=saving.every_minutes, keep=saving.keep
        ),
        ProgressBar(max_steps=config.loop.max_steps, limit=limit, guard=guard),
    ]


_MODELS = ("start_from", "distill_from", "autoencoder")
_PATHS = ("data", "out", *_MODELS, "model", "text")


def _absolute(key: str, value: str | None) -> str | None:
    """A path that still holds in another folder; names such as "bundled" and "tiny" stay."""
    if value is None or (key in _MODELS and value == BUNDLED_NAME) or not Path(value).exists():
        return value
    return str(Path(value).absolute())


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError("out", out, "is a file; give a folder")
    if (out / CONFIG).exists():
        if load_config(out / CONFIG).get("stage") not in STAGES:
            raise UserError("out", out, f"holds a {CONFIG} of something else, and no run; give a new or empty folder")
    elif foreign := first_foreign(out, own=(CHECKPOINTS, "latents", LOCK, *(_MADE if (out / LOCK).exists() else ()))):
        raise UserError("out", out, f"holds {foreign}, and no run; give a new or empty folder")


def _remove_made(out: Path) -> None:
    """Remove what a run made of its data and saved no checkpoint with: it would number the words of other data.

    The first process alone does so, and before the others look.
    """
    if not is_first_process():
        return
    for made in (out / name for name in _MADE):
        if made.is_dir() and not made.is_symlink():
            shutil.rmtree(made)
        else:
            made.unlink(missing_ok=True)


def _how_to_go_on(config: TrainingConfig) -> str:
    if config.optimizer.schedule == "cosine":  # whose rate has come to its end
        return f"to train on, export it (`mousai export {config.out} -o MODEL`) and begin a new run --from MODEL"
    return "give a higher --loop.max_steps to go on"


def _as_json(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {key: _as_json(value) for key, value in values.items()}
    return [_as_json(value) for value in values] if isinstance(values, list | tuple) else values


def _stage_name(config: TrainingConfig) -> str:
    return next(name for name, kind in STAGES.items() if type(config) is kind)
