"""Join arrays of a file that each hold one or more channels of the same series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.errors import DataError, listing, shown

AXES = {"x", "y", "z"}
"""Names of arrays that are channels if all three are there, although ``x`` and ``y`` alone are series and labels."""


class JoinedChannels(NamedTuple):
    """The channels of one series, and the arrays that hold them.

    Parameters
    ----------
    values
        Shape (time, channels).
    names
        The name of each channel.
    keys
        The names of the arrays that hold them.
    """

    values: NDArray[Any]
    names: list[str]
    keys: list[str]

    @property
    def note(self) -> str:
        """A note on the arrays that were taken as channels."""
        if len(self.keys) == 1:
            return f"took the array {self.keys[0]!r} as the channel of one series"
        return f"took the arrays {listing(self.keys, 12)} as the channels of one series"


def are_axes(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether arrays ``x``, ``y`` and ``z`` of numbers have one length, as the axes of a sensor have.

    Example
    -------
    >>> are_axes({name: np.zeros((1, 9)) for name in "xyz"}), are_axes({name: np.zeros((1, 9)) for name in "xy"})
    (True, False)
    """
    axes = [array for key, array in arrays.items() if key.strip().lower() in AXES]
    return len(axes) == len(AXES) and len({array.size for array in axes}) == 1 and all(map(_is_vector, axes))


def join_channels(arrays: Mapping[str, NDArray[Any]], name: str) -> JoinedChannels | None:
    """Join arrays of one length as the channels of one series.

    Parameters
    ----------
    arrays
        Arrays by name; those of words, of one number or of more than two dimensions are not channels, nor are matrices
        with another number of rows.
    name
        The name of the file in messages.

    Returns
    -------
    JoinedChannels | None
        A vector is one channel, named as the array; a matrix (time, channels) several, ``acc_0``, ``acc_1`` and so on.
        None if no array holds a number for each step, or a single matrix does.

    Raises
    ------
    DataError
        If two vectors have different lengths.

    Example
    -------
    >>> found = join_channels({"ax": np.arange(3.0)[None], "ay": np.ones(3), "rate": np.array([[50]])}, "'a.mat'")
    >>> found.names, found.values.tolist()
    (['ax', 'ay'], [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    """
    vectors = {key: array.reshape(-1, 1) for key, array in arrays.items() if _is_vector(array)}
    matrices = {
        key: array
        for key, array in arrays.items()
        if array.dtype.kind in "fiub" and array.ndim == 2 and key not in vectors
    }
    columns = vectors | {key: array for key, array in matrices.items() if min(array.shape) > 1}
    if not vectors and len(columns) < 2:
        return None
    (first, values), *_ = columns.items()
    for key, array in vectors.items():
        if len(array) != len(values):
            raise DataError(
                f"expected arrays of one length in {name}, one for each channel, got {len(values)} values in "
                f"{shown(first)} and {len(array)} in {shown(key)}; bring them to the same times, or save only those of "
                "one rate"
            )
    kept = {key: array for key, array in columns.items() if len(array) == len(values)}
    names = [
        key if array.shape[1] == 1 else f"{key}_{column}"
        for key, array in kept.items()
        for column in range(array.shape[1])
    ]
    return JoinedChannels(np.concatenate([*kept.values()], axis=1), names, [*kept])


def _is_vector(array: NDArray[Any]) -> bool:
    is_flat = array.ndim == 1 or (array.ndim == 2 and 1 in array.shape)
    return array.dtype.kind in "fiub" and is_flat and array.size > 1
