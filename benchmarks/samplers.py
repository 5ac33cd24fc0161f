"""How close to the end result does a sampler come in few evaluations of the latent diffusion?

    python benchmarks/samplers.py [--model DIR] [--evaluations 5 10 20 50] [--samplers ddim dpmpp_2m] [--out DIR]

From the same noise every deterministic sampler solves the same equation, so all have one solution: here that of 500
steps of DPM-Solver++ 2M on the grid of the log signal-to-noise ratio. What is measured is the distance to it in the
latent, relative: the root mean square of the difference over that of the solution, the mean over all prompts and seeds,
at the model's own guidance. Evaluations are counted, of which a step of Heun's method takes two; all branches of
guidance are one. A second table turns it round: how many of them are as close as the paper's sampler with 20 and 50.

Stochastic samplers are left out: each draw of their noise ends elsewhere, so there is no solution to be close to.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mousai.conditioning.attributes import parse_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.pipeline import Mousai
from vdiffusion import SAMPLER_NAMES, TIME_GRID_NAMES, NoiseSource

PROMPTS = (
    "calm piano pop, 100 bpm",
    "fast metal in A minor with distorted guitars and drums",
    "slow jazz trio at 72 bpm in F major",
    "electronic dance music, 128 bpm, E minor, bright synthesizers",
)
SEEDS = (0, 1)
SOLUTION = ("dpmpp_2m", "log_snr", 500)
OTHER_SOLUTION = ("heun", "cosine", 126)
"""Another second-order sampler, in 250 evaluations: its distance to the solution tells how far to trust that."""
STOCHASTIC = ("dpmpp_2m_sde", "euler_ancestral")
DETERMINISTIC = tuple(name for name in SAMPLER_NAMES if name not in STOCHASTIC)
EVALUATIONS = (4, 6, 8, 10, 13, 16, 20, 30, 50)
PAPER = ("ddim", "uniform")
"""The paper's sampler and grid, whose distances others are to reach."""


class Stage2:
    """Stage 2 of a model under fixed prompts and starts, guided as the model is by default."""

    def __init__(self, pipeline: Mousai, *, prompts: Sequence[str], seeds: Sequence[int], seconds: float) -> None:
        config = pipeline.autoencoder.config
        self.seeds, self.defaults = list(seeds), pipeline.defaults
        self.model = pipeline.latent_diffusion
        self.cond = Conditioning(
            frames=max(1, round(seconds * config.sample_rate / config.hop_length)),
            text=pipeline.text_encoder(list(prompts), keep_padding=self.model.config.attend_to_padding),
            attributes=[parse_attributes(prompt) for prompt in prompts],
        )

    def sample(self, sampler: str, grid: str, steps: int) -> Tensor:
        """Latents `[seeds * prompts, C, L]`."""
        config = replace(self.defaults, num_inference_steps=steps, sampler=sampler, time_grid=grid)
        found = []
        for seed in self.seeds:
            members = range(len(self.cond.attributes))
            found.append(self.model.sample(self.cond, noise=NoiseSource(seed, members), config=config))
        return torch.cat(found)


def distance(found: Tensor, solution: Tensor) -> float:
    """Mean over the batch of the relative root mean square difference of two tensors `[B, C, L]`."""
    difference, size = ((x.square().mean(dim=(1, 2))).sqrt() for x in (found - solution, solution))
    return float((difference / size).mean())


def shown(solution: tuple[str, str, int]) -> str:
    """A sampler, its grid and its number of steps, in words."""
    sampler, grid, steps = solution
    return f"{steps} steps of {sampler} on {grid}"


def steps_within(sampler: str, budget: int) -> int:
    """The most steps from 1 to 0 that need no more than so many evaluations."""
    return budget // 2 + 1 if sampler == "heun" else budget


def evaluations(sampler: str, steps: int) -> int:
    """How often so many steps from 1 to 0 evaluate the net: Heun's twice each, but for the first and the last."""
    return max(1, 2 * steps - 2) if sampler == "heun" else steps


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
    axes.set_ylabel("distance to the solution (relative RMS)")
    axes.grid(which="both", alpha=0.3)
    axes.legend(fontsize=8, ncols=len(samplers))
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def as_close(rows: Sequence[dict[str, Any]], budgets: Sequence[int]) -> str:
    """Markdown: the fewest measured evaluations that come as close as the paper's sampler does in each of `budgets`."""
    paper = {row["budget"]: row["distance"] for row in rows if (row["sampler"], row["grid"]) == PAPER}
    heads = [f"as {' '.join(PAPER)} in {budget} ({paper[budget]:.4f})" for budget in budgets]
    lines = ["| sampler | grid | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(budgets)]
    for sampler, grid in dict.fromkeys((row["sampler"], row["grid"]) for row in rows):
        mine = [row for row in rows if (row["sampler"], row["grid"]) == (sampler, grid)]
        cells = []
        for budget in budgets:
            close = [row["evaluations"] for row in mine if row["distance"] <= paper[budget]]
            cells.append(str(min(close)) if close else f"over {max(row['evaluations'] for row in mine)}")
        lines.append(f"| {sampler} | {grid} | {' | '.join(cells)} |")
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--model", help="model folder (default: the bundled one)")
    top.add_argument("--evaluations", type=int, nargs="+", default=list(EVALUATIONS), metavar="N")
    top.add_argument("--samplers", nargs="+", choices=DETERMINISTIC, default=list(DETERMINISTIC), metavar="NAME")
    top.add_argument("--prompts", type=int, default=len(PROMPTS), help="how many of the prompts (default: all four)")
    top.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), metavar="N")
    top.add_argument("--duration", type=float, default=10.0, help="seconds of each piece (default: %(default)s)")
    top.add_argument("--out", type=Path, help="folder for samplers.json and samplers.png")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    args = parser().parse_args(arguments)
    prompts = PROMPTS[: args.prompts]
    # In float32, where rounding is far below what is measured.
    pipeline = Mousai.from_pretrained(args.model, dtype="float32")
    stage2 = Stage2(pipeline, prompts=prompts, seeds=args.seeds, seconds=args.duration)
    begin = time.perf_counter()
    solution = stage2.sample(*SOLUTION)
    trust = distance(stage2.sample(*OTHER_SOLUTION), solution)
    print(f"the solutions of {shown(SOLUTION)} and {shown(OTHER_SOLUTION)} are {trust:.5f} apart", flush=True)
    rows: list[dict[str, Any]] = []
    for sampler in args.samplers:
        for grid in TIME_GRID_NAMES:
            for budget in args.evaluations:
                steps = steps_within(sampler, budget)
                found = stage2.sample(sampler, grid, steps)
                row = {"sampler": sampler, "grid": grid, "budget": budget, "evaluations": evaluations(sampler, steps)}
                rows.append({**row, "distance": distance(found, solution)})
                print(f"{time.perf_counter() - begin:6.0f} s", *rows[-1].values(), file=sys.stderr, flush=True)
    print(table(rows, args.evaluations))
    compared = [budget for budget in (20, 50) if budget in args.evaluations and PAPER[0] in args.samplers]
    if compared:
        print(f"\n{as_close(rows, compared)}")
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        settings = {"solution": SOLUTION, "trust": trust, "defaults": pipeline.defaults.to_dict(), "seeds": args.seeds}
        found_all = {**settings, "prompts": prompts, "duration": args.duration, "rows": rows}
        (args.out / "samplers.json").write_text(json.dumps(found_all, indent=1) + "\n", encoding="utf-8")
        plot(rows, args.out / "samplers.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
