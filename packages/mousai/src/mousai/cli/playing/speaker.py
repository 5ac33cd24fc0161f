"""The loudspeaker, by sounddevice and PortAudio."""

from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mousai.errors import UserError, install_hint

_OTHERWISE = "or write to a file or a pipe with -o"


class Speaker:
    """Loudspeaker; a context manager.

    Args:
        name: number of a device, or part of its name; `None` is the system's choice.
        sample_rate: Hz.
        channels: 1 or 2.

    Raises:
        UserError: sounddevice or PortAudio is not installed, or there is no such loudspeaker.
    """

    def __init__(self, name: str | None, *, sample_rate: int, channels: int) -> None:
        self._audio = _sounddevice()
        self._settings = {
            "device": int(name) if name is not None and name.isdecimal() else name,
            "samplerate": sample_rate,
            "channels": channels,
            "dtype": "float32",
        }
        self._name, self._block = name, sample_rate // 10
        self._checked(self._audio.check_output_settings)
        self._stream: Any = None
        self.gaps = 0

    def __enter__(self) -> Self:
        # The longest buffer that the system suggests: nobody waits for a key to sound.
        self._stream = self._checked(self._audio.OutputStream, latency="high")
        self._stream.start()
        return self

    def write(self, sound: npt.NDArray[np.float32]) -> None:
        """Play samples `[channels, samples]`; wait until nearly all of them are heard. Gaps are counted in `gaps`."""
        try:
            for first in range(0, sound.shape[1], self._block):  # Ctrl-C is heeded after each
                self.gaps += bool(self._stream.write(np.ascontiguousarray(sound[:, first : first + self._block].T)))
        except self._audio.PortAudioError as error:
            raise self._error(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is still in the buffer is heard after a whole piece, and not after Ctrl-C.
        if kind is None:
            self._stream.stop()
        else:
            self._stream.abort()
        self._stream.close()

    def _checked(self, function: Any, **more: Any) -> Any:
        try:
            return function(**self._settings, **more)
        except (self._audio.PortAudioError, ValueError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> UserError:
        reason = " ".join(str(error).split())
        hint = f"cannot be played to ({reason}); `python -m sounddevice` lists what there is, {_OTHERWISE}"
        return UserError("speaker", self._name, hint if self._name else f"the default one {hint}")


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        hint = f"needs the package sounddevice; {install_hint('play')}, {_OTHERWISE}"
        raise UserError("speaker", hint=hint) from None
    except OSError as error:  # sounddevice looks for the library when it is imported
        hint = f"needs the library PortAudio ({error}); Debian, Ubuntu: apt-get install libportaudio2, {_OTHERWISE}"
        raise UserError("speaker", hint=hint) from None
    return sounddevice
