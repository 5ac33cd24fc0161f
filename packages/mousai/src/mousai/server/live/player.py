"""Plays a stream of the model into a feed, in the worker thread."""

import time
from typing import TYPE_CHECKING, Any

from dmae import interruptible
from mousai.errors import UserError
from mousai.server.errors import sentence_of
from mousai.server.job import Canceled, Job
from mousai.server.live.encoding import encoder_of
from mousai.server.live.feed import WorkerFeed
from mousai.server.live.input import changes_of

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.streaming import AudioChunk, MusicStream

AHEAD = 4.0
"""Seconds of sound that a listener has ahead: enough where a stretch takes long, so few that changes are heard soon."""
_LOOK = 0.05


def play(pipe: "Mousai", job: Job, feed: WorkerFeed) -> None:
    """Play until the job is canceled, the client is too slow, or its `seconds` are over.

    Raises:
        Canceled: somebody asked for it.
        UserError: what was asked for cannot be played.
    """
    wanted: Any = job.input
    pipe.set_progress_bar_config(disable=True, listener=lambda *_: _heed(job))
    samples = None if wanted.seconds is None else round(wanted.seconds * pipe.sample_rate)
    given, begun = 0, None
    with interruptible(lambda: _heed(job)), wanted.stream(pipe) as stream:
        channels = pipe.autoencoder.config.audio_channels
        about = {"sample_rate": stream.sample_rate, "channels": channels, "format": wanted.format, "seed": stream.seed}
        feed.send({"type": "start", **about})
        encoder = encoder_of(wanted.format, stream.sample_rate, channels)
        try:
            for chunk in stream:
                begun = time.monotonic() if begun is None else begun
                sound = chunk.audio.numpy()
                sound = sound if samples is None else sound[:, : samples - given]
                given += sound.shape[1]
                job.audio_seconds = given / stream.sample_rate
                feed.send({**_place(chunk), "samples": sound.shape[1]}, encoder.encode(sound))
                if samples is not None and given >= samples:
                    return
                _between(job, feed, stream, due=begun + job.audio_seconds - AHEAD)
        finally:
            if left := encoder.close():
                feed.send(left)


def _between(job: Job, feed: WorkerFeed, stream: "MusicStream", *, due: float) -> None:
    """Do what the client asks for until the next stretch is due; a feed without pace does not wait."""
    while True:
        for change in feed.updates():
            try:
                taken = stream.update(**changes_of(change))
            except UserError as error:
                about = {"message": sentence_of(error), "param": error.field}
                feed.send({"type": "error", "id": change.get("id"), **about})
            else:
                feed.send({"type": "changed", "id": change.get("id"), "seconds": taken.seconds, "bar": taken.bar})
        _heed(job)
        if feed.too_slow:
            raise UserError("the client reads more slowly than the music plays")
        if not feed.paced or time.monotonic() >= due:
            return
        feed.wait(_LOOK)


def _heed(job: Job) -> None:
    if job.cancel_wanted:
        raise Canceled


def _place(chunk: "AudioChunk") -> dict[str, Any]:
    """Say where in the music a chunk begins."""
    return {
        "type": "chunk",
        "seconds": chunk.start_seconds,
        "bar": chunk.bar,
        "beat": chunk.beat,
        "tempo": chunk.tempo,
        "prompt": chunk.prompt,
    }
