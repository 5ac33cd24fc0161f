"""Train the bundled model's stage 1 on a GPU by the clock, on songs that are composed meanwhile.

    python -m bundled.autoencoder --out OUT --seconds 150

Latent and magnitudes learn from magnitudes, beside them the decoder's diffusion on what they are by then. With --plain
a second latent learns from the same crops without the loss of attacks, for comparison.
"""

import argparse
import copy
import time

import torch
from torch import Tensor

from bundled.common import Average, Clock, Log, Steps, arguments, run, save_parts
from bundled.songs import SAMPLE_RATE, Kind, SongStream
from dmae import DMAE
from mousai.storage.folders import load_autoencoder

KINDS = [Kind("all", 52001), Kind("style", 52002), Kind("all", 52003), Kind("leads", 52004)]
SAMPLES = 48 * 4096
BATCH = 48
CHECKED = 64
"""Crops of songs held out."""
LATENT_NOISE = 0.02
ATTACK_WEIGHT = 0.5
RATE, SLOW = 8e-4, 0.1


def crops(songs: Tensor, count: int, batch: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Float32 [batch, 2, SAMPLES] from int16 songs [N, 2, T], of which the first `count` are there."""
    device = songs.device
    song = torch.randint(count, (batch,), device=device, generator=generator)
    start = torch.randint(songs.shape[-1] - SAMPLES, (batch,), device=device, generator=generator)
    place = start[:, None, None] + torch.arange(SAMPLES, device=device)
    channel = torch.arange(2, device=device)[None, :, None]
    return songs[song[:, None, None], channel, place].float() / 32768


def augmented(wave: Tensor) -> Tensor:
    """[B, 2, T] -> the same, half of the crops under another gain and equaliser, and wider or narrower.

    See `mousai.training.data.augment`, which has rooms and speeds too.
    """
    batch, _, length = wave.shape
    device = wave.device
    changed = (torch.rand(batch, 1, 1, device=device) < 0.5).float()
    mid, side = wave.mean(dim=1, keepdim=True), (wave[:, :1] - wave[:, 1:]) / 2
    side = side * (1 + changed * (torch.rand(batch, 1, 1, device=device) * 1.4 - 1))
    points = torch.randn(batch, 7, device=device) * 4.5 * changed[:, :, 0]
    frequency = torch.fft.rfftfreq(length, 1 / SAMPLE_RATE, device=device).clamp(min=20)
    place = ((frequency / 40).log() / torch.log(torch.tensor(500.0)) * 6).clamp(0, 5.999)
    low = place.long()
    decibels = torch.lerp(points[:, low], points[:, low + 1], (place - low)[None])
    gain = changed * (torch.rand(batch, 1, 1, device=device) * 21 - 15)
    factor = 10 ** ((decibels[:, None] + gain) / 20)
    sound = torch.fft.irfft(torch.fft.rfft(torch.cat([mid + side, mid - side], dim=1)) * factor, n=length)
    return sound / (sound.abs().amax(dim=(1, 2), keepdim=True) / 0.99).clamp(min=1)


def groups(model: DMAE) -> list[dict[str, object]]:
    """Parameters, the linear maps of principal components at a lower rate."""
    slow = [p for name, p in model.named_parameters() if p.requires_grad and "net.linear" in name]
    fast = [p for name, p in model.named_parameters() if p.requires_grad and "net.linear" not in name]
    return [{"params": fast, "lr": RATE}, {"params": slow, "lr": RATE * SLOW}]


@torch.no_grad()
def validation(model: DMAE, waves: Tensor, *, diffusion: bool) -> dict[str, float]:
    """Losses of held-out crops, at times spread evenly and without noise on the latent."""
    found: dict[str, float] = {}
    pieces = waves.split(32)
    generator = torch.Generator(waves.device).manual_seed(7)
    for piece in pieces:
        t = (torch.arange(len(piece), device=piece.device) + 0.5) / len(piece)
        losses = model.losses(piece, t=t, generator=generator, diffusion=diffusion)
        for key in ("magnitude", "attack", "likelihood", "diffusion", "saturation"):
            if (value := getattr(losses, key)) is not None:
                found[key] = found.get(key, 0.0) + float(value) / len(pieces)
    return {key: round(value, 4) for key, value in found.items()}


def train(chosen: argparse.Namespace, stream: SongStream) -> None:
    """Learn from the songs of the stream until the time is over."""
    device = torch.device(chosen.device)
    tell = Log(chosen.out / "autoencoder.jsonl")
    model = load_autoencoder(chosen.begin).train().to(device)
    model.encoder.requires_grad_(not chosen.keep_latent)
    twins: list[DMAE] = [copy.deepcopy(model)] if chosen.plain else []
    for twin in twins:
        twin.decoder.requires_grad_(False)
    models = [model, *twins]
    averages = [Average(one, beta=0.999) for one in models]
    optimizers = [torch.optim.AdamW(groups(one), betas=(0.9, 0.99), weight_decay=1e-3) for one in models]
    steps = [Steps(one, optimizer) for one, optimizer in zip(models, optimizers, strict=True)]
    songs = torch.zeros(chosen.songs, 2, 30 * SAMPLE_RATE, dtype=torch.int16, device=device)
    count = 0

    def fetch() -> None:
        nonlocal count
        for made in stream.fetch():
            if count < chosen.songs:
                songs[count].copy_(torch.from_numpy(made.wave))
                count += 1

    began = time.monotonic()
    while count < chosen.first:
        fetch()
        time.sleep(0.1)
    tell(songs=count, seconds=round(time.monotonic() - began, 1))
    # The first songs are held out.
    held = crops(songs, chosen.held_out, CHECKED, generator=torch.Generator(device).manual_seed(1))
    tell(step=0, **validation(model, held, diffusion=True))
    clock, step = Clock(chosen.seconds, warmup=100), 0
    over = False
    while not over:
        if step % 20 == 0:
            fetch()
        wave = augmented(crops(songs[chosen.held_out :], count - chosen.held_out, chosen.batch))
        noise = None
        for number, (one, average, make_step) in enumerate(zip(models, averages, steps, strict=True)):
            shape = (len(wave), one.config.latent_channels, SAMPLES // one.config.hop_length)
            noise = LATENT_NOISE * torch.randn(shape, device=device) if noise is None else noise
            losses = one.losses(wave, latent_noise=noise, diffusion=number == 0)
            one.zero_grad()
            losses.total(attack_weight=0.0 if number else ATTACK_WEIGHT).backward()
            make_step(clock.rate(step))
            average.update(step)
        step += 1
        over = clock.done >= 1
        if step % 500 == 0 or over:
            for number, (one, average) in enumerate(zip(models, averages, strict=True)):
                average.swap()
                tell(step=step, plain=bool(number), songs=count, **validation(one, held, diffusion=number == 0))
                average.swap()
    for name, average in zip(("autoencoder", "plain"), averages, strict=False):
        decoder = {key: value for key, value in average.state.items() if key.startswith("decoder.")}
        save_parts({key: value for key, value in average.state.items() if key not in decoder}, chosen.out, name)
        if name == "autoencoder":
            save_parts(decoder, chosen.out, "decoder")
    tell(step=step, songs=count, done=True, seconds=round(time.monotonic() - began, 1))


def main() -> None:
    """See above."""
    parser = arguments(__doc__, songs=3000, held_out=32, batch=BATCH)
    parser.add_argument("--keep-latent", action="store_true", help="leave the encoder as it is, for a generator's sake")
    parser.add_argument("--plain", action="store_true", help="train a second latent without the loss of attacks")
    run(parser, KINDS, train)


if __name__ == "__main__":
    main()
