"""Truths: columns that say yes or no in any of the usual ways."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.columns import read_some_words
from limelight.data.reading.sources import Source
from limelight.errors import DataError

TRUTHS = {"yes": "true", "true": "true", "1": "true", "no": "false", "false": "false", "0": "false"}


def read_truths(source: Source, name: str) -> NDArray[np.bool_]:
    """Read a column of yes and no, true and false, or 1 and 0, shape (rows,); an empty cell is a no.

    Raises
    ------
    DataError
        If a cell says something else.
    """
    words = read_some_words(source, name, "mask")
    said = [TRUTHS.get(word.strip().lower()) for word in words.names.tolist()]
    strange = [place for place, one in enumerate(said) if one is None]
    if strange:
        row = int(np.flatnonzero(words.codes == strange[0])[0])
        raise DataError(
            f"expected yes or no, true or false, 1 or 0 in column {name!r}, got {words.at(row)!r} in "
            f"{source.place(row)}; correct it"
        )
    return np.array([*(one == "true" for one in said), False], dtype=bool)[words.codes]
