"""Aliases for the arrays and callables that signatures name throughout the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""Row numbers of series in a panel, shape (any,)."""
Integers = NDArray[np.int64]
"""Whole numbers: counts, places, lengths."""
Codes = NDArray[np.int64]
"""Labels as numbers from 0, ``UNKNOWN`` where not known; shape (n,), or (n, labels) with 0 and 1 for multi-label."""
Floats = NDArray[np.floating[Any]]
"""Floating-point numbers of any precision."""
Doubles = NDArray[np.float64]
"""Floating-point numbers in double precision."""
Probabilities = NDArray[np.float64]
"""In [0, 1], shape (n, classes) or (n, labels)."""
LogLine = Callable[[str], None]
"""Receives one line of progress, without a line break."""
