"""Choices and ranges that a parameter is searched in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One of several words or numbers."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``; ``log`` if factors matter rather than differences."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
