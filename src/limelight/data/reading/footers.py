"""Find rows below a table that hold no data: sums and means of its columns, and words such as "end of measurement"."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from limelight.data.reading.missing import is_missing
from limelight.data.reading.names import plain_name
from limelight.data.reading.number_formats import is_number

MOST_FOOTERS = 12
SUMMARIES = frozenset(
    (
        *("total", "totals", "grand_total", "subtotal", "sum", "mean", "average", "avg", "median", "count"),
        *("min", "max", "minimum", "maximum", "std", "std_dev", "stdev", "sd", "standard_deviation", "variance", "rms"),
        *("summe", "gesamt", "gesamtsumme", "mittelwert", "mittel", "durchschnitt", "standardabweichung", "anzahl"),
        *("mw", "stabw", "varianz", "somme", "moyenne", "mediane", "ecart_type", "nombre"),
        *("suma", "media", "promedio", "mediana", "desviacion_estandar"),
    )
)
"""First words of rows that summarise a table, as ``plain_name`` writes them."""


def count_footers(records: Sequence[Sequence[str]], width: int, typed: Collection[int]) -> int:
    """Count the last records of a table that hold no data.

    Parameters
    ----------
    records
        The cells of the last records of a table, in order; the first is taken as data.
    width
        The number of columns.
    typed
        The columns of numbers, dates or times.

    Returns
    -------
    int
        At most 12. A record holds no data if its only cell is a word in a column of numbers or dates, or a word in a
        line without cells for all columns, or if its first cell names a sum, a mean or the like, no other record begins
        with it, and its other cells are in columns of numbers or dates: a mean has no label.

    Example
    -------
    >>> count_footers([["0", "1.5"], ["1", "2.5"], ["Mean", "2.0"]], 2, {0, 1})
    1
    >>> count_footers([["a", "0", "1.5"], ["a", "1", "2.5"], ["End of file"]], 3, {1, 2})
    1
    >>> count_footers([["run 11", "0", "1.5"], ["run 12", "0", "1.5"], ["run 1"]], 3, {1, 2})
    0
    """
    count = 0
    for place in range(len(records) - 1, 0, -1):
        if count == MOST_FOOTERS or not _is_footer(records[place], records[:place], width, typed):
            break
        count += 1
    return count


def _is_footer(cells: Sequence[str], above: Sequence[Sequence[str]], width: int, typed: Collection[int]) -> bool:
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    if width < 2 or not filled or len(cells) > width:
        return False
    place, word = filled[0], cells[filled[0]].strip()
    typed_alone = all(other in typed for other in filled[1:])
    if is_missing(word) or is_number(word) or not any(letter.isalpha() for letter in word):
        return False
    if plain_name(word.rstrip(":")) in SUMMARIES:
        return typed_alone and not any(place < len(row) and row[place].strip() == word for row in above)
    if len(filled) > 1:
        return False
    last = above[-1][place].strip() if place < len(above[-1]) else ""
    return place in typed or (len(cells) < width and place == 0 and not last.startswith(word))
