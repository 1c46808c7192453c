"""Read a column of metadata as it is: numbers, dates, booleans or text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from limelight.data.reading.csv_files import NULL_WORDS
from limelight.data.reading.sources import Source, is_text


def plain_column(source: Source, name: str) -> pa.Array:
    """Return a column of metadata; text of a CSV file becomes numbers if every cell is one, empty cells become null."""
    column = source.column(name, "metadata")
    if not is_text(column.type):
        return column
    if source.csv is None:
        return column.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(column)
    empty = pc.is_in(trimmed, value_set=pa.array(NULL_WORDS, trimmed.type))
    words = pc.if_else(empty, pa.scalar(None, trimmed.type), trimmed)
    for number_type in (pa.int64(), pa.float64()):
        try:
            return words.cast(number_type)
        except pa.ArrowInvalid:
            continue
    return words.cast(pa.string())
