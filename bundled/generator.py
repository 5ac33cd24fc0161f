"""Train the bundled model's stage 2 and its text encoder on a GPU by the clock, on songs that are composed meanwhile.

    python -m bundled.generator --autoencoder OUT_OF_AUTOENCODER --out OUT --seconds 420

Every song is encoded once from each of `OFFSETS` first samples and heard from then on, under one of `CAPTIONS`
captions that were drawn for it. What is learned is what `mousai train latent-diffusion` learns.
`python -m bundled.model` makes a model of it.
"""

import argparse
import json
import math
import random
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from bundled.common import Average, Clock, Log, Steps, arguments, load_parts, run, save_parts
from bundled.songs import Kind, Made, SongStream
from dmae import DMAE
from mousai.compose import caption_from_metadata
from mousai.conditioning.attributes import ATTRIBUTE_CHANNELS, CYCLES, KEY_CHANNELS, TEMPO_CHANNELS, attribute_signal
from mousai.conditioning.text import MAX_TOKENS, TextEmbedding, TextEncoder
from mousai.data.stated import stated_of
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.storage.folders import autoencoder_config, load_autoencoder, load_latent_diffusion
from vdiffusion import LogitNormalTime, VObjective

KINDS = [Kind("style", 61001), Kind("leads", 61002)]
OFFSETS, SONG_FRAMES, FRAMES = 4, 350, 256
CAPTIONS = 24
CHECKED = 320
"""Crops of songs held out."""
ATTRIBUTE_DROPOUT, DROP, BEGINNINGS = 0.15, 0.1, 0.3
TIMES = LogitNormalTime(mean=1.0, std=1.5)
_PHASES = 2 * len(CYCLES)


class Songs:
    """Latents of songs on the GPU with all that is told of them, filled while training goes on.

    Of N songs at most: `latents` bfloat16 [N, OFFSETS, Z, SONG_FRAMES], `tokens` [N, CAPTIONS, MAX_TOKENS] of which the
    first `words` [N, CAPTIONS] count, `tempo` [N] and `steady` [N, ATTRIBUTE_CHANNELS], the signal's channels that do
    not change.
    """

    def __init__(self, model: DMAE, text: TextEncoder, *, most: int, device: torch.device) -> None:
        config = model.config
        self.model, self.tokenizer, self.count, self.device = model, text.tokenizer, 0, device
        self.frame_rate = config.latent_rate
        self.latents = torch.zeros(
            most, OFFSETS, config.latent_channels, SONG_FRAMES, dtype=torch.bfloat16, device=device
        )
        self.steady = torch.zeros(most, ATTRIBUTE_CHANNELS, device=device)
        self.tempo = torch.zeros(most, dtype=torch.float64, device=device)
        self.tokens = torch.zeros(most, CAPTIONS, MAX_TOKENS, dtype=torch.long, device=device)
        self.words = torch.zeros(most, CAPTIONS, dtype=torch.long, device=device)

    @torch.no_grad()
    def add(self, song: Made) -> None:
        """Encode a song and draw its captions."""
        place, hop = self.count, self.model.config.hop_length
        wave = torch.from_numpy(song.wave).to(self.device).float() / 32768
        starts = [offset * hop // OFFSETS for offset in range(OFFSETS)]
        self.latents[place] = self.model.encode(
            torch.stack([wave[:, start : start + SONG_FRAMES * hop] for start in starts])
        )
        stated = stated_of(song.facts)
        assert stated.first_downbeat == 0
        signal = attribute_signal([stated], frames=1, frame_rate=self.frame_rate)[0, :, 0]
        self.steady[place] = signal.to(self.device)
        self.tempo[place] = stated.tempo or 0.0  # 0 for a song that changes its tempo, of which nothing is told
        rng = random.Random(song.number)
        captions = [caption_from_metadata(song.facts, rng) for _ in range(CAPTIONS)]
        told = self.tokenizer(
            captions, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        self.tokens[place] = told["input_ids"].to(self.device)
        self.words[place] = told["attention_mask"].sum(1).to(self.device)
        self.count += 1

    def signal(self, songs: Tensor, starts: Tensor, told: Tensor) -> Tensor:
        """`attribute_signal` of songs [B] from seconds [B] on, of what is told [B, 3]."""
        middles = (torch.arange(FRAMES, dtype=torch.float64, device=self.device) + 0.5) / self.frame_rate
        beats = (middles + starts[:, None]) * (self.tempo[songs, None] / 60)
        cycles = torch.tensor(CYCLES, dtype=torch.float64, device=self.device)[:, None]
        phases = 2 * torch.pi * cycles * beats[:, None]
        signal = self.steady[songs, :, None].repeat(1, 1, FRAMES)
        signal[:, :_PHASES] = torch.cat([phases.sin(), phases.cos()], dim=1).float()
        signal[:, :_PHASES] *= (self.tempo[songs] > 0)[:, None, None]
        sizes = [TEMPO_CHANNELS, KEY_CHANNELS, ATTRIBUTE_CHANNELS - TEMPO_CHANNELS - KEY_CHANNELS]
        return signal * torch.repeat_interleave(told.float(), torch.tensor(sizes, device=self.device), dim=1)[..., None]

    def batch(self, size: int, first: int, last: int, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Crops of the songs first..last, drawn at random: latent [size, Z, FRAMES], signal [size, ATTRIBUTE_CHANNELS,
        FRAMES], tokens [size, MAX_TOKENS], mask, bool of the same."""

        def draw(top: int) -> Tensor:
            return torch.randint(top, (size,), device=self.device, generator=generator)

        def chance() -> Tensor:
            return torch.rand(size, device=self.device, generator=generator)

        song, offset, caption = first + draw(last - first), draw(OFFSETS), draw(CAPTIONS)
        begin = torch.where(chance() < BEGINNINGS, 0, draw(SONG_FRAMES - FRAMES + 1))
        place = begin[:, None] + torch.arange(FRAMES, device=self.device)
        channels = torch.arange(self.latents.shape[2], device=self.device)
        latent = self.latents[song[:, None, None], offset[:, None, None], channels[None, :, None], place[:, None]]
        told = torch.stack([chance() >= ATTRIBUTE_DROPOUT for _ in range(3)], dim=1)
        starts = (begin.double() + offset.double() / OFFSETS) / self.frame_rate
        mask = torch.arange(MAX_TOKENS, device=self.device) < self.words[song, caption][:, None]
        return {
            "latent": latent.float(),
            "signal": self.signal(song, starts, told),
            "tokens": self.tokens[song, caption],
            "mask": mask,
        }


class Both(nn.Module):
    """Generator and text encoder as one module: what is trained, averaged and saved."""

    def __init__(self, model: LatentDiffusion, text: TextEncoder) -> None:
        super().__init__()
        self.model, self.text = model, text

    def loss(self, batch: dict[str, Tensor], t: Tensor, noise: Tensor | None, dropped: Tensor) -> Tensor:
        """`LatentDiffusion.loss` of a batch, each item's, [B].

        Args:
            batch: what `Songs.batch` gives.
            t: diffusion times [B].
            noise: [B, Z, FRAMES]; drawn where it is `None`.
            dropped: bool [B], of which items nothing is told.
        """
        mask = batch["mask"]
        hidden = self.text.model(input_ids=batch["tokens"], attention_mask=mask).last_hidden_state * mask[..., None]
        null = self.model.null(len(t))
        hidden = torch.where(dropped[:, None, None], null.hidden.to(hidden), hidden)
        text = TextEmbedding(hidden, torch.where(dropped[:, None], null.mask, mask))
        inject = {0: batch["signal"].masked_fill(dropped[:, None, None], 0)}
        return VObjective().loss_per_item(
            self.model.denoise,
            batch["latent"] / self.model.config.latent_std,
            t=t,
            noise=noise,
            inject=inject,
            context=text.hidden,
            context_mask=text.mask,
            **self.model.told_globally(text, inject),
        )


class Replayed:
    """Loss and gradients of a batch as one CUDA graph: Python starts a small net's kernels more slowly than they run.

    Args:
        both: what is trained.
        batch: an example of what `Songs.batch` gives, of the size that all will have.
    """

    def __init__(self, both: Both, batch: dict[str, Tensor]) -> None:
        device = batch["latent"].device
        size = len(batch["latent"])
        self.batch = {key: value.clone() for key, value in batch.items()}
        self.t = torch.rand(size, device=device)
        self.dropped = torch.zeros(size, dtype=torch.bool, device=device)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self._backward(both)
        torch.cuda.current_stream().wait_stream(stream)
        both.zero_grad()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = self._backward(both)

    def _backward(self, both: Both) -> Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            loss = both.loss(self.batch, self.t, None, self.dropped).mean()
        loss.backward()
        return loss.detach()

    def __call__(self, batch: dict[str, Tensor], t: Tensor, dropped: Tensor) -> Tensor:
        """The loss; gradients lie where they did before."""
        for key, value in batch.items():
            self.batch[key].copy_(value)
        self.t.copy_(t)
        self.dropped.copy_(dropped)
        self.graph.replay()
        return self.loss


def train(chosen: argparse.Namespace, stream: SongStream) -> None:
    """Learn from the songs of the stream until the time is over."""
    device = torch.device(chosen.device)
    tell = Log(chosen.out / "generator.jsonl")
    if chosen.autoencoder is None:
        autoencoder = load_autoencoder(chosen.begin)
    else:
        autoencoder = DMAE(autoencoder_config(chosen.begin))
        missing = autoencoder.load_state_dict(load_parts(chosen.autoencoder, "autoencoder"), strict=False)
        assert all(key.startswith("decoder.") for key in missing.missing_keys) and not missing.unexpected_keys
    autoencoder = autoencoder.eval().to(device)
    text = TextEncoder.load(chosen.begin)
    songs = Songs(autoencoder, text, most=chosen.songs, device=device)
    began = time.monotonic()

    def fetch(most: int) -> None:
        # A few at a time, so that no step waits long.
        for made in stream.fetch():
            if songs.count < chosen.songs:
                songs.add(made)
            most -= 1
            if not most:
                break

    while songs.count < chosen.first:
        fetch(50)
        time.sleep(0.1)
    std = float(songs.latents[: songs.count].float().std())
    tell(songs=songs.count, seconds=round(time.monotonic() - began, 1), latent_std=round(std, 4))
    model = load_latent_diffusion(chosen.begin)
    model.config = replace(model.config, latent_std=round(std, 4))
    (chosen.out / "generator.json").write_text(json.dumps(model.config.to_dict()))
    both = Both(model, text).train().to(device)
    average = Average(both, beta=0.9995)
    optimizer = torch.optim.AdamW(both.parameters(), lr=chosen.rate, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
    make_step = Steps(both, optimizer)
    mixed = torch.autocast(device.type, torch.bfloat16)

    @torch.no_grad()
    def validation() -> dict[str, float]:
        """Mean loss of held-out songs at times spread evenly, and of those by fifths of the time."""
        both.eval()
        drawn = torch.Generator(device).manual_seed(3)
        held = songs.batch(CHECKED, 0, chosen.held_out, generator=drawn)
        t = (torch.arange(CHECKED, device=device) + 0.5) / CHECKED
        noise = torch.randn(held["latent"].shape, device=device, generator=drawn)
        with mixed:
            per_item = both.loss(held, t, noise, torch.zeros(CHECKED, dtype=torch.bool, device=device))
        both.train()
        fifths = {f"t {i / 5:.1f}": round(float(part.mean()), 4) for i, part in enumerate(per_item.chunk(5))}
        return {"validation": round(float(per_item.mean()), 4), **fifths}

    tell(step=0, **validation())
    replayed = Replayed(both, songs.batch(chosen.batch, chosen.held_out, songs.count)) if chosen.graph else None
    best = math.inf
    clock, step, total, last = Clock(chosen.seconds, warmup=200), 0, torch.zeros((), device=device), 0
    over = False
    while not over:
        if step % 2 == 0:
            fetch(1)
        batch = songs.batch(chosen.batch, chosen.held_out, songs.count)
        t = TIMES(chosen.batch, None, device)
        dropped = torch.rand(chosen.batch, device=device) < DROP
        if replayed is not None:
            loss = replayed(batch, t, dropped)
        else:
            with mixed:
                loss = both.loss(batch, t, None, dropped).mean()
            both.zero_grad()
            loss.backward()
        make_step(clock.rate(step))
        average.update(step)
        total += loss.detach()
        step += 1
        over = clock.done >= 1
        if step % 500 == 0 or over:
            average.swap()
            figures = validation()
            # What is kept is the average that knows songs best that it never heard.
            if figures["validation"] < best:
                best = figures["validation"]
                held_weights = both.state_dict()
                save_parts({name: held_weights[name] for name in average.state}, chosen.out, "latent_diffusion")
            average.swap()
            tell(
                step=step,
                songs=songs.count,
                seconds=round(clock.done * chosen.seconds, 1),
                loss=round(float(total) / (step - last), 4),
                passed_over=make_step.passed_over,
                **figures,
            )
            total.zero_()
            last = step
    tell(step=step, songs=songs.count, done=True, seconds=round(time.monotonic() - began, 1))


def main() -> None:
    """See above."""
    parser = arguments(__doc__, songs=6000, held_out=64, batch=256)
    parser.add_argument("--autoencoder", type=Path, help="folder of bundled.autoencoder; by default that of --from")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate at its highest")
    parser.add_argument("--graph", action="store_true", help="compute loss and gradients as a CUDA graph")
    run(parser, KINDS, train)


if __name__ == "__main__":
    main()
