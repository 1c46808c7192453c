"""Type aliases for the arrays and callables in signatures throughout the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""Row indices of series in a panel, shape (any,)."""
Integers = NDArray[np.int64]
"""Integers: counts, indices, lengths."""
Codes = NDArray[np.int64]
"""Class indices from 0, shape (n,), or 0 and 1 per label if multi-label, shape (n, labels); ``UNKNOWN`` is -1."""
Flags = NDArray[np.bool_]
"""Yes or no for each row."""
Floats = NDArray[np.floating[Any]]
"""Floating-point numbers of any precision."""
Doubles = NDArray[np.float64]
"""Floating-point numbers in double precision."""
Probabilities = NDArray[np.float64]
"""In [0, 1], shape (n, classes) or (n, labels)."""
LogLine = Callable[[str], None]
"""A function that receives one line of progress, without a line break."""
FieldKind = Literal["category", "number", "boolean", "date", "text", "ignore"]
"""What a metadata field is read as."""
