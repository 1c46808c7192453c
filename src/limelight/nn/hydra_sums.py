"""The sums of Hydra for a series on a CPU: all dilations at once, in a few calls of NumPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray

from limelight.nn.fixed_features import TAPS
from limelight.nn.value_grid import Singles

MOST_SUMMED = 255
"""Positions of which 32 bits hold the sum of outputs, and bytes the number of losses."""
FEWEST_SUMMED = 16
OUTPUTS_AT_ONCE = 1 << 19
"""Outputs computed at once, so that they stay in the cache, unless those of ``FEWEST_SUMMED`` positions are more."""


class HydraSums(NamedTuple):
    """Sums over the positions of a series, for values and then differences.

    Parameters
    ----------
    wins
        The sum of the outputs of each kernel where it wins, shape (kernels of a group, 2 · dilations, groups).
    losses
        The number of positions at which it loses, of the same shape.
    """

    wins: Int64[NDArray[np.int64], "kernels rows groups"]
    losses: Int64[NDArray[np.int64], "kernels rows groups"]


def unrolled_weights(
    kernels: NDArray[np.int8], reads: NDArray[np.bool_]
) -> Float[Singles, "kernels rows inputs groups"]:
    """Return the weight of each kernel for each tap and channel, by the place of the kernel in its group.

    Parameters
    ----------
    kernels
        The weights of the taps, shape (2, dilations, groups, kernels of a group, 9).
    reads
        Whether each group reads each channel, shape (2, dilations, groups, channels).

    Returns
    -------
    numpy.ndarray
        Shape (kernels of a group, 2 · dilations, 9 · channels, groups).
    """
    rows, groups, rivals = kernels.shape[0] * kernels.shape[1], *kernels.shape[2:4]
    by_rival = kernels.reshape(rows, groups, rivals, TAPS).transpose(2, 0, 3, 1).astype(np.float32)
    of_channels = reads.reshape(rows, groups, -1).transpose(0, 2, 1)
    unrolled = by_rival[:, :, :, None] * of_channels[:, None]
    return np.ascontiguousarray(unrolled).reshape(rivals, rows, -1, groups)


def sum_contests(
    values: Float[Singles, "time channels"], weights: Float[Singles, "kernels rows inputs groups"], steps: list[int]
) -> HydraSums:
    """Sum the outputs of winners, and count losses, at every step of a series and of its differences.

    If two outputs are equal, both kernels win or lose.

    Parameters
    ----------
    values
        Whole numbers of which every output is below 2^23, shape (time, channels).
    weights
        As returned by ``unrolled_weights``.
    steps
        The dilations.

    Returns
    -------
    HydraSums
        Whole numbers.
    """
    time, channels = values.shape
    rivals, rows, _, groups = weights.shape
    margin = TAPS // 2 * min(max(steps), time)
    padded = np.zeros((2, time + 2 * margin, channels), dtype=np.float32)
    padded[0, margin : margin + time] = values
    padded[1, margin : margin + time - 1] = np.diff(values, axis=0)
    lags = np.minimum(steps, time)[:, None] * np.arange(-(TAPS // 2), TAPS // 2 + 1) + margin
    taps = np.concatenate([lags, lags + padded.shape[1]])[:, None]
    padded = padded.reshape(-1, channels)
    at_once = min(max(OUTPUTS_AT_ONCE // (rivals * rows * groups), FEWEST_SUMMED), MOST_SUMMED, time)
    room = np.empty((rivals, at_once, rows, groups), dtype=np.float32)
    amounts = np.empty(room.shape, dtype=np.int32)
    wins, losses = np.zeros((2, rivals, rows, groups), dtype=np.int64)
    for start in range(0, time, at_once):
        outputs, won = room[:, : time - start], amounts[:, : time - start]
        places = np.arange(start, start + outputs.shape[1])[:, None]
        read = padded.take(taps + places, axis=0).reshape(rows, len(places), -1)
        np.matmul(read, weights, out=outputs.swapaxes(1, 2))
        top, low = np.maximum.reduce(outputs), np.minimum.reduce(outputs)
        if start + at_once >= time:  # there is one difference less
            top[-1, rows // 2 :], low[-1, rows // 2 :] = 0, -np.inf
        np.copyto(won, outputs == top)
        won *= top.astype(np.int32)
        wins += np.add.reduce(won, axis=1, dtype=np.int32)
        losses += np.add.reduce((outputs == low).view(np.uint8), axis=1, dtype=np.uint8)
    return HydraSums(wins, losses)
