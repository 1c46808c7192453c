"""Parallel kernels on values and differences, then dilated residual convolutions, normalised over real steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limelight.nn.masking import mask_every
from limelight.nn.normalisation import MaskedBatchNorm


class ParallelKernels(nn.Module):
    """Convolutions of several kernel sizes side by side, each centred on the time steps that an output step covers.

    Parameters
    ----------
    channels
        Width of the input, at least 1.
    filters
        Number of filters of all kernel sizes together, at least 1.
    kernel_sizes
        Number of taps for a stride of 1; multiplied by the stride.
    stride
        Number of time steps per output step, at least 1.
    """

    def __init__(self, channels: int, filters: int, kernel_sizes: Sequence[int], stride: int) -> None:
        super().__init__()
        self.stride = stride
        shares = _share_filters(filters, len(kernel_sizes))
        used = [(own, taps * stride) for own, taps in zip(shares, kernel_sizes, strict=True) if own]
        self.sizes = [size for _, size in used]
        self.kernels = nn.ModuleList(nn.Conv1d(channels, own, size, stride=stride, bias=False) for own, size in used)

    def forward(self, values: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch filters steps"]:
        """Convolve values of shape (batch, channels, time) to (batch, filters, ceil(time / stride))."""
        time = values.shape[2]
        steps = -(-time // self.stride)
        outputs = []
        for kernel, size in zip(self.kernels, self.sizes, strict=True):
            before = (size - self.stride) // 2
            behind = steps * self.stride - time + size - self.stride - before
            outputs.append(kernel(functional.pad(values, (before, behind))))
        return torch.cat(outputs, dim=1)


def _share_filters(filters: int, kernels: int) -> list[int]:
    """Divide filters among kernels in multiples of 16, which a CPU computes fastest; the first gets the rest."""
    each = filters // kernels
    each -= each % 16 if each >= 16 else 0
    return [filters - each * (kernels - 1)] + [each] * (kernels - 1)


class ResidualBlock(nn.Module):
    """Two dilated convolutions with normalisation, added to their input.

    Parameters
    ----------
    filters
        Width, at least 1.
    kernel_size
        Number of taps, at least 1.
    dilation
        Steps between taps, at least 1.
    """

    def __init__(self, filters: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Conv1d(filters, filters, kernel_size, padding="same", dilation=dilation, bias=False) for _ in range(2)
        )
        self.normalise_first, self.normalise_second = MaskedBatchNorm(filters), MaskedBatchNorm(filters)

    def forward(
        self, features: Float[Tensor, "batch filters steps"], mask: Bool[Tensor, "batch steps"]
    ) -> Float[Tensor, "batch filters steps"]:
        """Compute features of the same shape; padding stays 0."""
        inner = functional.relu(self.normalise_first(self.first(features), mask))
        return functional.relu(features + self.normalise_second(self.second(inner), mask))


class InceptionEncoder(nn.Module):
    """Parallel kernels on the values and their differences, then dilated residual convolutions.

    Parameters
    ----------
    channels
        Width of the input, at least 1.
    filters, depth, kernel_sizes, block_kernel_size, stride, dropout
        As for ``Inception``.

    Example
    -------
    >>> sizes = {"filters": 8, "depth": 2, "kernel_sizes": [3, 5], "block_kernel_size": 5, "stride": 4, "dropout": 0.0}
    >>> features, mask = InceptionEncoder(3, **sizes)(torch.zeros(2, 10, 3), torch.ones(2, 10, dtype=torch.bool))
    >>> features.shape, mask.shape
    (torch.Size([2, 3, 8]), torch.Size([2, 3]))
    """

    bidirectional = False

    def __init__(
        self,
        channels: int,
        *,
        filters: int,
        depth: int,
        kernel_sizes: Sequence[int],
        block_kernel_size: int,
        stride: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stride, self.width = stride, filters
        self.scale_differences = MaskedBatchNorm(channels, affine=False)
        self.first = ParallelKernels(2 * channels, filters, kernel_sizes, stride)
        self.normalise = MaskedBatchNorm(filters)
        self.blocks = nn.ModuleList(ResidualBlock(filters, block_kernel_size, 2**block) for block in range(depth))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, values: Float[Tensor, "batch time channels"], mask: Bool[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch steps width"], Bool[Tensor, "batch steps"]]:
        """Return features and their mask, shapes (batch, ceil(time / stride), width) and (batch, steps)."""
        step_mask = mask_every(mask, self.stride)
        inputs = (values * mask[:, :, None]).transpose(1, 2)
        differences = self.scale_differences(functional.pad(inputs.diff(dim=2), (1, 0)), mask)
        features = functional.relu(self.normalise(self.first(torch.cat([inputs, differences], dim=1)), step_mask))
        for block in self.blocks:
            features = block(features, step_mask)
        return self.dropout(features.transpose(1, 2)), step_mask
