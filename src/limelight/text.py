"""Plain-text tables for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], omitted: int = 0, *, left: Collection[int] = (0,)) -> list[str]:
    """Align cells in columns: by default the first column to the left, the others to the right.

    Parameters
    ----------
    rows
        The cells of each row; all rows have the same number of cells.
    omitted
        Number of rows that are not shown; if above 0, a last line states it.
    left
        The columns to align to the left, counted from 0.

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
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines + ([f"and {omitted} more"] if omitted > 0 else [])
