"""Record the losses of five training steps of each stage: `python tests/golden/training_losses.py [NAME ...]`.

Run it before and after a change, on one machine, with one PyTorch, in float32 and with one thread: a change that only
moves code prints the same, to the last digit. It goes through the command line's own parser.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from mousai import write_audio
from mousai.cli.train import read_config
from mousai.conditioning import text
from mousai.storage.folders import BUNDLED
from mousai.training.run import train

RATE = 48000
LOGGED = (
    "loss",
    "validation loss",
    "gradient norm",
    "loss/magnitude",
    "loss/attack",
    "loss/likelihood",
    "loss/saturation",
)


def make_songs(folder: Path) -> None:
    """Twenty chords with a beat, in pairs that differ in their lead, under captions and facts."""
    rows = []
    for number in range(20):
        rng = np.random.default_rng(number // 2)
        time = np.arange(round((1.6 + 0.1 * (number % 3)) * RATE)) / RATE
        wave = sum(0.1 * np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in rng.uniform(100, 2000, 4))
        wave = wave * (1 - (time * 4 % 1)) + 0.05 * np.sin(2 * np.pi * 440 * (1 + number % 2) * time)
        write_audio(folder / f"{number:02d}.wav", np.stack([wave, 0.7 * wave]).astype(np.float32), RATE)
        lead = "flute" if number % 2 else "violin"
        facts = {"bpm": 90 + number // 2, "first_downbeat": 0.0, "key": "A minor", "lead": lead}
        caption = f"calm piano piece {number // 2} with a {lead}"
        rows.append({"file_name": f"{number:02d}.wav", "caption": caption, "song": f"s{number // 2}", **facts})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def losses(stage: str, data: Path, out: Path, *options: str) -> dict[str, list[str]]:
    """The logged figures of a run of five steps, as their decimals."""
    words = [
        *("--data", str(data), "--out", str(out), "--loop.max_steps", "5", "--loop.batch", "2", "--loop.workers", "0"),
        *("--loop.precision", "32-true", "--device", "cpu", "--loop.seed", "3"),
        *("--logging.logger", "csv", "--logging.log_every", "1", "--logging.validate_every", "5"),
        *("--logging.listen_every", "0", "--logging.validation_share", "0.05", "--checkpointing.every_minutes", "0"),
        *("--optimizer.learning_rate", "0.001", "--optimizer.warmup", "2"),
        *options,
    ]
    if train(read_config(stage, words)) != 0:
        sys.exit(f"{stage}: stopped early")
    found: dict[str, list[str]] = {}
    for path in sorted((out / "log").rglob("metrics.csv")):
        for row in csv.DictReader(path.open()):
            for name in LOGGED:
                if row.get(name):
                    found.setdefault(name, []).append(row[name])
    return found


def main() -> None:
    """Print one JSON object: of each stage, phase and way of training the figures of its steps."""
    torch.set_num_threads(1)
    crops = ("--crops.samples", "16384")
    latents = ("--crops.frames", "16", "--crops.offsets", "1")
    with tempfile.TemporaryDirectory() as folder:
        data, runs = Path(folder, "songs"), Path(folder, "runs")
        data.mkdir()
        make_songs(data)
        # A tokenizer is made anew in each run, and breaks ties at random: so all get one.
        text.make_tokenizer = lambda *_, **__: text.load_tokenizer(BUNDLED / "tokenizer")
        made = {
            "autoencoder, latent": (
                "autoencoder",
                data,
                runs / "latent",
                *("--model", "tiny", "--phase", "latent", "--latent_noise", "0.02"),
                *("--attack_weight", "0.5", *crops, "--crops.augment", "true"),
            ),
            "autoencoder, magnitudes": (
                "autoencoder",
                data,
                runs / "magnitudes",
                *("--from", "bundled", "--phase", "magnitudes", *crops),
            ),
            "autoencoder, decoder": (
                "autoencoder",
                data,
                runs / "decoder",
                *("--from", "bundled", "--phase", "decoder", *crops),
                *("--crops.times.kind", "logit_normal", "--loop.accumulate", "2"),
            ),
            "latent diffusion": (
                "latent-diffusion",
                data,
                runs / "stage-2",
                *("--from", "bundled", *latents, "--crops.cond_drop_prob", "0.3"),
            ),
            "latent diffusion, pairs, from nothing": (
                "latent-diffusion",
                data,
                runs / "pairs",
                *("--model", "tiny", *latents, "--crops.pair_by", "song"),
                *("--loop.activation_checkpointing", "true"),
            ),
            "latent diffusion, adapter": (
                "latent-diffusion",
                data,
                runs / "lora",
                *("--from", "bundled", *latents, "--lora.rank", "4"),
            ),
        }
        chosen = sys.argv[1:] or list(made)
        found = {name: losses(*made[name]) for name in chosen}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
