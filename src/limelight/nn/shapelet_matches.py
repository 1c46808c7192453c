"""How closely shapelets match the stretches of a series on a CPU: all distances at once, in a few calls of NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from limelight.nn.value_grid import Singles

FLAT_SPREAD = 1e-3
"""Stretches of a smaller standard deviation count as flat: they are not scaled up to that of a shapelet."""
TOGETHER = 8
"""Shapelets of a group, which read the same channels; the first half of them compares shapes, the others levels too."""
SHAPES = TOGETHER // 2
MATCHES_AT_ONCE = 1 << 19
"""Pairs of a shapelet and a stretch that are compared at once, so that they stay in the cache."""


class ShapeletMatches:
    """The shapelets of a block in the order in which they are compared: first all that compare shapes.

    Parameters
    ----------
    patterns
        The shapelets in whole numbers, shape (dilations, groups, 8, steps).
    units, levels
        What a whole number means, and the mean, shape (dilations, groups, 8).
    reads
        Whether each group reads each channel, shape (dilations, groups, channels).
    dilations
        Distances between the steps of a shapelet.
    """

    def __init__(
        self,
        patterns: NDArray[np.int16],
        units: Singles,
        levels: Singles,
        reads: NDArray[np.bool_],
        dilations: Sequence[int],
    ) -> None:
        self.steps = patterns.shape[-1]
        taps = np.arange(self.steps) * np.array(dilations)[:, None]
        self.reach = taps[:, -1]
        self._taps, self._reads = taps[:, None], reads
        whole = patterns.astype(np.float32)
        by_half = whole.reshape(*patterns.shape[:2], 2, SHAPES, self.steps)
        if reads.shape[-1] == 1:  # all groups read the same stretches
            self._patterns = by_half.transpose(0, 4, 2, 1, 3).reshape(len(taps), self.steps, -1)
        else:
            self._patterns = whole.swapaxes(2, 3)
        self._units, self._levels = (one[..., SHAPES:].reshape(len(taps), -1) for one in (units, levels))
        self._per_step = self._units / np.float32(self.steps)
        squares = np.einsum("dgks,dgks->dgk", whole, whole).astype(np.float64)
        shapes, others = (squares[..., half].reshape(len(taps), -1) for half in (slice(SHAPES), slice(SHAPES, None)))
        norms = np.sqrt(shapes * self.steps).astype(np.float32)
        self._norms = np.where(norms > 0, norms, np.float32(np.inf))
        mean_squares = (others / self.steps).astype(np.float32)
        self._own = np.square(self._levels) + np.square(self._units) * mean_squares

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of the closeness at a position: (dilations, 2, shapelets of all groups that compare alike)."""
        return len(self._units), 2, self._units.shape[1]

    def at(
        self, values: Float[Singles, "time channels"], places: NDArray[np.int64]
    ) -> Float[Singles, "positions dilations halves shapelets"]:
        """Return how closely each shapelet matches the stretches from some steps on; larger if the match is better.

        Parameters
        ----------
        values
            On a grid on which products are exact, shape (time, channels); the last value continues the series.
        places
            The first step of the stretches of each dilation, shape (dilations or 1, positions).
        """
        read = values.take(np.minimum(places[..., None] + self._taps, len(values) - 1), axis=0)
        stretches = self._stretches_of_groups(read)
        numbers = stretches.astype(np.float64)
        mean, spread, square = (self._of_each_shapelet(one) for one in self._moments(numbers))
        outputs = self._products(stretches)
        outputs[:, :, 0] /= spread
        levels = outputs[:, :, 1]
        levels *= self._per_step
        levels += mean * self._levels
        levels -= square / 2
        return outputs

    def _stretches_of_groups(self, read: Singles) -> Float[Singles, "dilations groups positions steps"]:
        """Sum the channels that each group reads, of shape (dilations, positions, steps, channels)."""
        if read.shape[3] == 1:
            return read[None, ..., 0].swapaxes(0, 1)
        by_channel = read.reshape(len(read), -1, read.shape[3]).swapaxes(1, 2)
        sums = self._reads.astype(np.float32) @ by_channel
        return sums.reshape(*sums.shape[:2], *read.shape[1:3])

    def _moments(self, numbers: NDArray[np.float64]) -> tuple[Singles, Singles, Singles]:
        """Return mean, standard deviation and mean square of stretches; sums of numbers on a grid are exact."""
        total, squares = numbers.sum(axis=-1), np.einsum("dgns,dgns->dgn", numbers, numbers)
        variance = (self.steps * squares - total * total) / self.steps**2
        spread = np.sqrt(np.maximum(variance, FLAT_SPREAD**2)).astype(np.float32)
        return (total / self.steps).astype(np.float32), spread, (squares / self.steps).astype(np.float32)

    def _of_each_shapelet(self, of_groups: Singles) -> Float[Singles, "positions dilations shapelets"]:
        by_position = of_groups.transpose(2, 0, 1)
        return by_position if by_position.shape[2] == 1 else np.repeat(by_position, SHAPES, axis=2)

    def _products(self, stretches: Singles) -> Singles:
        dilations, _, positions, _ = stretches.shape
        outputs = np.empty((positions, *self.shape), dtype=np.float32)
        if self._patterns.ndim == 3:
            by_dilation = outputs.reshape(positions, dilations, -1).swapaxes(0, 1)
            np.matmul(stretches[:, 0], self._patterns, out=by_dilation)
        else:
            products = (stretches @ self._patterns).reshape(*stretches.shape[:3], 2, SHAPES)
            outputs.reshape(positions, dilations, 2, -1, SHAPES)[:] = products.transpose(2, 0, 3, 1, 4)
        return outputs

    def of_series(
        self, values: Float[Singles, "time channels"]
    ) -> Iterator[Float[Singles, "positions dilations halves shapelets"]]:
        """Yield how closely each shapelet matches a series, some positions at a time; -inf beyond the last one.

        A series shorter than a shapelet has one stretch, which its last value continues.

        Parameters
        ----------
        values
            As for ``at``.
        """
        last = np.maximum(len(values) - 1 - self.reach, 0)
        at_once = max(1, MATCHES_AT_ONCE // int(np.prod(self.shape)))
        for start in range(0, int(last.max()) + 1, at_once):
            places = np.arange(start, min(start + at_once, int(last.max()) + 1))
            closeness = self.at(values, places[None])
            for number, own in enumerate(last.tolist()):
                closeness[max(own + 1 - start, 0) :, number] = -np.inf
            yield closeness

    def distances(self, best: Float[Singles, "dilations halves shapelets"]) -> Float[Singles, " width"]:
        """Return the root mean square differences for the best closeness, in the order of the features."""
        squares = np.empty_like(best)
        squares[:, 0] = 2 - 2 * best[:, 0] / self._norms
        squares[:, 1] = self._own - 2 * best[:, 1]
        by_group = squares.reshape(len(best), 2, -1, SHAPES).swapaxes(1, 2)
        return np.sqrt(np.maximum(by_group, 0), dtype=np.float64).astype(np.float32).reshape(-1)
