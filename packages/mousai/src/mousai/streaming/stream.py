"""Music without end.

prompt, tempo ── StreamPrompt ──> LatentStream ── latent ──> SoundStream ── whole bars ──> chunks
                  ↑                                       │
               update ── from the next bar on ────────────┘
"""

import math
import numbers
import threading
import warnings
from collections import deque
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from mousai.arguments import PromptCutWarning, UnknownWordsWarning
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.control_plan import control_plan
from mousai.device import plain_defaults
from mousai.errors import UserError
from mousai.exact.threads import one_thread
from mousai.sampling_config import SamplingConfig
from mousai.streaming.chunks import AudioChunk, Change
from mousai.streaming.clock import BarClock
from mousai.streaming.latents import LatentStream
from mousai.streaming.sound import SoundStream
from mousai.streaming.stream_prompt import StreamPrompt, check_attributes

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

SHORTEST_STRETCH = 1.5
"""Seconds that are made at once, at least: so many whole bars."""
LONGEST_CHUNK = 60.0
"""Most seconds of `chunk_seconds`."""
RESAMPLES = 2
"""Times that each step of a continuation is made where nothing is said."""


def stream_config(defaults: SamplingConfig, settings: Mapping[str, Any]) -> SamplingConfig:
    """Return the settings of a stream: the model's, with `RESAMPLES` unless they are given.

    Raises:
        UserError: one is unknown, impossible or of no use here.
    """
    if settings.get("strength") is not None:
        raise UserError("strength", settings["strength"], "says how much of a recording is replaced; a stream has none")
    given = {name: value for name, value in settings.items() if value is not None}
    return defaults.updated({"inpaint_resamples": RESAMPLES, **given})


@dataclass(frozen=True)
class _Stretch:
    """Sound that was made and not given yet."""

    start: int
    sound: Tensor
    clock: BarClock
    prompt: str


class MusicStream:
    """Music without end, an iterator of `AudioChunk`; `Mousai.stream` makes one.

    Chunk k depends on the seed, on k, and on the updates and the bars from which they held. How fast chunks are taken,
    and how long they are, makes no difference. Memory does not grow. One thread may iterate while others update.

    Args:
        pipe: the model.
        current: what to play.
        config: settings of sampling.
        seed: seed of all noise.
        chunk_seconds: length of a chunk; `None`: whole bars, as few as last 1.5 s together, or 2 s where the tempo is
            unknown.

    Raises:
        UserError: an argument is impossible.
    """

    def __init__(
        self,
        pipe: "Mousai",
        current: StreamPrompt,
        *,
        config: SamplingConfig,
        seed: int,
        chunk_seconds: float | None = None,
    ) -> None:
        if chunk_seconds is not None:
            number = isinstance(chunk_seconds, numbers.Real) and not isinstance(chunk_seconds, bool)
            if not number or not 1 / pipe.sample_rate <= chunk_seconds <= LONGEST_CHUNK:
                hint = f"must be a number of seconds, from one sample up to {LONGEST_CHUNK:g}"
                raise UserError("chunk_seconds", chunk_seconds, hint)
        pipe.check_exact(config)
        if current.attributes.tempo is None:
            with one_thread() if config.exact else nullcontext():
                current = replace(current, known=replace(current.known, tempo=pipe.usual_tempo(current.prompt)))
        self.seed, self.config, self._pipe = seed, config, pipe
        self._chunk_seconds = chunk_seconds
        self._current, self._clock, self._pending = current, BarClock(current.attributes.tempo), current
        current.request(config, seed, self._clock)  # checks what is left
        self._next_bar = 1
        self._latents, self._sound = LatentStream(pipe, seed), SoundStream(pipe, config, seed)
        self._waiting: deque[_Stretch] = deque()
        self._given = 0
        self._chunks = 0
        self._closed = False
        self._changing = threading.Lock()  # of what is asked for and of which bar is next
        self._making = threading.Lock()  # of everything that is made
        self._warn(current)

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self._pipe.sample_rate

    @property
    def prompt(self) -> str:
        """Prompt that holds, or will hold from the next bar on."""
        return self._pending.prompt

    @property
    def tempo(self) -> float | None:
        """Beats per minute, likewise."""
        return self._pending.attributes.tempo

    def __iter__(self) -> Self:
        return self

    @plain_defaults()
    def __next__(self) -> AudioChunk:
        """Make the next chunk; a closed stream has none."""
        with self._making:
            if self._closed:
                raise StopIteration
            if self._chunk_seconds is None:
                end = None
            else:
                end = round((self._chunks + 1) * self._chunk_seconds * self.sample_rate)
            while not self._waiting or (end is not None and self._made < end):
                with one_thread() if self.config.exact else nullcontext():
                    self._waiting.append(self._next_stretch())
            chunk = self._take(self._made if end is None else end)
            self._chunks += 1
            return chunk

    def update(
        self,
        *,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        tempo: float | None = None,
        attributes: MusicAttributes | None = None,
        chords: Any = None,
        section: str | None = None,
    ) -> Change:
        """Change what is played from the next bar on that is not made yet.

        What is not named stays. A new prompt brings its own key and lead; the tempo goes on where the prompt names
        none. Of several updates before a bar the last one counts for what it names. Any thread may call it.

        Args:
            prompt: a new sentence.
            negative_prompt: what to stay away from; "" for nothing in particular.
            tempo: beats per minute.
            attributes: tempo, key or lead, which count for more than the prompt.
            chords: bars of chords, "Am F C G", of which the first begins with that bar; for a model that follows them.
            section: intro, verse, chorus, break or outro; likewise.

        Returns:
            the bar and the second from which it holds.

        Raises:
            UserError: an argument is impossible, none is given, or the stream is closed; the music goes on as it was.
        """
        if all(one is None for one in (prompt, negative_prompt, tempo, attributes, chords, section)):
            raise UserError("prompt", hint="nothing to change; give a prompt, a negative_prompt, a tempo or attributes")
        plan = control_plan(chords=chords, section=section, model=self._pipe.controls)
        known = check_attributes(MusicAttributes() if attributes is None else attributes, tempo)
        with self._changing:
            if self._closed:
                raise UserError("stream", hint="is closed; make another one")
            current = self._pending.updated(prompt=prompt, negative_prompt=negative_prompt, known=known)
            current = current.with_controls(plan, self._next_bar)
            current.request(self.config, self.seed, self._clock)  # checks what is left
            self._pending = current
            bar, second = self._next_bar, self._clock.second_of(self._next_bar)
            counted = self._clock.tempo is not None or current.attributes.tempo is not None
        if prompt is not None or negative_prompt is not None:
            self._warn(current)
        return Change(seconds=second, bar=bar if counted else None)

    def close(self) -> None:
        """End the stream: iteration stops, and updates are refused."""
        with self._changing:
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _made(self) -> int:
        """Samples that were made."""
        return self._sound.position

    def _next_stretch(self) -> _Stretch:
        """Make whole bars, as few as last `SHORTEST_STRETCH`."""
        with self._changing:
            changed = self._pending != self._current
            if changed:
                self._current = self._pending
                self._clock = self._clock.changed(self._current.attributes.tempo, self._next_bar)
            current, clock = self._current, self._clock
            self._next_bar += math.ceil(SHORTEST_STRETCH / clock.bar_seconds - 1e-9)
            end = round(clock.second_of(self._next_bar) * self.sample_rate)
        start, latents, sound = self._sound.position, self._latents, self._sound
        if changed:
            latents.change_from(int(start / self.sample_rate * latents.frame_rate))
        request = current.request(self.config, self.seed, clock)
        while latents.end < sound.frames_for(end)[1]:
            latents.grow(request)
        made = sound.advance(latents, end)
        latents.forget_before(sound.frames_for(end)[0])
        return _Stretch(start, made, clock, current.prompt)

    def _take(self, end: int) -> AudioChunk:
        """Take what was made from the last chunk on up to a sample."""
        first, start, parts = self._waiting[0], self._given, []
        while start < end:
            stretch = self._waiting[0]
            last = stretch.start + stretch.sound.shape[-1]
            parts.append(stretch.sound[:, start - stretch.start : end - stretch.start])
            start = min(last, end)
            if last <= end:
                self._waiting.popleft()
        second = self._given / self.sample_rate
        bar, beat = first.clock.position(second)
        self._given = end
        timed = first.clock.tempo is not None
        return AudioChunk(
            audio=torch.cat(parts, dim=-1),
            sample_rate=self.sample_rate,
            start_seconds=second,
            bar=bar if timed else None,
            beat=beat if timed else None,
            tempo=first.clock.tempo,
            prompt=first.prompt,
        )

    def _warn(self, current: StreamPrompt) -> None:
        """Warn of what the text encoder does not read of the prompts."""
        for prompt in (current.prompt, current.negative_prompt or ""):
            if unseen := self._pipe.unseen(prompt):
                warnings.warn(f"a prompt is too long, not seen of it: {unseen!r}", PromptCutWarning, stacklevel=4)
            if line := self._pipe.not_understood(prompt):
                warnings.warn(line, UnknownWordsWarning, stacklevel=4)
