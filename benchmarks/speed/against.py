"""Against the authors' library, with the same weights in the same process."""

import copy
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from torch import nn

from benchmarks.speed.measure import Figure, Settings, gigaflop, interleaved
from benchmarks.speed.models import (
    Autoencoders,
    LatentDiffusions,
    autoencoder_config,
    latent_diffusion_config,
    relative_error,
)
from benchmarks.speed.steps import (
    DecoderStep,
    GuidedStep,
    Run,
    training_of_decoder,
    training_of_latent_diffusion,
    under_autocast,
)
from mousai.codec import compile_net

M = TypeVar("M", bound=nn.Module)

NO_FEED_FORWARD = "paper's widths without feed-forwards, which theirs lacks"


@dataclass(frozen=True)
class Modes:
    """Ours and theirs in float32; where they are asked for, ours in bfloat16, theirs under autocast, ours compiled."""

    float32: Run
    theirs: Run
    bfloat16: Run | None = None
    autocast: Run | None = None
    compiled: Run | None = None

    def runs(self) -> dict[str, Run]:
        """By name, those that there are."""
        runs = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: run for name, run in runs.items() if run is not None}


def stage1(settings: Settings) -> Iterator[Figure]:
    """One evaluation of the decoder."""
    models = Autoencoders.make(autoencoder_config(8 if settings.quick else 1))
    samples = 2**15 if settings.quick else 2**18
    low = _cast(models.ours, "decoder", settings)
    step = DecoderStep(models, samples)
    modes = Modes(step.ours(), step.theirs())
    if settings.bfloat16:
        in_low = DecoderStep(Autoencoders(low, models.theirs), samples).ours()
        modes = replace(modes, bfloat16=in_low, autocast=under_autocast(step.theirs()))
    if settings.compile:
        compiled = DecoderStep(Autoencoders(_compiled_copy(low, "decoder"), models.theirs), samples).ours()
        modes = replace(modes, compiled=compiled)
    yield from _steps("stage1", f"stage 1 step, {samples} samples", modes, settings, least=5.0, least_eager=1.7)


def stage2(settings: Settings) -> Iterator[Figure]:
    """One guided evaluation of the latent diffusion."""
    models = LatentDiffusions.make(latent_diffusion_config(4 if settings.quick else 1))
    low = _cast(models.ours, "net", settings)
    for frames, least in ((64, 5.0), (128, None)) if settings.quick else ((2048, 5.0), (4096, None)):
        step = GuidedStep(models, frames)
        modes = Modes(step.ours(), step.theirs())
        if settings.bfloat16:
            in_low = GuidedStep(LatentDiffusions(low, models.theirs), frames).ours()
            modes = replace(modes, bfloat16=in_low, autocast=under_autocast(step.theirs()))
        if settings.compile and least is not None:
            compiled = GuidedStep(LatentDiffusions(_compiled_copy(low, "net"), models.theirs), frames).ours()
            modes = replace(modes, compiled=compiled)
        name = f"stage 2 guided step, {frames} frames"
        yield from _steps("stage2", name, modes, settings, least=least, least_eager=None, note=NO_FEED_FORWARD)


def training(settings: Settings) -> Iterator[Figure]:
    """Forward and backward of both stages; ours as `mousai train` does it here, theirs as it comes."""
    widths = (("tiny", 8, 2, None),) if settings.quick else (("tiny", 4, 4, 2.5), ("paper", 1, 4, 2.0))
    samples, frames = (2**15, 64) if settings.quick else (2**17, 2048)
    for width, divisor, batch, least in widths:
        what = "the paper's widths" if divisor == 1 else f"the paper's widths / {divisor}"
        what += "" if settings.bfloat16 else ", both float32"
        autoencoders = Autoencoders.make(autoencoder_config(divisor))
        ours, theirs = training_of_decoder(autoencoders, batch=batch, samples=samples, autocast=settings.bfloat16)
        times = interleaved({"theirs": theirs, "ours": ours}, settings)
        yield _faster("training", f"training, stage 1 {width}, batch {batch}, {samples} samples", times, least, what)
        latent_diffusions = LatentDiffusions.make(latent_diffusion_config(divisor))
        ours, theirs = training_of_latent_diffusion(
            latent_diffusions, batch=batch, frames=frames, autocast=settings.bfloat16
        )
        times = interleaved({"theirs": theirs, "ours": ours}, settings)
        name = f"training, stage 2 {width}, batch {batch}, {frames} frames"
        yield _faster("training", name, times, least, f"{what}, without feed-forwards")


def cascade(settings: Settings) -> Iterator[Figure]:
    """A whole piece, added up from its steps."""
    divisor, hop = (8, 1024) if settings.quick else (1, 1024)
    window = 64 if settings.quick else 256
    latent_diffusions, autoencoders = (
        LatentDiffusions.make(latent_diffusion_config(divisor)),
        Autoencoders.make(autoencoder_config(divisor)),
    )
    low_latent_diffusion = _cast(latent_diffusions.ours, "net", settings)
    low_autoencoder = _cast(autoencoders.ours, "decoder", settings)
    few = Settings(quick=settings.quick, repeats=2, budget=0.0, compile=False)
    for frames in (64, 128) if settings.quick else (2048, 4096):
        times = interleaved(
            {
                "their latent diffusion": GuidedStep(latent_diffusions, frames).theirs(),
                "our latent diffusion": GuidedStep(
                    LatentDiffusions(low_latent_diffusion, latent_diffusions.theirs), frames
                ).ours(),
                "their decoder": DecoderStep(autoencoders, frames * hop).theirs(),
                "our decoder": _windowed(low_autoencoder, frames, window),
            },
            few,
        )
        ours = 50 * times["our latent diffusion"] + 20 * times["our decoder"]
        theirs = 50 * times["their latent diffusion"] + 20 * times["their decoder"]
        seconds = frames * hop / 48000
        note = "EXTRAPOLATED: 50 guided steps and 20 decoder steps, from the median of one of each"
        yield Figure(
            section="cascade",
            name=f"{seconds:.1f} s of music, 50 + 20 steps",
            ours=ours,
            theirs=theirs,
            ratio=theirs / ours,
            note=f"{note}; {NO_FEED_FORWARD}",
        )
        yield Figure(
            section="cascade",
            name=f"{seconds:.1f} s of music: seconds of music per second",
            ours=seconds / ours,
            theirs=seconds / theirs,
            unit="",
            ratio=seconds / ours,
            least=None if settings.quick else 1.0,
            note="EXTRAPOLATED likewise",
        )


def _windowed(autoencoder: nn.Module, frames: int, window: int) -> Run:
    """One evaluation of our decoder over the whole piece, window by window as `DMAE.decode` does it."""
    from benchmarks.speed.models import normal
    from dmae import DMAE, DecodingConfig

    assert isinstance(autoencoder, DMAE)
    latent = normal(1, autoencoder.config.latent_channels, frames).tanh()
    return lambda: autoencoder.decode(latent, config=DecodingConfig(num_steps=1, window_frames=window))


def _cast(model: M, net: str, settings: Settings) -> M:
    """A copy whose `net` computes in bfloat16; the model itself where that is not measured."""
    if not settings.bfloat16:
        return model
    model = copy.deepcopy(model)
    getattr(model, net).to(torch.bfloat16)
    return model


def _compiled_copy(model: M, net: str) -> M:
    """A copy whose `net` will be compiled when it is first used."""
    model = copy.deepcopy(model)
    compile_net(getattr(model, net))
    return model


def _steps(
    section: str,
    name: str,
    modes: Modes,
    settings: Settings,
    *,
    least: float | None,
    least_eager: float | None,
    note: str = "",
) -> Iterator[Figure]:
    error = relative_error(modes.float32(), modes.theirs())
    if error > 1e-3:
        raise RuntimeError(f"{name}: ours and theirs differ by {error:.1e}, so they are not the same model")
    if modes.compiled is not None:
        began = time.perf_counter()
        modes.compiled()
        print(f"{name}: compiled in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    about_low = ""
    if modes.bfloat16 is not None:
        about_low = (
            f"differs from their float32 by {relative_error(modes.bfloat16(), modes.theirs()):.1e} (relative RMS)"
        )
    times = interleaved(modes.runs(), settings)
    fastest = min((mode for mode in times if mode not in ("theirs", "autocast")), key=lambda mode: times[mode])
    told = f"fastest of ours: {fastest}" + (f"; {note}" if note else "")
    yield Figure(
        section=section,
        name=f"{name}: fastest, theirs as it comes",
        ours=times[fastest],
        theirs=times["theirs"],
        ratio=times["theirs"] / times[fastest],
        least=least,
        note=told,
    )
    for mode, other, target, about in (
        ("bfloat16", "autocast", least_eager, about_low),
        ("float32", "theirs", None, f"same numbers to {error:.0e}"),
        ("compiled", "bfloat16" if settings.bfloat16 else "float32", None, "both ours; `theirs` is eager here"),
    ):
        if mode in times:
            shown = {"bfloat16": "bfloat16 eager, theirs autocast", "float32": "float32, theirs float32"}
            yield Figure(
                section=section,
                name=f"{name}: {shown.get(mode, 'compiled, eager in place of theirs')}",
                ours=times[mode],
                theirs=times[other],
                ratio=times[other] / times[mode],
                least=target,
                note=about,
            )
    operations = gigaflop(modes.float32)
    yield Figure(
        section=section,
        name=f"{name}: rate",
        ours=operations / times[fastest],
        theirs=operations / times["theirs"],
        unit="GFLOP/s",
        note=f"{operations:.1f} GFLOP",
    )


def _faster(section: str, name: str, times: dict[str, float], least: float | None, note: str) -> Figure:
    return Figure(
        section=section,
        name=name,
        ours=times["ours"],
        theirs=times["theirs"],
        ratio=times["theirs"] / times["ours"],
        least=least,
        note=note,
    )
