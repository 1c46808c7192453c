"""Batching: pad series of a Panel to a Batch of tensors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.model.padding import padded_arrays, padded_places
from limelight.model.targets import Targets
from limelight.model.vocabulary import EncodedMetadata, Vocabulary
from limelight.nn.batch import Batch
from limelight.nn.context import ContextShape


def make_batch(
    panel: Panel,
    rows: NDArray[np.int64],
    targets: Targets | None = None,
    *,
    elapsed: bool = False,
    missing: bool = False,
    metadata: EncodedMetadata | None = None,
    offset: NDArray[np.float64] | None = None,
) -> Batch:
    """Pad the selected series to the same length.

    Parameters
    ----------
    panel
        The series.
    rows
        Row numbers of the selected series, shape (batch,).
    targets
        The true codes of the panel, or None.
    elapsed
        Whether the batch includes the time between steps.
    missing
        Whether missing values (NaN) are allowed.
    metadata
        The encoded metadata of all series of the panel, or None.
    offset
        The offset that the network was fitted with: values in the batch are relative to it, shape (channels,). None is
        that of the panel.

    Returns
    -------
    Batch
        Values of shape (batch, longest of these series, channels).

    Raises
    ------
    DataError
        If a value is infinite, or missing although ``missing`` is False (the message names series, step and channel);
        or if ``elapsed`` is True and the series have no clock, or a time is missing.

    Example
    -------
    >>> panel = Panel.from_series([[1.0, 2.0], [3.0]])
    >>> make_batch(panel, np.array([0, 1])).values[:, :, 0].tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    padded = padded_places(panel, rows)
    arrays = padded_arrays(panel, rows, padded, elapsed=elapsed, missing=missing, metadata=metadata, offset=offset)
    codes = None if targets is None else torch.from_numpy(targets.at(rows, padded.places, padded.mask))
    return Batch(**{name: torch.from_numpy(array) for name, array in arrays.items()}, targets=codes)


def shape_of(vocabulary: Vocabulary | None) -> ContextShape:
    """Return the sizes of the metadata and side signals of a vocabulary; all zero for None."""
    return ContextShape() if vocabulary is None else ContextShape(**vocabulary.sizes())
