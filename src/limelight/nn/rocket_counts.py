"""The counts of rocket for a single series on a CPU: all dilations at once, in a few calls of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from limelight.nn.fixed_features import TAPS
from limelight.nn.value_grid import Singles

NEVER = -1e30
"""Added to the convolution outputs at steps that do not count, so that they are below every threshold."""
MOST_COUNTED = 255
"""Positions whose booleans are summed in bytes."""
FEWEST_COUNTED = 16
INPUTS_AT_ONCE = 1 << 18
"""Inputs of kernels copied at once, so that they stay in the cache, unless those of ``FEWEST_COUNTED`` positions are
more."""


class CountPlan:
    """Counts how often kernels that are evaluated at every step are above their thresholds.

    The thresholds of all kernels of a rank lie side by side, so that few comparisons with long rows are needed.

    Parameters
    ----------
    plan
        The dilations of a ``RocketEncoder``.
    kernels
        Number of kernels of each dilation.
    """

    def __init__(self, plan: Sequence[Any], kernels: int) -> None:
        self._kernels = kernels
        steps, counts, starts, reach = np.array([(one.step, one.thresholds, one.start, one.reach) for one in plan]).T
        self._rows = np.argsort(-counts, kind="stable")
        self._steps, self._reach = steps[self._rows], reach[self._rows]
        many = np.repeat(counts[self._rows], kernels)
        first = (starts[:, None] + np.arange(kernels) * counts[:, None])[self._rows].reshape(-1)
        kernels_of_rank = [int((many > rank).sum()) for rank in range(counts.max())]
        self._features = np.concatenate([first[:some] + rank for rank, some in enumerate(kernels_of_rank)])
        self._spans: list[tuple[slice, int]] = []  # features, and of how many first kernels
        begin = 0
        for columns, alike in groupby(kernels_of_rank):
            span = slice(begin, begin + columns * len(list(alike)))
            self._spans.append((span, columns))
            begin = span.stop

    def count(
        self, values: Float[Singles, "time channels"], weights: Singles, thresholds: Singles
    ) -> NDArray[np.int64]:
        """Count the positions of a series at which each kernel is above each of its thresholds.

        Parameters
        ----------
        values
            On a grid on which convolutions are exact, shape (time, channels).
        weights
            Of the kernels of each dilation per tap and channel, then two that are added to the outputs at steps that
            the kernel does not count, before and within its series; shape (dilations, kernels, 9 · channels + 2).
        thresholds
            Of the features, shape (width,).

        Returns
        -------
        numpy.ndarray
            Shape (width,).
        """
        time = len(values)
        own = weights[self._rows].swapaxes(1, 2)
        limits = [(span, thresholds[self._features[span]].reshape(-1, columns)) for span, columns in self._spans]
        at_once = min(max(INPUTS_AT_ONCE // own[..., 0].size, FEWEST_COUNTED), MOST_COUNTED, time)
        outputs = np.empty((at_once, len(own), self._kernels), dtype=np.float32)
        above = np.empty((at_once, len(thresholds)), dtype=bool)
        margin = TAPS // 2 * int(min(self._steps.max(), time))
        padded = np.pad(values, ((margin, margin), (0, 0)))
        sums = np.zeros(len(thresholds), dtype=np.int64)
        for start in range(0, time, at_once):
            some, own_above = outputs[: time - start], above[: time - start]
            places = np.arange(start, start + len(some))
            np.matmul(self._inputs(padded, places, time), own, out=some.swapaxes(0, 1))
            flat = some.reshape(len(some), -1)
            for span, each in limits:
                compared = own_above[:, span].reshape(len(some), *each.shape)
                np.greater(flat[:, None, : each.shape[1]], each, out=compared)
            sums += np.add.reduce(own_above.view(np.uint8), axis=0, dtype=np.uint8)
        counts = np.empty_like(sums)
        counts[self._features] = sums
        return counts

    def totals(self, time: int) -> Float[Singles, " rows"]:
        """Return for each dilation the number of counted positions of kernels over the whole of a series of some
        steps, and of those within it, as ``RocketEncoder.totals_of`` numbers them."""
        totals = np.full((len(self._reach), 2), time, dtype=np.float32)
        totals[self._rows, 1] -= 2 * self._reach_within(time)
        return totals.reshape(-1)

    def _reach_within(self, time: int) -> NDArray[np.int64]:
        """Return the steps at each end of a series at which kernels within it do not count: none if it is too short."""
        return np.where(time > 2 * self._reach, self._reach, 0)

    def _inputs(
        self, padded: Singles, places: NDArray[np.int64], time: int
    ) -> Float[Singles, "dilations positions inputs"]:
        """Return what each tap reads at some positions, and what is added where a kernel does not count."""
        taps = np.arange(TAPS) * np.minimum(self._steps, time)[:, None]
        first = (len(padded) - time) // 2 - taps[:, TAPS // 2]
        read = padded.take((places + first[:, None])[..., None] + taps[:, None], axis=0)
        inputs = np.zeros((*read.shape[:2], TAPS * read.shape[3] + 2), dtype=np.float32)
        inputs[..., :-2] = read.reshape(*read.shape[:2], -1)
        reach = self._reach_within(time)[:, None]
        inputs[..., -1][(places < reach) | (places >= time - reach)] = NEVER
        return inputs
