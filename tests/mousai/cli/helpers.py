"""What the tests of several commands use."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mousai.audio.files import write_audio

PROMPT = "calm piano pop, 100 bpm"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def error(self) -> str:
        """The one line that a refused command line writes."""
        assert self.code == 2 and self.out == "", self
        assert self.err.startswith("mousai: error: ") and self.err.endswith("\n"), self
        assert self.err.count("\n") == 1, self
        return self.err


def tone(path: Path, seconds: float = 0.2, *, rate: int = 48000, channels: int = 2, level: float = 0.3) -> Path:
    wave = level * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    write_audio(path, np.stack([wave] * channels).astype(np.float32), rate)
    return path


def everything_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def generate(model: Path, *words: object) -> list[object]:
    return ["generate", PROMPT, "--model", model, "--dtype", "float32", "--duration", "0.1", *words]
