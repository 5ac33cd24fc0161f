"""Building blocks: convolution, normalisation, residual block, modulation, injection, down- and upsampling, skip.

Activations lie time-major, [batch, length, channels], and contiguous. Every module here keeps them so: a convolution
reads the same memory as a channels-last image of height 1, [batch, channels, 1, length], without a copy.
"""

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


def as_image(x: Tensor) -> Tensor:
    """Time-major [B, L, C] -> the same memory seen as a channels-last image [B, C, 1, L]."""
    return x.transpose(1, 2).unsqueeze(2)


def from_image(x: Tensor) -> Tensor:
    """The inverse of `as_image`; contiguous where the image was channels-last."""
    return x.squeeze(2).transpose(1, 2)


def pad_to_multiple(x: Tensor, factor: int) -> Tensor:
    """Append zeros to [B, L, C] along the length up to the next multiple of `factor`."""
    missing = -x.shape[1] % factor
    return F.pad(x, (0, 0, 0, missing)) if missing else x


def wrap(x: Tensor, reach: int) -> Tensor:
    """Continue [B, L, C] as a circle by `reach` positions at either end."""
    if reach > x.shape[1]:
        positions = torch.arange(-reach, x.shape[1] + reach, device=x.device).remainder(x.shape[1])
        return x[:, positions]
    return torch.cat([x[:, x.shape[1] - reach :], x, x[:, :reach]], dim=1) if reach else x


class Conv(nn.Module):
    """Convolution along the length of [B, L, C_in] with zeros beyond the ends; the length stays.

    On a circle (`circular`) the end is followed by the start instead of zeros.

    The weight is [out, taps, in], which is the order in which a channels-last convolution reads it. It starts as
    PyTorch's own convolutions do.

    A CPU convolution first rearranges all its weights. Where these outweigh the activations, the neighbours of each
    position are laid side by side instead and one matrix product does the rest: with 1024 channels it ran 1.2 times as
    fast at 256 positions and 1.7 times at 64 (bfloat16, AMD Zen 4, one thread).

    Args:
        in_channels: channels read.
        out_channels: channels written.
        kernel_size: taps, odd.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int = 3) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, so that the length stays, not {kernel_size}")
        self.weight = nn.Parameter(torch.empty(out_channels, kernel_size, in_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))
        bound = 1 / math.sqrt(in_channels * kernel_size)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor, circular: bool = False) -> Tensor:
        """[B, L, C_in] -> [B, L, C_out]."""
        taps, half = self.weight.shape[1], self.weight.shape[1] // 2
        if self._use_matmul(x):
            padded = wrap(x, half) if circular else F.pad(x, (0, 0, half, half))
            neighbours = torch.cat([padded[:, tap : tap + x.shape[1]] for tap in range(taps)], dim=-1)
            return F.linear(neighbours, self.weight.flatten(1), self.bias)
        if circular:
            x, half = wrap(x, half), 0
        return from_image(F.conv2d(as_image(x), as_image(self.weight), self.bias, padding=(0, half)))

    def _use_matmul(self, x: Tensor) -> bool:
        """Tell whether one matrix product is faster than a convolution: many channels, few positions, CPU."""
        # The compiler rearranges the weights once, so there the convolution is the faster of the two.
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return False
        return x.shape[2] >= 256 and 2 * x.shape[0] * x.shape[1] <= x.shape[2]

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        out_channels, kernel_size, in_channels = self.weight.shape
        return f"{in_channels}, {out_channels}, kernel_size={kernel_size}"


def is_transformed() -> bool:
    """Tell whether torch.func transforms what is computed: `jvp` and `vmap` have rules for plain operations alone."""
    # The compiler decides for itself, and could not look into this.
    return not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active()


class GroupNorm(nn.GroupNorm):
    """Group normalisation (Wu and He, 2018, arXiv 1803.08494) of time-major [B, L, C].

    The statistics are over the length and the channels of one group of one batch member, in float32 under bfloat16;
    nothing crosses the batch. PyTorch's CPU kernel for channels-last images keeps the layout and is ten times as fast
    as the same formula in tensor operations. It sums squares: where a group's mean is a hundred times its deviation,
    two digits are right.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, L, C] -> [B, L, C]."""
        if is_transformed():
            return self._transformable(input)
        if torch.is_grad_enabled() and self.weight.requires_grad and not input.requires_grad:
            # PyTorch's channels-last group_norm crashes the process (2.13, on CPUs) in the backward pass where its
            # weights want a gradient and its input does not; that of the input is not much work beside the rest. It
            # wants one after this sum, which, unlike requires_grad_(), torch.func can transform.
            input = input + 0 * self.weight[0]
        # Not F.group_norm: it refuses a group of one value in a batch of one.
        return from_image(torch.group_norm(as_image(input), self.num_groups, self.weight, self.bias, self.eps))

    def _transformable(self, input: Tensor) -> Tensor:
        """The same formula in tensor operations: torch.func has no rules for the kernel on channels-last images."""
        x = input.unflatten(-1, (self.num_groups, -1))
        wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        variance, mean = torch.var_mean(wide, dim=(1, 3), keepdim=True, unbiased=False)
        normal: Tensor = ((wide - mean) * (variance + self.eps).rsqrt()).flatten(-2).to(input.dtype)
        return normal * self.weight + self.bias


class ResidualBlock(nn.Module):
    """x -> x + f(x), f = (GroupNorm -> SiLU -> convolution) twice.

    Args:
        channels: width in and out.
        groups: groups of the normalisations.
        kernel_size: taps of the convolutions.
        zero_init: start the second convolution at zero, so that the block starts as the identity.
    """

    def __init__(self, channels: int, *, groups: int = 8, kernel_size: int = 3, zero_init: bool = False) -> None:
        super().__init__()
        self.norm1 = GroupNorm(groups, channels)
        self.conv1 = Conv(channels, channels, kernel_size=kernel_size)
        self.norm2 = GroupNorm(groups, channels)
        self.conv2 = Conv(channels, channels, kernel_size=kernel_size)
        if zero_init:
            nn.init.zeros_(self.conv2.weight)
            nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, circular: bool = False) -> Tensor:
        """[B, L, C] -> [B, L, C]."""
        h: Tensor = self.conv1(_silu(self.norm1(x)), circular)
        h = self.conv2(_silu(self.norm2(h)), circular)
        return x + h


def _silu(x: Tensor) -> Tensor:
    """SiLU of a tensor that nothing else reads: in place, unless a gradient needs the input."""
    return F.silu(x, inplace=not x.requires_grad)


class Modulation(nn.Module):
    """x -> LayerNorm(x) (1 + scale) + shift, scale and shift linear in the modulation vector; no residual path.

    The normalisation is over the channels of one position and has no weights of its own.

    Args:
        channels: width of x.
        features: width of the modulation vector.
    """

    def __init__(self, channels: int, *, features: int) -> None:
        super().__init__()
        self.to_scale_shift = nn.Linear(features, 2 * channels)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """[B, L, C] and the vector [B, F] -> [B, L, C]."""
        scale, shift = self.to_scale_shift(features).unsqueeze(1).chunk(2, dim=-1)
        return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=1e-6), 1 + scale)


class Injection(nn.Module):
    """x -> x + Linear([x, injected]): conditioning on another signal of the same length.

    Args:
        channels: width of x.
        inject_channels: width of the injected signal.
    """

    def __init__(self, channels: int, inject_channels: int) -> None:
        super().__init__()
        self.merge = nn.Linear(channels + inject_channels, channels)

    def forward(self, x: Tensor, injected: Tensor) -> Tensor:
        """[B, L, C] and [B, L, D] -> [B, L, C]."""
        merged: Tensor = self.merge(torch.cat([x, injected], dim=-1))
        return x + merged


class Downsample(nn.Module):
    """Each `factor` neighbouring positions become one, by one Linear (a convolution with kernel = stride = factor).

    Args:
        in_channels: channels read.
        out_channels: channels written.
        factor: positions read per position written.
    """

    def __init__(self, in_channels: int, out_channels: int, *, factor: int = 1) -> None:
        super().__init__()
        self.factor = factor
        self.project = nn.Linear(factor * in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, C_in] -> [B, ceil(L / factor), C_out]; zeros fill the last position's share."""
        x = pad_to_multiple(x, self.factor)
        shorter: Tensor = self.project(rearrange(x, "b (l f) c -> b l (f c)", f=self.factor))
        return shorter


class Upsample(nn.Module):
    """Each position is repeated `factor` times, then a 3-tap convolution smooths the steps.

    Args:
        in_channels: channels read.
        out_channels: channels written.
        factor: positions written per position read.
    """

    def __init__(self, in_channels: int, out_channels: int, *, factor: int = 1) -> None:
        super().__init__()
        self.factor = factor
        self.conv = Conv(in_channels, out_channels, kernel_size=3)

    def forward(self, x: Tensor, length: int, circular: bool = False) -> Tensor:
        """[B, L, C_in] -> [B, length, C_out]; `length` (at most L * factor) cuts off the padding of `Downsample`."""
        if self.factor > 1:
            x = x.repeat_interleave(self.factor, dim=1)
        x = self.conv(x, circular)
        return x[:, :length]


class Skip(nn.Module):
    """The end of a level: x + scale(time) * y, x what came into the level and y what comes out of it.

    Args:
        in_channels: channels of x.
        out_channels: channels of y; where they differ a Linear adapts x.
        features: width of the modulation vector.
        identity: False leaves x out: scale(time) * y.
    """

    def __init__(self, in_channels: int, out_channels: int, *, features: int, identity: bool = True) -> None:
        super().__init__()
        self.identity = identity
        self.adapt = nn.Linear(in_channels, out_channels) if identity and in_channels != out_channels else None
        self.to_scale = nn.Linear(features, out_channels)

    def forward(self, x: Tensor, y: Tensor, features: Tensor) -> Tensor:
        """[B, L, C_in], [B, L, C_out] and the vector [B, F] -> [B, L, C_out]."""
        scale = self.to_scale(features).unsqueeze(1)
        if not self.identity:
            return torch.mul(scale, y)
        if self.adapt is not None:
            x = self.adapt(x)
        return torch.addcmul(x, scale, y)
