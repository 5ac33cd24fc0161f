"""Does stage 2 listen to chords, melody and section, and to a known part? By its loss, on songs that no training saw.

    mousai compose --songs 20 --seed 4242 --duration 20 --out songs && mousai data encode songs -o latents --offsets 1
    python -m benchmarks.controls latents --model DIR [--out FILE]

The loss of v on the second half of a crop of 11 s at some diffusion times, with everything told that is true, and how
much it rises when the chords, the melody or the sections are those of another song, or when the first half is not
known. A model that does not listen to a control does not mind a wrong one: 0 %. What can be heard of them is measured
by `mousai evaluate --control`.
"""

import argparse
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.figures import add_out, write_figures
from mousai import Mousai
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.controls import Controls
from mousai.data.annotation import attributes_of, controls_of
from mousai.data.latent_cache import cached_songs, read_latents
from vdiffusion import NoiseSource, VObjective

FRAMES, TIMES = 128, (0.4, 0.6, 0.8, 0.9, 0.97)
FIELDS = ("chords", "melody", "sections")


def songs_of(latents: Path) -> list[dict[str, Any]]:
    """Latent, metadata and controls of every song of a latent cache."""
    found = cached_songs(latents)
    for one in found.songs:
        if not one.fields.get("caption"):
            raise SystemExit(f"{latents}: {one.name}: has no caption, which this measures with; compose the songs anew")
    tensors = read_latents(latents, [one.name for one in found.songs], offsets=1)
    return [
        {"latent": group[0].float(), "fields": one.fields, "controls": controls_of(one.fields)}
        for one, group in zip(found.songs, tensors, strict=True)
    ]


def loss_table(pipe: Mousai, songs: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Loss at each of `TIMES` on the second half of the crops, by what is told."""
    model, rate = pipe.latent_diffusion, pipe.autoencoder.config.latent_rate
    half = torch.arange(FRAMES)[None, None] < FRAMES // 2
    rows: dict[str, list[list[float]]] = {}
    for number, song in enumerate(songs):
        first = (song["latent"].shape[-1] - FRAMES) // 2
        latent = song["latent"][None, :, first : first + FRAMES]
        other = songs[(number + 1) % len(songs)]["controls"]
        base = {"attributes": [attributes_of(song["fields"])], "start_seconds": [first / rate]}
        text = pipe._embed([song["fields"]["caption"]])
        right: Controls = song["controls"]
        wishes = {"all told": right, "no control": Controls()}
        wishes |= {f"wrong {field}": replace(right, **{field: getattr(other, field)}) for field in FIELDS}
        noise = NoiseSource(0, [number]).draw(latent.shape[1:], stage="loss")
        for name, told in [*wishes.items(), ("first half unknown", right)]:
            known = half if name != "first half unknown" else torch.zeros_like(half)
            cond = Conditioning(
                frames=FRAMES, text=text, controls=[told], known_latent=latent, known_mask=known, **base
            )
            losses = [float(loss_at(model, latent, model.net_conditions(cond, 1), noise, t, ~half)) for t in TIMES]
            rows.setdefault(name, []).append(losses)
    return {name: [round(statistics.fmean(column), 5) for column in zip(*rows[name], strict=True)] for name in rows}


@torch.no_grad()
def loss_at(model: Any, latent: Tensor, conditions: dict[str, Any], noise: Tensor, t: float, mask: Tensor) -> Tensor:
    """Loss of v at one time where `mask` is True."""
    scaled = latent / model.config.latent_std
    return VObjective().loss(model.denoise, scaled, t=torch.tensor([t]), noise=noise, mask=mask, **conditions)


def main() -> None:
    """Measure, print the table and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("latents", type=Path, help="what `mousai data encode --offsets 1` made of unseen songs")
    parser.add_argument("--model", required=True)
    add_out(parser, "controls.json")
    args = parser.parse_args()
    losses = loss_table(Mousai.from_pretrained(args.model), songs_of(args.latents))
    print("\n".join(shown_losses(losses)), flush=True)
    write_figures(args.out, {"times": TIMES, "losses": losses})


def shown_losses(losses: dict[str, list[float]]) -> list[str]:
    """Lines of a Markdown table: the loss with everything told, and by how much each of the others is larger."""
    true = losses["all told"]
    lines = ["| | " + " | ".join(f"t = {t:g}" for t in TIMES) + " |", "|---" * (len(TIMES) + 1) + "|"]
    for name, row in losses.items():
        pairs = zip(row, true, strict=True)
        cells = [f"{value:.4f}" if name == "all told" else f"{value / told - 1:+.2%}" for value, told in pairs]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
