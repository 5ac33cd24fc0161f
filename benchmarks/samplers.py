"""How close to the end result does a sampler come in few evaluations of the latent diffusion?

    python benchmarks/samplers.py [--model DIR] [--evaluations 5 10 20 50] [--out DIR]

From the same noise every deterministic sampler solves the same equation, so all have one solution: here that of 200
steps of Heun's method on the cosine grid. What is measured is the distance to it in the latent, relative: the root mean
square of the difference over that of the solution, the mean over all prompts and seeds. Evaluations are counted as they
happen: both branches of guidance are one, a step of Heun's method is two.

Stochastic samplers are left out: each draw of their noise ends elsewhere, so there is no solution to be close to. What
they make can be judged by ear and by `prompts.py`.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from vdiffusion import SAMPLER_NAMES, TIME_GRID_NAMES, NoiseSource, get_sampler

PROMPTS = (
    "calm piano pop, 100 bpm",
    "fast metal in A minor with distorted guitars and drums",
    "slow jazz trio at 72 bpm in F major",
    "electronic dance music, 128 bpm, E minor, bright synthesizers",
)
SEEDS = (0, 1)
SOLUTION = ("heun", "cosine", 200)
OTHER_SOLUTION = ("dpmpp_2m", "cosine", 200)
"""A second-order sampler of another kind, whose distance to the solution tells how far to trust it."""
STOCHASTIC = ("dpmpp_2m_sde", "euler_ancestral")


class CountedLatentDiffusion:
    """Stage 2 of a model under fixed prompts and starts, which counts its evaluations."""

    def __init__(self, pipeline: Mousai, *, prompts: Sequence[str], seeds: Sequence[int], seconds: float) -> None:
        config = pipeline.autoencoder.config
        self.seeds, self.scale = list(seeds), pipeline.defaults.guidance_scale
        self.model = pipeline.latent_diffusion
        self.cond = Conditioning(
            frames=max(1, round(seconds * config.sample_rate / config.hop_length)),
            text=pipeline.text_encoder(list(prompts), keep_padding=self.model.config.attend_to_padding),
            attributes=[parse_attributes(prompt) for prompt in prompts],
        )
        self.evaluations = 0
        self.model.net.register_forward_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.evaluations += 1

    def sample(self, sampler: str, grid: str, steps: int) -> tuple[Tensor, int]:
        """Latents `[seeds * prompts, C, L]`, and how often the net was evaluated for one of them."""
        config = SamplingConfig(
            num_inference_steps=steps, guidance_scale=self.scale, sampler=get_sampler(sampler), time_grid=grid
        )
        found = []
        for seed in self.seeds:
            self.evaluations = 0
            members = range(len(self.cond.attributes))
            found.append(self.model.sample(self.cond, noise=NoiseSource(seed, members), config=config))
        return torch.cat(found), self.evaluations


def distance(found: Tensor, solution: Tensor) -> float:
    """Mean over the batch of the relative root mean square difference of two tensors `[B, C, L]`."""
    difference, size = ((x.square().mean(dim=(1, 2))).sqrt() for x in (found - solution, solution))
    return float((difference / size).mean())


def steps_within(sampler: str, evaluations: int) -> int:
    """The most steps from 1 to 0 that need no more than so many evaluations: Heun's n steps need 2 n - 2."""
    return evaluations // 2 + 1 if sampler == "heun" else evaluations


def table(rows: Sequence[dict[str, Any]], budgets: Sequence[int]) -> str:
    """Markdown: a line for each sampler and grid, a column for each number of evaluations."""
    shown = {(row["sampler"], row["grid"], row["budget"]): f"{row['distance']:.4f}" for row in rows}
    lines = ["| sampler | grid | " + " | ".join(map(str, budgets)) + " |", "|---|---|" + "---|" * len(budgets)]
    for sampler, grid in dict.fromkeys((row["sampler"], row["grid"]) for row in rows):
        lines.append(f"| {sampler} | {grid} | " + " | ".join(shown[sampler, grid, n] for n in budgets) + " |")
    return "\n".join(lines)


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Distance over evaluations, a line for each sampler and grid."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5.5), layout="constrained")
    samplers, grids = (list(dict.fromkeys(row[key] for row in rows)) for key in ("sampler", "grid"))
    for sampler, grid in dict.fromkeys((row["sampler"], row["grid"]) for row in rows):
        mine = [row for row in rows if (row["sampler"], row["grid"]) == (sampler, grid)]
        axes.loglog(
            [row["evaluations"] for row in mine],
            [row["distance"] for row in mine],
            color=f"C{samplers.index(sampler)}",
            linestyle=("-", "--", "-.", ":")[grids.index(grid) % 4],
            marker="o",
            markersize=3,
            label=f"{sampler}, {grid}",
        )
    budgets = sorted({row["budget"] for row in rows})
    axes.set_xticks(budgets, map(str, budgets))
    axes.minorticks_off()
    axes.set_xlabel("evaluations of the latent diffusion")
    axes.set_ylabel("distance to the 200-step solution (relative RMS)")
    axes.grid(which="both", alpha=0.3)
    axes.legend(fontsize=8, ncols=len(samplers))
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def verdict(rows: Sequence[dict[str, Any]]) -> str:
    """Tell whether some sampler is closer in 10 evaluations than DDIM on its uniform grid in 20."""
    best = min((row for row in rows if row["budget"] == 10), key=lambda row: row["distance"])
    (plain,) = (row for row in rows if (row["sampler"], row["grid"], row["budget"]) == ("ddim", "uniform", 20))
    closer = "closer than" if best["distance"] < plain["distance"] else "NOT closer than"
    return (
        f"best in 10: {best['sampler']} on {best['grid']}, {best['distance']:.4f}; {closer} DDIM in 20, "
        f"{plain['distance']:.4f}"
    )


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--model", help="model folder (default: the bundled one)")
    top.add_argument("--evaluations", type=int, nargs="+", default=[5, 10, 20, 50], metavar="N")
    top.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), metavar="N")
    top.add_argument("--duration", type=float, default=10.0, help="seconds of each piece (default: %(default)s)")
    top.add_argument("--out", type=Path, help="folder for samplers.json and samplers.png")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    args = parser().parse_args(arguments)
    # In float32, where rounding is far below what is measured.
    pipeline = Mousai.from_pretrained(args.model, dtype="float32")
    stage2 = CountedLatentDiffusion(pipeline, prompts=PROMPTS, seeds=args.seeds, seconds=args.duration)
    begin = time.perf_counter()
    solution, _ = stage2.sample(*SOLUTION)
    trust = distance(stage2.sample(*OTHER_SOLUTION)[0], solution)
    print(f"the 200-step solutions of {SOLUTION[0]} and {OTHER_SOLUTION[0]} are {trust:.5f} apart", flush=True)
    rows: list[dict[str, Any]] = []
    for sampler in SAMPLER_NAMES:
        if sampler in STOCHASTIC:
            continue
        for grid in TIME_GRID_NAMES:
            for budget in args.evaluations:
                found, evaluations = stage2.sample(sampler, grid, steps_within(sampler, budget))
                row = {"sampler": sampler, "grid": grid, "budget": budget, "evaluations": evaluations}
                rows.append({**row, "distance": distance(found, solution)})
                print(f"{time.perf_counter() - begin:6.0f} s", *rows[-1].values(), file=sys.stderr, flush=True)
    print(table(rows, args.evaluations))
    if {10, 20} <= set(args.evaluations):
        print(verdict(rows))
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        settings = {"solution": SOLUTION, "trust": trust, "guidance_scale": stage2.scale, "seeds": args.seeds}
        found_all = {**settings, "prompts": PROMPTS, "duration": args.duration, "rows": rows}
        (args.out / "samplers.json").write_text(json.dumps(found_all, indent=1) + "\n", encoding="utf-8")
        plot(rows, args.out / "samplers.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
