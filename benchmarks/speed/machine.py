"""Against this machine: its rate of matrix products, which share of it one step reaches, and where the rest goes."""

import time
from collections.abc import Iterator
from dataclasses import replace

import torch

from benchmarks.speed.children import run_child
from benchmarks.speed.measure import Figure, Settings, gigaflop, interleaved, peak_figure, peak_memory
from benchmarks.speed.models import (
    Autoencoders,
    LatentDiffusions,
    autoencoder_config,
    latent_diffusion_config,
    normal,
    unmasked,
)
from benchmarks.speed.steps import DecoderStep, GuidedStep, Run, without_gradients

KINDS = {
    "convolutions": ("convolution",),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"),
    "attention": ("scaled_dot_product", "softmax"),
    "norms": ("_norm",),
    "SiLU, GELU": ("silu", "gelu"),
    "copies and casts": ("copy_", "aten::cat", "repeat_interleave", "index_select", "_pad", "fill"),
    "sums and products": ("aten::add", "aten::mul", "addcmul", "where"),
}
"""Kinds of operators in the profile, by parts of the operators' names; the first that fits counts."""


def peak(settings: Settings) -> Iterator[Figure]:
    """The share of the rate of matrix products that a step reaches, both in one dtype, taking turns."""
    size, divisor = (256, 8) if settings.quick else (2048, 1)
    products = {"float32": _product(size, torch.float32)}
    if settings.bfloat16:
        products["bfloat16"] = _product(size, torch.bfloat16)
    shared = settings.dtype_name
    for name, run, least in _steps(divisor, settings):
        times = interleaved({"step": run, **products}, settings)
        operations = gigaflop(run)
        rates = {dtype: 2 * size**3 / 1e9 / times[dtype] for dtype in products}
        yield Figure(
            section="peak",
            name=f"{name}: share of the {shared} matrix-product rate",
            ours=operations / times["step"],
            theirs=rates[shared],
            unit="GFLOP/s",
            ratio=operations / times["step"] / rates[shared],
            shown_ratio="%",
            least=least,
            note=f"{operations:.1f} GFLOP, eager; `theirs` is a product of {size} x {size} matrices "
            f"(float32: {rates['float32']:.0f} GFLOP/s)",
        )


def profile(settings: Settings) -> Iterator[Figure]:
    """Share of a step's time that each kind of operator takes, eager."""
    for name, run, _ in _steps(8 if settings.quick else 1, settings):
        run()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
            for _ in range(3):
                run()
        shares = dict.fromkeys([*KINDS, "everything else"], 0.0)
        for event in found.key_averages():
            shares[_kind(event.key)] += event.self_cpu_time_total
        total = sum(shares.values())
        for kind, share in shares.items():
            yield Figure(
                section="profile",
                name=f"{name}: {kind}",
                ours=share / 3e6,
                ratio=share / total,
                shown_ratio="%",
                note="of the time of the step, profiler attached",
            )


def long(settings: Settings) -> Iterator[Figure]:
    """One guided step of stage 2, feed-forwards included, where the authors' users run out of memory."""
    frames, batch = (256, 1) if settings.quick else (2**15, 2)
    divisor = 4 if settings.quick else 1
    told = run_child("guided", frames=frames, batch=batch, divisor=divisor, bfloat16=settings.bfloat16)
    yield peak_figure(
        "long",
        f"stage 2 guided step, {frames} frames, batch {batch}",
        told,
        most=None if settings.quick else 12.0,
        note=f"{settings.dtype_name}, feed-forwards included; a process of its own, weights included",
    )


def guided_child(frames: int, batch: int, divisor: int, *, bfloat16: bool) -> dict[str, float]:
    """In the child: one guided step, its seconds and this process's peak memory in MiB."""
    from mousai.conditioning.conditioning import Conditioning
    from mousai.diffusion.guided_net import guided_net
    from mousai.diffusion.latent_diffusion import LatentDiffusion
    from mousai.sampling_config import SamplingConfig

    config = latent_diffusion_config(divisor)
    config = replace(config, net=replace(config.net, feed_forward_factor=2.0))
    torch.manual_seed(0)
    model = LatentDiffusion(config).eval()
    model.net.to(torch.bfloat16 if bfloat16 else torch.float32)
    hidden = normal(batch, config.max_tokens, config.net.context_features)
    cond = Conditioning(frames=frames, text=unmasked(hidden))
    with torch.no_grad():
        net, conditions = guided_net(model, cond, SamplingConfig(guidance_scale=3.0), batch=batch)
        began = time.perf_counter()
        net(normal(batch, config.net.in_channels, frames), torch.full((batch,), 0.5), **conditions)
    return {
        "seconds": time.perf_counter() - began,
        "peak": peak_memory(),
    }


def _steps(divisor: int, settings: Settings) -> Iterator[tuple[str, Run, float | None]]:
    """Name, run and least share of each step; one model at a time is held."""
    samples, frames = (2**15, 64) if settings.quick else (2**18, 2048)
    autoencoders = Autoencoders.make(autoencoder_config(divisor))
    autoencoders.ours.decoder.to(settings.dtype)
    least = None if settings.quick else 0.5
    yield f"stage 1 step, {samples} samples", DecoderStep(autoencoders, samples).ours(), least
    del autoencoders
    latent_diffusions = LatentDiffusions.make(latent_diffusion_config(divisor))
    latent_diffusions.ours.net.to(settings.dtype)
    yield f"stage 2 guided step, {frames} frames", GuidedStep(latent_diffusions, frames).ours(), None


def _product(size: int, dtype: torch.dtype) -> Run:
    left, right = (normal(size, size, seed=seed).to(dtype) for seed in (0, 1))
    return without_gradients(lambda: left @ right)


def _kind(operator: str) -> str:
    return next((kind for kind, parts in KINDS.items() if any(part in operator for part in parts)), "everything else")
