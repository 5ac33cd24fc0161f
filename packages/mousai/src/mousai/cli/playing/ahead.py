"""Chunks made in a thread of their own while those before them are heard."""

import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from mousai.streaming import AudioChunk

AHEAD = 4.0
"""Seconds of sound that wait to be heard: more than it takes to compose a window, few enough to change soon."""


class Ahead:
    """Chunks of a stream, made ahead of time; a context manager, at whose end the thread ends.

    Args:
        stream: gives chunks.
        seconds: the next chunk is made as soon as less sound than that is waiting.
    """

    def __init__(self, stream: "Iterator[AudioChunk]", seconds: float = AHEAD) -> None:
        self._stream, self._seconds = stream, seconds
        self._waiting: deque[AudioChunk] = deque()
        self._moved = threading.Condition()
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="mousai-play", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __iter__(self) -> "Iterator[AudioChunk]":
        """Give the chunks; an error of the thread is raised here."""
        while True:
            with self._moved:
                while not self._waiting and not self._ended:
                    self._moved.wait()
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                chunk = self._waiting.popleft()
                self._moved.notify_all()
            yield chunk

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._moved:
            self._ended = True
            self._moved.notify_all()
        self._thread.join()  # the chunk that is being made is finished

    def _work(self) -> None:
        try:
            for chunk in self._stream:
                with self._moved:
                    self._waiting.append(chunk)
                    self._moved.notify_all()
                    while not self._ended and sum(one.seconds for one in self._waiting) >= self._seconds:
                        self._moved.wait()
                    if self._ended:
                        return
        except BaseException as error:  # raised again where the chunks are taken
            self._error = error
        finally:
            with self._moved:
                self._ended = True
                self._moved.notify_all()
