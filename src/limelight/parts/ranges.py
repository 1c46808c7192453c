"""Search ranges of parameters: a choice of values, or a range of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """A choice among several values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``; ``log`` for a search on a logarithmic scale."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
