"""Fast Griffin-Lim algorithm: a waveform for given magnitudes."""

import torch
from torch import Tensor

BLOCK = 128
"""Frames, of all rows together, that are processed at once, few enough to stay in the cache."""


def griffin_lim(
    magnitudes: Tensor,
    start: Tensor,
    *,
    window: Tensor,
    hop_length: int,
    length: int,
    iterations: int,
    momentum: float = 0.99,
    circular: bool = False,
) -> Tensor:
    """Find a waveform whose short-time spectrum nearly has the given magnitudes.

        phase of start ── magnitudes ──> waveform ──> spectrum ── its phase, with momentum ── magnitudes ──> ...

    Griffin & Lim (1984), accelerated by Perraudin, Balazs & Søndergaard (2013). The spectrum is that of `torch.stft`
    with `center=True` and `pad_mode="constant"`, its inverse that of `torch.istft`.

    Args:
        magnitudes: magnitudes of the spectrum [..., bins, frames]; bins = n_fft / 2 + 1, frames = length // hop_length
            + 1.
        start: complex spectrum of the same shape, from whose phases the algorithm starts.
        window: window of a frame [n_fft].
        hop_length: samples from one frame to the next; n_fft is a multiple of it.
        length: samples of the waveform.
        iterations: number of iterations, 1 or more.
        momentum: weight of the last change in the next estimate; 0 is the plain algorithm.
        circular: whether the waveform is a circle, whose end is followed by its start. Frames then go across the
            border, frames = length / hop_length, and length is a multiple of the hop and no shorter than a window.

    Returns:
        The waveform [..., length], float32.

    Raises:
        ValueError: an argument is not as described; the message names it.
    """
    n_fft = len(window)
    if iterations < 1:
        raise ValueError(f"iterations={iterations}: must be 1 or more")
    if n_fft % hop_length or n_fft % 2:
        raise ValueError(f"hop_length={hop_length}: window of {n_fft} samples must be even and a multiple of it")
    if circular and (length % hop_length or length < n_fft):
        raise ValueError(f"length={length}: a circle must be a multiple of {hop_length} and at least {n_fft} long")
    expected = (n_fft // 2 + 1, length // hop_length + (not circular))
    if magnitudes.shape[-2:] != expected or start.shape != magnitudes.shape:
        raise ValueError(
            f"magnitudes, start: expected [..., bins={expected[0]}, frames={expected[1]}], "
            f"got {list(magnitudes.shape)} and {list(start.shape)}"
        )
    frames = (_Circle if circular else _Frames)(window.float(), hop_length, length)
    # Frame after frame, as the transforms read and write them; each magnitude twice, for real and imaginary part.
    target = magnitudes.float().reshape(-1, *expected).transpose(-1, -2)
    target = torch.stack([target, target], dim=-1)
    spectrum = start.to(torch.complex64).reshape(-1, *expected).transpose(-1, -2)
    spectrum = spectrum.clone(memory_format=torch.contiguous_format)
    previous = torch.zeros_like(spectrum)
    blocks = frames.blocks(spectrum)
    for block in blocks:
        _set_magnitude(spectrum[:, block], target[:, block])
    for iteration in range(iterations):
        padded = frames.waveform(spectrum, blocks)
        ahead = momentum if iteration else 0.0
        for block in blocks:
            # consistent + ahead * (consistent - previous)
            before = torch.view_as_real(previous[:, block])
            consistent = torch.view_as_real(frames.spectrum(padded, block))
            torch.view_as_real(spectrum[:, block]).copy_(before.lerp(consistent, 1 + ahead))
            before.copy_(consistent)
            _set_magnitude(spectrum[:, block], target[:, block])
    wave = frames.waveform(spectrum, blocks)
    return frames.inner(wave).reshape(*magnitudes.shape[:-2], length)


class _Frames:
    """Waveforms as overlapping frames and back: the least-squares inverse of Griffin & Lim, eq. 6.

    Waveforms have half a window of zeros before them and the rest of the last frame behind:

        |--- n_fft / 2 ---|------ length ------|--- rest ---|
    """

    def __init__(self, window: Tensor, hop_length: int, length: int) -> None:
        self.window, self.hop_length, self.length = window, hop_length, length
        self.overlap = len(window) // hop_length
        self.count = length // hop_length + 1
        energy = window.square().view(self.overlap, hop_length)
        envelope = window.new_zeros(self.count + self.overlap - 1, hop_length)
        for shift in range(self.overlap):
            envelope[shift : shift + self.count] += energy[shift]
        # The padding around the waveform becomes zero.
        scale = envelope.flatten().reciprocal()
        scale[: self._first], scale[self._first + length :] = 0, 0
        self.scale = scale

    @property
    def _first(self) -> int:
        return len(self.window) // 2

    def blocks(self, spectrum: Tensor) -> list[slice]:
        """Slices of frames that are processed at once."""
        size = max(BLOCK // spectrum.shape[0], 1)
        return [slice(first, min(first + size, self.count)) for first in range(0, self.count, size)]

    def waveform(self, spectrum: Tensor, blocks: list[slice]) -> Tensor:
        """Spectrum [N, frames, bins] -> padded waveform [N, (frames + overlap - 1) * hop]."""
        rows = self.window.new_zeros(spectrum.shape[0], self.count + self.overlap - 1, self.hop_length)
        for block in blocks:
            frames = torch.fft.irfft(spectrum[:, block], n=len(self.window)).mul_(self.window)
            frames = frames.view(*frames.shape[:2], self.overlap, self.hop_length)
            for shift in range(self.overlap):
                rows[:, block.start + shift : block.stop + shift] += frames[:, :, shift]
        return rows.flatten(1).mul_(self.scale)

    def spectrum(self, padded: Tensor, block: slice) -> Tensor:
        """Padded waveform -> spectrum of some frames [N, frames, bins]."""
        first, last = block.start * self.hop_length, (block.stop - 1) * self.hop_length + len(self.window)
        frames = padded[:, first:last].unfold(-1, len(self.window), self.hop_length)
        spectrum: Tensor = torch.fft.rfft(frames * self.window)
        return spectrum

    def inner(self, padded: Tensor) -> Tensor:
        """The waveforms themselves [N, length]."""
        return padded[:, self._first : self._first + self.length]


class _Circle(_Frames):
    """Waveforms that are circles: beyond their end is their start, in place of zeros."""

    def __init__(self, window: Tensor, hop_length: int, length: int) -> None:
        super().__init__(window, hop_length, length)
        self.count = length // hop_length
        # Every sample lies under as many frames, so the sum of squares is the same in every hop.
        energy = window.square().view(self.overlap, hop_length).sum(0)
        self.scale = energy.reciprocal().repeat(self.count + self.overlap - 1)

    def waveform(self, spectrum: Tensor, blocks: list[slice]) -> Tensor:
        """Spectrum [N, frames, bins] -> waveform [N, (frames + overlap - 1) * hop] that goes on round the circle."""
        padded = super().waveform(spectrum, blocks)
        rows = padded.view(len(padded), -1, self.hop_length)
        beyond = self.overlap - 1  # rows that are there twice
        rows[:, :beyond] += rows[:, self.count :]
        rows[:, self.count :] = rows[:, :beyond]
        return padded


def _set_magnitude(spectrum: Tensor, magnitudes: Tensor) -> None:
    """Give complex numbers [...] the magnitudes [..., 2] in place; a zero has no phase and stays zero."""
    torch.sgn(spectrum, out=spectrum)
    torch.view_as_real(spectrum).mul_(magnitudes)
