"""Fast Griffin-Lim algorithm: a waveform for given magnitudes."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from dmae.phase.interruption import heed_interruption

BLOCK = 2**18
"""Samples of frames, of all rows together, that are processed at once, few enough to stay in the cache."""
SMALLEST_POWER = 1e-30
"""Power below which a complex number counts as zero."""
MADE_UP_BINS = 5
"""Bins over which lost power is averaged before it is made up for."""
MADE_UP_MOST = 2.0
"""Most that a magnitude is raised or lowered to make up for lost power."""

Start: TypeAlias = Tensor | Callable[[slice], Tensor]
"""A spectrum, or a function that gives the frames of a slice of it."""


def griffin_lim(
    magnitudes: Tensor,
    start: Start,
    *,
    window: Tensor,
    hop_length: int,
    length: int,
    iterations: int,
    momentum: float = 0.99,
    make_up: bool = False,
    circular: bool = False,
) -> Tensor:
    """Find a waveform whose short-time spectrum nearly has the given magnitudes.

        phase of start ── magnitudes ──> waveform ──> spectrum ── its phase, with momentum ── magnitudes ──> ...

    Griffin & Lim (1984), accelerated by Perraudin, Balazs & Søndergaard (2013). The spectrum is that of `torch.stft`
    with `center=True` and `pad_mode="constant"`, its inverse that of `torch.istft`. Within `interruptible` it can be
    ended between two iterations.

    Args:
        magnitudes: magnitudes of the spectrum [..., bins, frames]; bins = n_fft / 2 + 1, frames = length // hop_length
            + 1.
        start: complex spectrum of the same shape, from whose phases the algorithm starts; or a function that gives some
            frames of it, [..., bins, frames of the slice], so that it is never there as a whole.
        window: window of a frame [n_fft].
        hop_length: samples from one frame to the next; n_fft is a multiple of it.
        length: samples of the waveform.
        iterations: number of iterations, 1 or more.
        momentum: weight of the last change in the next estimate; 0 is the plain algorithm.
        make_up: whether magnitudes of the last iteration are raised where frames still cancel each other, and lowered
            where they add up: by the root of the ratio to the consistent magnitudes, each a root mean square of 5 bins.
            So a few iterations leave no band quieter than it should be.
        circular: whether the waveform is a circle, whose end is followed by its start. Frames then go across the
            border, frames = length / hop_length, and length is a multiple of the hop and no shorter than a window.

    Returns:
        The waveform [..., length], float32.

    Raises:
        ValueError: an argument is not as described; the message names it.
    """
    frames = _checked_frames(magnitudes, start, window, hop_length, length, iterations, circular)
    rows, _ = _iterate(frames, magnitudes, start, iterations, momentum, make_up=make_up)
    return frames.inner(frames.padded(rows)).reshape(*magnitudes.shape[:-2], length)


def griffin_lim_spectrum(
    magnitudes: Tensor,
    start: Start,
    *,
    window: Tensor,
    hop_length: int,
    length: int,
    iterations: int,
    momentum: float = 0.99,
    circular: bool = False,
) -> Tensor:
    """Find the spectrum of which `griffin_lim` makes its waveform: the magnitudes, with the phases that were found.

    Arguments and errors are those of `griffin_lim`.

    Returns:
        Complex spectrum [..., bins, frames].
    """
    frames = _checked_frames(magnitudes, start, window, hop_length, length, iterations, circular)
    _, found = _iterate(frames, magnitudes, start, iterations, momentum, wave=False)
    return torch.cat(found, dim=1).transpose(-1, -2).reshape(magnitudes.shape)


def _checked_frames(
    magnitudes: Tensor, start: Start, window: Tensor, hop_length: int, length: int, iterations: int, circular: bool
) -> "_Frames":
    """Frames of the waveforms; ValueError where an argument is not as `griffin_lim` says."""
    n_fft = len(window)
    if iterations < 1:
        raise ValueError(f"iterations={iterations}: must be 1 or more")
    if n_fft % hop_length or n_fft % 2:
        raise ValueError(f"hop_length={hop_length}: window of {n_fft} samples must be even and a multiple of it")
    if circular and (length % hop_length or length < n_fft):
        raise ValueError(f"length={length}: a circle must be a multiple of {hop_length} and at least {n_fft} long")
    expected = (n_fft // 2 + 1, length // hop_length + (not circular))
    begun = start.shape if isinstance(start, Tensor) else magnitudes.shape
    if tuple(magnitudes.shape[-2:]) != expected or begun != magnitudes.shape:
        raise ValueError(
            f"magnitudes, start: expected [..., bins={expected[0]}, frames={expected[1]}], "
            f"got {list(magnitudes.shape)} and {list(begun)}"
        )
    return (_Circle if circular else _Frames)(window.float(), hop_length, length)


def _iterate(
    frames: "_Frames",
    magnitudes: Tensor,
    start: Start,
    iterations: int,
    momentum: float,
    *,
    make_up: bool = False,
    wave: bool = True,
) -> tuple[Tensor, list[Tensor]]:
    """Run the iterations on magnitudes and a start [..., bins, frames], which are N waveforms together.

    A block of frames goes from waveform to waveform while it is in the cache, so that of an iteration only the
    consistent spectrum is stored, for the momentum of the next one.

    Returns:
        Rows of hops to which the last frames were added; or, where no `wave` is wanted, the spectra of these frames by
        blocks [N, frames, bins].
    """
    magnitudes = magnitudes.reshape(-1, *magnitudes.shape[-2:])
    waveforms = len(magnitudes)
    blocks = frames.blocks(waveforms)
    # Frame after frame, as the transforms read and write them.
    targets = [magnitudes[..., block].float().transpose(-1, -2).contiguous() for block in blocks]
    found: list[Tensor] = []
    previous: list[Tensor] = []
    rows = frames.silence(waveforms)
    for block, target in zip(blocks, targets, strict=True):
        begun = start[..., block] if isinstance(start, Tensor) else start(block)
        begun = begun.reshape(waveforms, *begun.shape[-2:])
        spectrum = begun.to(torch.complex64).transpose(-1, -2).contiguous()
        frames.add(rows, block, _with_magnitude(spectrum, target))
    for iteration in range(iterations):
        heed_interruption()
        last = iteration == iterations - 1
        padded, rows = frames.padded(rows), frames.silence(waveforms)
        for number, (block, target) in enumerate(zip(blocks, targets, strict=True)):
            consistent = frames.spectrum(padded, block)
            if iteration == 0:
                estimate = consistent
                previous.append(consistent)
            else:  # consistent + momentum * (consistent - previous)
                estimate, previous[number] = previous[number], consistent
                torch.view_as_real(estimate).lerp_(torch.view_as_real(consistent), 1 + momentum)
            if make_up and last:
                target = target * _gain(target, consistent)
            spectrum = _with_magnitude(estimate, target)
            if last and not wave:
                found.append(spectrum)
            else:
                frames.add(rows, block, spectrum)
    return rows, found


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

    def blocks(self, waveforms: int) -> list[slice]:
        """Slices of frames that are processed at once, of so many waveforms together."""
        size = max(BLOCK // (waveforms * len(self.window)), 1)
        return [slice(first, min(first + size, self.count)) for first in range(0, self.count, size)]

    def silence(self, waveforms: int) -> Tensor:
        """Rows of hops to which `add` adds frames [waveforms, frames + overlap - 1, hop], all zero."""
        return self.window.new_zeros(waveforms, self.count + self.overlap - 1, self.hop_length)

    def add(self, rows: Tensor, block: slice, spectrum: Tensor) -> None:
        """Add the frames of a block, whose spectrum is [N, frames, bins], to rows of hops."""
        frames = torch.fft.irfft(spectrum, n=len(self.window)).mul_(self.window)
        frames = frames.view(*frames.shape[:2], self.overlap, self.hop_length)
        for shift in range(self.overlap):
            rows[:, block.start + shift : block.stop + shift] += frames[:, :, shift]

    def padded(self, rows: Tensor) -> Tensor:
        """Rows to which all frames were added -> padded waveform [N, (frames + overlap - 1) * hop]; the rows change."""
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

    def padded(self, rows: Tensor) -> Tensor:
        """Rows to which all frames were added -> waveform that goes on round the circle; rows are changed."""
        padded = super().padded(rows)
        beyond = self.overlap - 1  # rows that are there twice
        rows[:, :beyond] += rows[:, self.count :]
        rows[:, self.count :] = rows[:, :beyond]
        return padded


def _with_magnitude(spectrum: Tensor, magnitudes: Tensor) -> Tensor:
    """Complex numbers with the phases of a spectrum and the magnitudes, all [...]; a zero has no phase and stays zero.

    By one reciprocal root: `torch.sgn` takes twice the time, since its absolute value guards against overflow.
    """
    parts = torch.view_as_real(spectrum).square()
    gain = (parts[..., 0] + parts[..., 1]).clamp_min_(SMALLEST_POWER).rsqrt_().mul_(magnitudes)
    return spectrum * gain


def _gain(magnitudes: Tensor, consistent: Tensor) -> Tensor:
    """Gain of magnitudes [N, frames, bins] that makes up for what their consistent spectrum has lost."""
    wanted, found = (
        _sum_of_bins(power)
        for power in (magnitudes.square(), consistent.real.square().addcmul_(consistent.imag, consistent.imag))
    )
    # The fourth root by two square roots: a power takes four times as long.
    return (wanted / found.clamp_min_(1e-12)).sqrt_().sqrt_().clamp_(1 / MADE_UP_MOST, MADE_UP_MOST)


def _sum_of_bins(power: Tensor) -> Tensor:
    """Power [N, frames, bins] -> sum of the bins around each; of fewer at the ends, as in every sum beside it."""
    total = power.clone()
    for away in range(1, MADE_UP_BINS // 2 + 1):
        total[..., away:] += power[..., :-away]
        total[..., :-away] += power[..., away:]
    return total
