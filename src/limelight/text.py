"""Tables of plain text for people."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], left_out: int = 0) -> list[str]:
    """Lay cells out in columns: the first to the left, the others to the right.

    Parameters
    ----------
    rows
        As many cells in each.
    left_out
        How many rows were left out, said in a last line if there are any.

    Returns
    -------
    list[str]
        Lines without line ends.

    Example
    -------
    >>> aligned([["class", "n"], ["ok", "12"]], left_out=3)
    ['class   n', 'ok     12', 'and 3 more']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines + ([f"and {left_out} more"] if left_out > 0 else [])
