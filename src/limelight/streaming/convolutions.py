"""Strided convolutions over the end of a series that is still arriving."""

from __future__ import annotations

from typing import Any

import numpy as np

from limelight.nn.convolutional import StridedConvolution
from limelight.streaming.cells import doubles_of
from limelight.types import Doubles


class CellFeatures:
    """Computes the features of the last cells of ``conv_lstm``; a cell is final once no later step can change it.

    Parameters
    ----------
    module
        The convolutions.
    """

    def __init__(self, module: StridedConvolution) -> None:
        self.stride, self.kernel_size = module.stride, module.kernel_size
        self.before = (self.kernel_size - self.stride) // 2
        layers: list[Any] = [module.first, *module.rest]
        # (kernel · channels, filters)
        self.weights = [doubles_of(one.weight).transpose(2, 1, 0).reshape(-1, one.weight.shape[0]) for one in layers]
        self.biases = [doubles_of(one.bias) for one in layers]
        self.reach = [int(one.kernel_size[0]) // 2 for one in layers[1:]]

    def of_tail(self, inputs: Doubles, steps: int, committed: int) -> tuple[Doubles, int, Doubles]:
        """Return the features of the cells that are not committed yet.

        Parameters
        ----------
        inputs
            The kept inputs and the new one, the last inputs of the series, shape (kept + 1, channels).
        steps
            Number of steps of the series so far, including the new one.
        committed
            Number of cells that were final before.

        Returns
        -------
        tuple
            Features of the cells from ``committed`` to the last, shape (cells, filters); how many of them are final;
            and the inputs to keep.
        """
        cells = -(-steps // self.stride)
        features = self._features(inputs, steps, cells, committed)
        whole = max(0, (steps + self.before - self.kernel_size) // self.stride + 1)
        final = max(0, min(whole - sum(self.reach), cells) - committed)
        first = self._first_step(committed + final)
        return features, final, inputs[first - (steps - len(inputs)) :]

    def _first_cell(self, committed: int) -> int:
        """Return the first cell that matters for the features of cells from ``committed``."""
        return max(0, committed - sum(self.reach))

    def _first_step(self, committed: int) -> int:
        return max(0, self._first_cell(committed) * self.stride - self.before)

    def _features(self, inputs: Doubles, steps: int, cells: int, committed: int) -> Doubles:
        first = self._first_cell(committed)
        begin = first * self.stride - self.before
        end = (cells - 1) * self.stride - self.before + self.kernel_size
        kept = steps - len(inputs)  # the step number of the first kept input
        own = inputs[max(0, begin - kept) :]
        padded = np.pad(own, ((max(0, -begin), max(0, end - steps)), (0, 0)))
        windows = _windows(padded, self.kernel_size, self.stride, cells - first)
        features: Doubles = np.maximum(windows @ self.weights[0] + self.biases[0], 0)
        for weight, bias, reach in zip(self.weights[1:], self.biases[1:], self.reach, strict=True):
            padded = np.pad(features, ((reach, reach), (0, 0)))
            features = np.maximum(_windows(padded, 2 * reach + 1, 1, len(features)) @ weight + bias, 0)
        return features[committed - first :]


def _windows(values: Doubles, size: int, stride: int, count: int) -> Doubles:
    """Return windows of consecutive rows, flattened, shape (count, size · channels)."""
    places = stride * np.arange(count)[:, None] + np.arange(size)
    found: Doubles = values[places].reshape(count, -1)
    return found
