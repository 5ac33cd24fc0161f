"""Checks of a config against this machine, before songs are read."""

import sys

import torch

from mousai.codec import has_compiler
from mousai.dtype import bfloat16_gain
from mousai.errors import UserError
from mousai.training.callbacks.loggers import check_logger
from mousai.training.config import TrainingConfig
from mousai.training.fsdp import FSDP
from mousai.training.trainer import check_trainer, lightning_device


def check_machine(config: TrainingConfig) -> None:
    """Refuse what this machine or the strategy cannot do; say on stderr what it does slowly.

    Raises:
        UserError: there is no such device, or settings that do not go together; one line.
    """
    loop = config.loop
    if loop.strategy != FSDP and ("fsdp" in loop.strategy or "deepspeed" in loop.strategy):
        raise UserError("loop.strategy", loop.strategy, "its average could not follow the weights; take fsdp, or ddp")
    if loop.strategy == FSDP and (loop.compile or loop.precision == "16-mixed"):
        field, value = ("loop.compile", True) if loop.compile else ("loop.precision", loop.precision)
        raise UserError(field, value, "does not go with loop.strategy=fsdp; leave it out, or take ddp")
    on_cpu = lightning_device(config)[0] == "cpu"
    if loop.compile and on_cpu and not has_compiler():
        raise UserError("loop.compile", True, "needs a C++ compiler, such as g++, on the PATH; leave it out")
    check_logger(config.logging.logger)
    check_trainer(config)
    if loop.precision == "bf16-mixed" and on_cpu and (gain := bfloat16_gain(torch.device("cpu"))) < 1:
        print(
            f"mousai: loop.precision=bf16-mixed: this CPU multiplies {gain:.2g} times as fast in bfloat16 as in "
            "float32; 32-true would do better",
            file=sys.stderr,
        )
