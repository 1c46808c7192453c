"""Read headers of several rows, as spreadsheets with merged cells and pandas with levels of columns write them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from limelight.data.reading.missing import is_missing
from limelight.data.reading.names import LIKELY, is_named
from limelight.data.reading.number_formats import is_number

MOST_HEADER_ROWS = 3


def joined_names(rows: Sequence[Sequence[str]], width: int, typed: Collection[int]) -> list[str] | None:
    """Return the names of the columns of a header of several rows.

    Parameters
    ----------
    rows
        The cells of the rows, two or more, from the top.
    width
        The number of columns.
    typed
        The columns of numbers, dates or times.

    Returns
    -------
    list[str] | None
        The last row, if it names every column; else the words of all rows in each column, where a word above empty
        cells applies to these too. None if the rows are not a header: the first names all columns of the others, a word
        stands for a missing value or is a number, the last row is full below the name of a clock, as units are, or two
        names are the same.

    Example
    -------
    >>> joined_names([["run", "motor 1", "", "motor 2", ""], ["", "speed", "heat", "speed", "heat"]], 5, {1, 2, 3, 4})
    ['run', 'motor 1 speed', 'motor 1 heat', 'motor 2 speed', 'motor 2 heat']
    >>> joined_names([["", "", "acc", "acc"], ["", "", "x", "y"], ["id", "time", "", ""]], 4, {1, 2, 3})
    ['id', 'time', 'acc x', 'acc y']
    >>> joined_names([["id", "time", "x"], ["", "s", "bar"]], 3, {1, 2})
    """
    cells = [[cell.strip() for cell in (*row, *[""] * width)][:width] for row in rows]
    columns = [*zip(*cells, strict=True)]
    if not any(not column[0] and any(column) for column in columns):
        return None
    words = [word for column in columns for word in column if word]
    if any(is_number(word) or is_missing(word) for word in words):
        return None
    if any(len([word for word in columns[place] if word]) > 1 for place in range(width) if place not in typed):
        return None
    if all(cells[-1]) and len({*cells[-1]}) == width:
        above = [word for row in cells[:-1] for word in row]
        return None if any(is_named(word, "time") for word in above) else cells[-1]
    free = {
        place
        for place, word in enumerate(cells[-1])
        if place not in typed or any(is_named(word, one) for one in LIKELY)
    }
    filled = [_spread(row, cells[number + 1 :], free) for number, row in enumerate(cells[:-1])]
    names = [" ".join(word for word in column if word) for column in zip(*filled, cells[-1], strict=True)]
    return names if all(names) and len({*names}) == width else None


def _spread(row: list[str], below: Sequence[Sequence[str]], free: Collection[int]) -> list[str]:
    """Return a row with each word repeated in the empty cells after it that have a word below; as it is if it repeats.

    Columns of words, and those named as an id, a clock or a label, are ``free`` and keep their empty cells.
    """
    if any(word and word == after for word, after in pairwise(row)):
        return row
    spread, last = [], ""
    for place, word in enumerate(row):
        last = word or last
        spread.append(last if place not in free and any(one[place] for one in below) else word)
    return spread
