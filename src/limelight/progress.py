"""Progress bars of work that is usually short."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

SECONDS_WITHOUT_PROGRESS = 2.0


def late_bar(what: str, total: int, unit: str, progress: bool | None = None) -> tqdm[Any]:
    """Create a progress bar with the time left, which appears after two seconds and vanishes at the end.

    Parameters
    ----------
    what
        The work, such as ``"inspecting"``.
    total
        Number of units of work.
    unit
        The noun for a unit, with a leading space.
    progress
        Whether to show the bar; None shows it in a terminal.

    Returns
    -------
    tqdm
        On standard error; a context manager whose ``update`` takes the number of units done since the last call.

    Example
    -------
    >>> with late_bar("inspecting", 3, " series", progress=False) as bar:
    ...     bar.update(3)
    """
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    return tqdm(
        desc=what,
        total=total,
        unit=unit,
        unit_scale=True,
        delay=SECONDS_WITHOUT_PROGRESS,
        leave=False,
        disable=hidden,
        dynamic_ncols=True,
    )
