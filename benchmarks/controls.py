"""Does stage 2 follow chords, melody and section, and does it go on from a known part? On songs that no training saw.

    mousai compose --songs 20 --seed 4242 --duration 20 --out songs && mousai data encode songs -o latents --offsets 1
    python -m benchmarks.controls latents --model DIR [--pieces 8] [--out FILE]

Four parts (`--parts`), each figure with what it is compared with:

- losses: the loss of v on the second half of a crop of 11 s at some diffusion times, with everything told that is true,
  and how much it rises when the chords, the melody or the sections are those of another song, or when the first half is
  not known. A model that does not listen to a control does not mind a wrong one: 0 %.
- pieces: pieces of 10 s with the chords and the melody of a song, and a prompt of style and tempo alone. The cosine of
  the notes that are heard with those that were asked for, and with those of another song; and that of the song itself,
  through the autoencoder, with its own.
- recall: pieces of 16 s with the chords of a song. Weighted recall of major and minor triads (mir_eval) by a chord
  judge that learned from nothing; its own recall on the song, through the autoencoder; and that of the prompt without
  chords.
- continuations: songs of which the first 10 s are known, gone on for 6 s by the model, and by `--older` with RePaint:
  tempo within 1 %, the distance of the beat from the clock of the piece, and the time that sampling took.
"""

import argparse
import json
import math
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.figures import add_out, write_figures
from mousai import Mousai, SamplingConfig
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.controls import Controls
from mousai.conditioning.tables import BASS, NOTES, ONSET, chord_table, melody_table
from mousai.data.annotation import attributes_of, controls_of
from mousai.data.latent_cache import cached_songs, read_latents
from mousai.evaluation.features.pitch import FRAME_RATE, fold_octaves, pitch_spectrogram, semitones, spectral_peaks
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.beats import beat_phase
from mousai.evaluation.judges.chords import estimate_chords
from mousai.evaluation.judges.tempo import estimate_tempo, tempo_matches
from mousai.evaluation.metrics.chord_recall import majmin_recall
from vdiffusion import NoiseSource, VObjective

FRAMES, TIMES = 128, (0.4, 0.6, 0.8, 0.9, 0.97)
SECONDS, KNOWN, MORE = 10.0, 10.0, 6.0
RECALL_SECONDS = 16.0
FIELDS = ("chords", "melody", "sections")
PARTS = ("losses", "pieces", "recall", "continuations")


def songs_of(latents: Path) -> list[dict[str, Any]]:
    """Latent, metadata and controls of every song of a latent cache."""
    found = cached_songs(latents)
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


def heard_notes(sound: Array, rate: int) -> tuple[Array, Array]:
    """Strength of the twelve pitch classes in every frame, of all registers and of the melody's: [12, frames] each."""
    notes = semitones(spectral_peaks(pitch_spectrogram(sound, sample_rate=rate)))
    return fold_octaves(notes, 36, 84), fold_octaves(notes, 60, 96)


def cosine(heard: Array, asked: Array) -> float:
    """Mean cosine over the frames that have both."""
    frames = min(heard.shape[1], asked.shape[1])
    a, b = heard[:, :frames], asked[:, :frames].astype(float)
    norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return float(((a * b).sum(axis=0)[norms > 0] / norms[norms > 0]).mean())


def piece_row(pipe: Mousai, songs: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """Cosines of a piece with the chords and the melody of a song, and with those of another one."""
    song, other = songs[number], songs[(number + 1) % len(songs)]
    frames = round(SECONDS * pipe.autoencoder.config.latent_rate)
    fields, told = song["fields"], replace(song["controls"], sections=None)
    attributes = replace(attributes_of(fields), key=None, lead=None)
    cond = Conditioning(frames=frames, text=pipe._embed([prompt_of(fields)]), attributes=[attributes], controls=[told])
    latent = pipe.latent_diffusion.sample(cond, noise=NoiseSource(number, [0]), config=pipe.defaults)
    made = heard_notes(pipe.decode(latent)[0].numpy(), pipe.sample_rate)
    true = heard_notes(pipe.decode(song["latent"][None, :, :frames])[0].numpy(), pipe.sample_rate)
    row: dict[str, Any] = {"prompt": prompt_of(fields)}
    cases = (("asked", song, made), ("other", other, made), ("song itself", song, true))
    for name, one, (chords, melody) in cases:
        count, controls = round(SECONDS * FRAME_RATE), one["controls"]
        row[f"chords, {name}"] = round(cosine(chords, chord_table(controls.chords, count, FRAME_RATE)[NOTES:BASS]), 4)
        row[f"melody, {name}"] = round(cosine(melody, melody_table(controls.melody, count, FRAME_RATE)[:ONSET]), 4)
    return row


def recall_row(pipe: Mousai, song: dict[str, Any], number: int) -> dict[str, Any] | None:
    """Recall of a song's chords in the song, in a piece with these chords, and in one without; None without triads."""
    told = [event for event in song["controls"].chords or () if event[0] < RECALL_SECONDS]
    asked = [(start, min(end, RECALL_SECONDS), label) for start, end, label in told]
    if not asked or not song["fields"].get("bpm"):
        return None
    prompt, rate = prompt_of(song["fields"]), pipe.sample_rate
    frames = round(RECALL_SECONDS * pipe.autoencoder.config.latent_rate)
    sounds = {
        "the song": pipe.decode(song["latent"][None, :, :frames], seed=number),
        "with chords": pipe(prompt, duration=RECALL_SECONDS, seed=number, chords=[(e[2], e[0]) for e in asked]).audios,
        "without": pipe(prompt, duration=RECALL_SECONDS, seed=number).audios,
    }
    found = {
        name: majmin_recall(asked, estimate_chords(sound[0].numpy(), sample_rate=rate))
        for name, sound in sounds.items()
    }
    if any(math.isnan(share) for share in found.values()):
        return None
    return {"prompt": prompt, **{name: round(share, 4) for name, share in found.items()}}


def continuation_row(pipe: Mousai, song: dict[str, Any], number: int, config: SamplingConfig) -> dict[str, Any]:
    """Tempo, beat and time of new music after a known beginning."""
    rate = pipe.autoencoder.config.latent_rate
    known, frames = round(KNOWN * rate), round((KNOWN + MORE) * rate)
    latent = torch.zeros(1, len(song["latent"]), frames)
    latent[..., :known] = song["latent"][:, :known]
    fields, attributes = song["fields"], attributes_of(song["fields"])
    cond = Conditioning(
        frames=frames,
        text=pipe._embed([prompt_of(fields)]),
        attributes=[attributes],
        known_latent=latent,
        known_mask=(torch.arange(frames) < known)[None, None],
    )
    begin = time.perf_counter()
    found = pipe.latent_diffusion.sample(cond, noise=NoiseSource(number, [0]), config=config)
    seconds = time.perf_counter() - begin
    sound = pipe.decode(found)[0].numpy()[:, round(known / rate * pipe.sample_rate) :]
    tempo = float(attributes.tempo or 0.0)
    period = 60 / tempo
    phase = (beat_phase(sound, sample_rate=pipe.sample_rate, tempo=tempo) + known / rate) % period
    bpm = estimate_tempo(sound, sample_rate=pipe.sample_rate)
    return {
        "tempo": tempo_matches(bpm, tempo, tolerance=0.01),
        "phase": round((phase + period / 2) % period - period / 2, 4),
        "seconds": round(seconds, 1),
    }


def prompt_of(fields: dict[str, Any]) -> str:
    """Style and tempo, and nothing that tells of notes."""
    return f"{fields['style']}, {fields['bpm']} bpm" if fields.get("bpm") else str(fields["style"])


def main() -> None:
    """Measure, print the tables and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("latents", type=Path, help="what `mousai data encode --offsets 1` made of unseen songs")
    parser.add_argument("--model", required=True)
    parser.add_argument("--older", default="bundled", help="model that goes on by RePaint")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--pieces", type=int, default=8, help="pieces, and continuations by each of the two models")
    add_out(parser, "controls.json")
    args = parser.parse_args()
    songs, pipe = songs_of(args.latents), Mousai.from_pretrained(args.model)
    pipe.set_progress_bar_config(disable=True)
    found: dict[str, Any] = {"times": TIMES, "losses": {}, "pieces": [], "recall": [], "continuations": []}

    def note(part: str, row: dict[str, Any]) -> None:
        found[part].append(row)
        print(json.dumps(row), flush=True)
        write_figures(args.out, found)

    if "losses" in args.parts:
        found["losses"] = loss_table(pipe, songs)
        print("\n".join(shown_losses(found["losses"])), flush=True)
        write_figures(args.out, found)
    steady = [song for song in songs if song["fields"].get("bpm")]
    count = min(args.pieces, len(steady))
    if "pieces" in args.parts:
        for number in range(count):
            note("pieces", piece_row(pipe, steady, number))
        for name in found["pieces"][0] if count else ():
            if name != "prompt":
                print(f"{name}: {statistics.fmean(row[name] for row in found['pieces']):.3f}")
    if "recall" in args.parts:
        for number, song in enumerate(songs[: args.pieces]):
            if (row := recall_row(pipe, song, number)) is not None:
                note("recall", row)
        for name in ("the song", "with chords", "without") if found["recall"] else ():
            print(f"recall, {name}: {statistics.fmean(row[name] for row in found['recall']):.3f}")
    if "continuations" in args.parts:
        older = Mousai.from_pretrained(args.older)
        older.set_progress_bar_config(disable=True)
        for number in range(count):
            for name, one in (("model", pipe), ("RePaint", older)):
                row = continuation_row(one, steady[number], number, one.defaults)
                note("continuations", {"by": name, "prompt": prompt_of(steady[number]["fields"]), **row})


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
