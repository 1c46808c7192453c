"""Plain-text tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], omitted: int = 0) -> list[str]:
    """Align cells in columns: the first column to the left, the others to the right.

    Parameters
    ----------
    rows
        The cells of each row; all rows have the same number of cells.
    omitted
        Number of rows that are not shown; if above 0, a last line states it.

    Returns
    -------
    list[str]
        Lines without line breaks.

    Example
    -------
    >>> aligned([["class", "n"], ["ok", "12"]], omitted=3)
    ['class   n', 'ok     12', 'and 3 more']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines + ([f"and {omitted} more"] if omitted > 0 else [])
