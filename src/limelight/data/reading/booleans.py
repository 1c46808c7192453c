"""Boolean columns: yes and no, true and false, or 1 and 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.columns import read_optional_words
from limelight.data.reading.sources import Source
from limelight.errors import DataError

BOOLEAN_WORDS = {"yes": "true", "true": "true", "1": "true", "no": "false", "false": "false", "0": "false"}


def read_booleans(source: Source, name: str) -> NDArray[np.bool_]:
    """Read a column of yes and no, true and false, or 1 and 0, shape (rows,); an empty cell is False.

    Raises
    ------
    DataError
        If a cell holds any other word.
    """
    words = read_optional_words(source, name, "mask")
    meanings = [BOOLEAN_WORDS.get(word.strip().lower()) for word in words.names.tolist()]
    unreadable = [code for code, meaning in enumerate(meanings) if meaning is None]
    if unreadable:
        row = int(np.flatnonzero(words.codes == unreadable[0])[0])
        raise DataError(
            f"expected yes or no, true or false, 1 or 0 in column {name!r}, got {words.at(row)!r} in "
            f"{source.location(row)}; correct it"
        )
    return np.array([*(meaning == "true" for meaning in meanings), False], dtype=bool)[words.codes]
