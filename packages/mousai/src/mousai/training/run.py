"""One run of training: a folder that holds everything of it, begun or gone on with.

RUN/config.json                  the settings
RUN/model.json                   the sizes of the model
RUN/checkpoints/step-N.ckpt      where it stands: weights, average, optimiser, position in the data
RUN/log/                         figures and samples, for TensorBoard or as tables
RUN/samples/step-N/              samples as sound and pictures
RUN/bad_files.json               files that could not be read
RUN/latents/  RUN/tokenizer/     stage 2: the songs encoded, the tokenizer made from their captions
"""

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from mousai.dtype import bfloat16_gain
from mousai.errors import UserError
from mousai.storage.folders import BUNDLED_NAME
from mousai.storage.weights import load_config, save_config
from mousai.training.assembled import Assembled
from mousai.training.assembly import assemble
from mousai.training.bad_files import BadFiles
from mousai.training.checkpoints import Checkpoints, newest_loadable, read_checkpoint
from mousai.training.config_difference import refuse_changes
from mousai.training.ema import EMA
from mousai.training.items import Numbers, collate
from mousai.training.modules import Stage
from mousai.training.one_trainer import only_trainer
from mousai.training.settings import AutoencoderSettings, Common, seconds_of
from mousai.training.settings_parts import AutoencoderItems, GeneratorItems
from mousai.training.splitting import FSDP, split_strategy
from mousai.training.stopping import RefuseNotFinite, StopOnSignal, TimeLimit
from mousai.training.watching import Bar, Listen, LogNorm, make_logger

CONFIG, SIZES, CHECKPOINTS, BAD = "config.json", "model.json", "checkpoints", "bad_files.json"


def train(settings: Common) -> int:
    """Train until the steps are made or the time is over, or go on with what the folder holds.

    Returns:
        0, or 130 after Ctrl-C and 143 after SIGTERM; the run is saved in each case.

    Raises:
        UserError: bad settings or data, or a run that cannot go on; one line that says what would do.
    """
    paths: dict[str, Any] = {key: _absolute(key, getattr(settings, key)) for key in _PATHS if hasattr(settings, key)}
    settings = replace(settings, **paths)
    out = Path(settings.out)
    _check_out(out)
    _check_machine(settings)
    with only_trainer(out):
        newest = newest_loadable(out / CHECKPOINTS)
        held = read_checkpoint(newest) if newest else {}
        if held:
            refuse_changes(_fixed(load_config(out / CONFIG)), _fixed(asdict(settings)), out / CONFIG)
        elif (out / CONFIG).exists():
            print(f"{out}: holds a run that saved nothing yet; begun anew", file=sys.stderr)
        if (done := int(held.get("global_step", 0))) and settings.loop.max_steps and done >= settings.loop.max_steps:
            print(f"{out}: has made {done} steps already; {_how_to_go_on(settings)}", file=sys.stderr)
            return 0
        assembled = assemble(settings, fresh=not held)
        sizes = _as_json(assembled.config.to_dict())
        if held:
            begun = type(assembled.config).from_dict(load_config(out / SIZES))  # perhaps before there was some size
            refuse_changes(_as_json(begun.to_dict()), sizes, out / SIZES)
            print(f"{out}: goes on from step {done}", file=sys.stderr)
        save_config(out / CONFIG, {"stage": _stage_name(settings), **asdict(settings)})
        save_config(out / SIZES, sizes)
        code = _fit(settings, assembled, newest, held)
    if code is not None:
        print(f"{out}: saved; the same command goes on from here", file=sys.stderr)
    else:
        print(f"{out}: done; `mousai export {out} -o MODEL_DIR` makes a model of it", file=sys.stderr)
    return code or 0


def _fit(settings: Common, assembled: Assembled, newest: Path | None, held: Mapping[str, Any]) -> int | None:
    out, loop = Path(settings.out), settings.loop
    start = int(held.get("global_step", 0))
    ema = EMA(beta=settings.ema.beta, power=settings.ema.power)
    guard = RefuseNotFinite()
    limit = None if loop.max_time is None else TimeLimit(seconds_of(loop.max_time))
    saving = settings.saving
    signals = StopOnSignal()
    callbacks = [
        BadFiles(out / BAD, count=assembled.files),
        guard,
        ema,  # before whatever uses the average
        LogNorm(guard),
        Listen(settings.watching, out, ema),
        signals,
        *([] if limit is None else [limit]),
        Checkpoints(
            out / CHECKPOINTS, every_steps=saving.every_steps, every_minutes=saving.every_minutes, keep=saving.keep
        ),
        Bar(max_steps=loop.max_steps, limit=limit, guard=guard),
    ]
    devices = loop.devices if loop.accelerator != "cpu" or loop.devices != "auto" else 1
    validate = settings.watching.validate_every if assembled.validation is not None else 0
    with _quiet(), signals:
        trainer = Trainer(
            accelerator=loop.accelerator,
            devices=devices,
            num_nodes=loop.nodes,
            strategy=split_strategy(nodes=loop.nodes, devices=devices) if loop.strategy == FSDP else loop.strategy,
            precision=loop.precision,
            max_steps=-1 if loop.max_steps is None else loop.max_steps,
            max_epochs=-1,
            accumulate_grad_batches=loop.accumulate,
            gradient_clip_val=settings.optimizer.clip,
            val_check_interval=validate * loop.accumulate if validate else None,
            limit_val_batches=1.0 if validate else 0,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            log_every_n_steps=settings.watching.log_every,
            logger=make_logger(settings.watching.logger, out, start=start),
            callbacks=callbacks,
            inference_mode=loop.strategy != FSDP,  # what is gathered in it is of no use to a backward pass
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        first = int(held.get(Stage.SEEN, 0))
        assembled.stage.begin_at(first, files=assembled.files)
        try:
            trainer.fit(
                assembled.stage,
                _train_loader(assembled, settings, first=first, rank=trainer.global_rank, world=trainer.world_size),
                _validation_loader(assembled, settings) if validate else None,
                ckpt_path=None if newest is None else str(newest),
                weights_only=True,
            )
        except UserError as error:
            raise _as_first_raised(error) from error
        except SystemExit:
            if signals.received is None:
                raise
            raise KeyboardInterrupt from None  # the second Ctrl-C, of which Lightning makes an exit with code 1
    return signals.exit_code


def _as_first_raised(error: UserError) -> UserError:
    """An error without the traceback that a `DataLoader` puts into its text when it comes from another process."""
    lines = str(error).strip().splitlines()
    return UserError(lines[-1].partition(": ")[2]) if lines[0].startswith("Caught ") and len(lines) > 1 else error


def _train_loader(
    assembled: Assembled, settings: Common, *, first: int, rank: int, world: int
) -> DataLoader[dict[str, Any]]:
    return DataLoader(
        assembled.train,
        batch_size=settings.loop.batch,
        sampler=Numbers(first=first, rank=rank, world=world),
        num_workers=settings.loop.workers,
        collate_fn=collate,
    )


def _validation_loader(assembled: Assembled, settings: Common) -> DataLoader[dict[str, Any]]:
    assert assembled.validation is not None
    return DataLoader(assembled.validation, batch_size=settings.loop.batch, collate_fn=collate)


_MODELS = ("start_from", "autoencoder")
_PATHS = ("data", "out", *_MODELS, "model", "text")


def _absolute(key: str, value: str | None) -> str | None:
    """A path that still holds in another folder; names such as "bundled" and "tiny" stay."""
    if value is None or (key in _MODELS and value == BUNDLED_NAME) or not Path(value).exists():
        return value
    return str(Path(value).absolute())


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"out={out}: is a file; give a folder")
    if out.is_dir() and not (out / CONFIG).exists():
        foreign = [
            path.name
            for path in out.iterdir()
            if path.name not in (CHECKPOINTS, "latents", "tokenizer", "training.lock")
        ]
        if foreign:
            raise UserError(f"out={out}: holds {foreign[0]}, and no run; give a new or empty folder")


def _check_machine(settings: Common) -> None:
    loop = settings.loop
    if loop.strategy != FSDP and ("fsdp" in loop.strategy or "deepspeed" in loop.strategy):
        raise UserError(f"loop.strategy={loop.strategy}: its average could not follow the weights; take fsdp, or ddp")
    if loop.strategy == FSDP and (loop.compile or loop.precision == "16-mixed"):
        what = "loop.compile=true" if loop.compile else "loop.precision=16-mixed"
        raise UserError(f"{what}: does not go with loop.strategy=fsdp; leave it out, or take ddp")
    on_cpu = loop.accelerator == "cpu" or (loop.accelerator == "auto" and not torch.accelerator.is_available())
    if loop.precision == "bf16-mixed" and on_cpu and (gain := bfloat16_gain(torch.device("cpu"))) < 1:
        print(
            f"mousai: loop.precision=bf16-mixed: this CPU multiplies {gain:.2g} times as fast in bfloat16 as in "
            "float32; 32-true would do better",
            file=sys.stderr,
        )


def _fixed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run keeps; how long, how fast, on what machine and what is watched may change."""
    kept = {key: value for key, value in values.items() if key not in ("data", "out", "saving", "watching", "stage")}
    kept["loop"] = {"seed": values["loop"]["seed"]}
    kept["loop"]["fsdp"] = values["loop"]["strategy"] == FSDP  # whose optimiser counts the weights in another order
    # Runs that were begun before there was a setting have its default.
    items = GeneratorItems if "frames" in values["crops"] else AutoencoderItems
    kept["crops"] = {**asdict(items()), **values["crops"]}
    kept["crops"].pop("latents", None)
    if items is AutoencoderItems:
        kept.setdefault("attack_weight", 0.0)
        if kept["phase"] == "decoder":  # which learns no magnitudes
            kept.pop("attack_weight")
    if values["optimizer"]["schedule"] == "cosine":  # which falls over so many steps
        kept["loop"]["max_steps"] = values["loop"]["max_steps"]
    return kept


def _how_to_go_on(settings: Common) -> str:
    if settings.optimizer.schedule == "cosine":  # whose rate has come to its end
        return f"to train on, export it (`mousai export {settings.out} -o MODEL`) and begin a new run --from MODEL"
    return "give a higher --loop.max_steps to go on"


def _as_json(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {key: _as_json(value) for key, value in values.items()}
    return [_as_json(value) for value in values] if isinstance(values, list | tuple) else values


def _stage_name(settings: Common) -> str:
    return "autoencoder" if isinstance(settings, AutoencoderSettings) else "latent-diffusion"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's advice that is no business of the user's."""
    logs = [
        logging.getLogger(name)
        for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    ]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in _ADVICE:
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            for log, level in zip(logs, before, strict=True):
                log.setLevel(level)


_ADVICE = (
    ".*does not have many workers.*",  # the user says how many
    ".*have no .val_dataloader.*",  # nothing is held out
    ".*resuming from a checkpoint that ended before the epoch ended.*",  # items are numbered, see `Numbers`
    ".*isinstance.treespec, LeafSpec.*",  # of torch, about Lightning
)
