"""A spectrogram as a picture, for logs."""

import io

import numpy as np
import numpy.typing as npt
import torch

_N_FFT, _HOP = 2048, 512


def spectrogram_picture(
    wave: npt.NDArray[np.float32], sample_rate: int, *, title: str
) -> tuple[bytes, npt.NDArray[np.uint8]]:
    """Draw the spectrogram of a waveform [C, T] (mono, 80 dB, octaves evenly) as PNG and pixels.

    Returns:
        The file's bytes, and [height, width, 3].
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    mono = torch.from_numpy(np.ascontiguousarray(wave.mean(0)))
    mono = torch.nn.functional.pad(mono, (0, max(0, _N_FFT - len(mono))))
    spectrum = torch.stft(mono, _N_FFT, _HOP, window=torch.hann_window(_N_FFT), return_complex=True).abs().numpy()
    level = 20 * np.log10(np.maximum(spectrum, 1e-7 * max(float(spectrum.max()), 1e-20)))
    figure = Figure(figsize=(8, 3), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    times = np.arange(level.shape[1]) * _HOP / sample_rate
    frequencies = np.arange(level.shape[0]) * sample_rate / _N_FFT
    top = float(level.max())
    axes.pcolormesh(times, frequencies[1:], level[1:], vmin=top - 80, vmax=top, cmap="magma", shading="nearest")
    axes.set(yscale="log", ylim=(40, sample_rate / 2), xlabel="s", ylabel="Hz")
    # Text is shown as it is, whatever a prompt holds of dollar signs.
    axes.set_title(title[:90].replace("$", r"\$"), fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue(), np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
