"""Exact calls: the same bytes whatever the batch around a piece and whatever the threads of the process.

    Request ── alone() ──> one request a piece ── each in one thread, in float32 on the CPU ──> joined

Sums of floating-point numbers depend on their order, and libraries choose that by the size of a batch and by the number
of threads. An exact call leaves them no choice: a piece is a batch of its own, with its branches of guidance, which are
always as many, in one thread. Nothing is drawn or added by more than one thread, so that no algorithm has to be
replaced by a deterministic one.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec

import numpy as np
import torch
from torch import Tensor

from mousai.exact.threads import one_thread
from mousai.output import MousaiOutput

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.request import Request

P = ParamSpec("P")


def each_alone(
    make: "Callable[Concatenate[Mousai, Request, P], MousaiOutput]",
) -> "Callable[Concatenate[Mousai, Request, P], MousaiOutput]":
    """Make a verb heed `SamplingConfig.exact`: each piece of an exact request is then made alone, in one thread.

    A callback that interrupts a piece interrupts that piece, as it would in a call for it alone. Another thread that
    does so ends the call: the result has the pieces that were begun.

    Args:
        make: makes the pieces of a request; its keyword argument `latents`, if it has one, holds one for each piece.
    """

    @functools.wraps(make)
    def made(pipe: "Mousai", request: "Request", /, *args: P.args, **kwargs: P.kwargs) -> MousaiOutput:
        if not request.config.exact:
            return make(pipe, request, *args, **kwargs)
        call: Callable[..., MousaiOutput] = make
        outputs: list[MousaiOutput] = []
        mine = dict(kwargs)
        with one_thread():
            for place, one in enumerate(request.alone()):
                if outputs and pipe._interruptions.is_call_stopped:
                    break
                pipe._interruptions.next_piece()
                if "latents" in kwargs:
                    mine["latents"] = _own(kwargs["latents"], place, len(request.seeds))
                outputs.append(call(pipe, one, *args, **mine))
        return _joined(outputs)

    return made


def _own(latents: object, place: int, pieces: int) -> object:
    """The starting noise of one piece; what is no noise for so many pieces is left to be refused."""
    if isinstance(latents, Tensor) and latents.ndim and len(latents) == pieces:
        return latents[place : place + 1]
    return latents


def _joined(outputs: Sequence[MousaiOutput]) -> MousaiOutput:
    """Results of pieces that were made alone as the result of one call."""
    tensors = [one.audios for one in outputs if isinstance(one.audios, Tensor)]
    arrays = [one.audios for one in outputs if not isinstance(one.audios, Tensor)]
    return replace(
        outputs[0],
        audios=torch.cat(tensors) if tensors else np.concatenate(arrays),
        seeds=tuple(seed for one in outputs for seed in one.seeds),
        prompts=tuple(prompt for one in outputs for prompt in one.prompts),
        tempos=tuple(tempo for one in outputs for tempo in one.tempos),
    )
