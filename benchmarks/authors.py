"""The authors' library, which this project is measured against: put into this clone once, then imported."""

import importlib
import subprocess
import sys
import types
import warnings
from pathlib import Path

AUTHORS = ("a-unet==0.0.16", "audio-diffusion-pytorch==0.1.3", "audio-encoders-pytorch==0.0.22", "einops-exts==0.0.4")
"""Version that the authors published last."""

FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "authors"


def load_authors() -> types.SimpleNamespace:
    """The authors' packages as modules: `unet` (a_unet), `diffusion` (audio_diffusion_pytorch), `encoders`.

    They are no dependencies of the environment, because what they ask for breaks it: torchaudio, whose only wheels want
    CUDA and which transformers imports where it finds it, and data-science-types, whose stubs hide numpy's own types.
    So they are put, without what they ask for, into a folder of this clone, once.

    Raises:
        RuntimeError: pip cannot install them; with what it said.
    """
    complete = FOLDER / "complete.txt"
    if not complete.exists() or complete.read_text() != "\n".join(AUTHORS):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(FOLDER)]
        done = subprocess.run([*command, *AUTHORS], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the authors' packages cannot be installed:\n{done.stderr}")
        complete.write_text("\n".join(AUTHORS))
    stand_in = _torchaudio()
    sys.modules |= stand_in
    sys.path.insert(0, str(FOLDER))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of code that stands still
            names = {"unet": "a_unet", "diffusion": "audio_diffusion_pytorch", "encoders": "audio_encoders_pytorch"}
            return types.SimpleNamespace(**{key: importlib.import_module(name) for key, name in names.items()})
    finally:  # they have what they took from it, and transformers must not find it
        sys.path.remove(str(FOLDER))
        for name in stand_in:
            del sys.modules[name]


def _torchaudio() -> dict[str, types.ModuleType]:
    """The two transforms that the authors take from torchaudio, made with torch and librosa."""
    import librosa
    import torch

    class Spectrogram(torch.nn.Module):
        def __init__(self, n_fft: int, hop_length: int, win_length: int, center: bool, power: None) -> None:
            super().__init__()
            self.sizes = {"n_fft": n_fft, "hop_length": hop_length, "win_length": win_length, "center": center}
            self.register_buffer("window", torch.hann_window(win_length))

        def forward(self, wave: torch.Tensor) -> torch.Tensor:
            flat = wave.reshape(-1, wave.shape[-1])
            spectrum = torch.stft(flat, **self.sizes, window=self.window, return_complex=True)
            return spectrum.reshape(*wave.shape[:-1], *spectrum.shape[-2:])

    class MelScale(torch.nn.Module):
        def __init__(self, n_mels: int, n_stft: int, sample_rate: int) -> None:
            super().__init__()
            filters = librosa.filters.mel(
                sr=sample_rate, n_fft=2 * (n_stft - 1), n_mels=n_mels, fmin=0.0, htk=True, norm=None
            )
            self.register_buffer("fb", torch.from_numpy(filters.T.copy()))

        def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
            return (spectrogram.transpose(-1, -2) @ self.fb).transpose(-1, -2)

    torchaudio, transforms = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.transforms")
    transforms.Spectrogram, transforms.MelScale = Spectrogram, MelScale  # type: ignore[attr-defined]
    torchaudio.transforms = transforms  # type: ignore[attr-defined]
    return {"torchaudio": torchaudio, "torchaudio.transforms": transforms}
