"""Choose the offsets of the channels of a long table from samples of its rows, before the values are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from limelight.data.precision import PIECE, PIECES, choose_offset, unresolved, unresolved_note
from limelight.data.reading.columns import read_numbers
from limelight.data.reading.roles import Roles
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source
from limelight.errors import DataError
from limelight.types import Doubles

MOST_CHUNKS = 64
"""Chunks of a table that are sampled."""


def choose_table_offsets(sheets: Sheets, roles: Roles, *, stream: bool = False) -> tuple[Doubles, list[str]]:
    """Choose what to subtract from each channel of a long table.

    Parameters
    ----------
    sheets, roles
        The table and the roles of its columns.
    stream
        Whether the table is streamed; then only its first chunk is sampled.

    Returns
    -------
    tuple[Doubles, list[str]]
        The offset of each channel, shape (channels,), see ``choose_offset``; and a note if steps are lost even so.

    Example
    -------
    >>> import pyarrow as pa
    >>> from limelight.data.reading.roles import find_roles
    >>> from limelight.data.reading.sheets import open_sheets
    >>> sheets = open_sheets(pa.table({"series_id": ["a", "a"], "x": [1e9 + 0.1, 1e9 + 0.3]}))
    >>> found = find_roles(sheets, id="series_id", time="time", label="label", channels=None, labels=None)
    >>> choose_table_offsets(*found)
    (array([1.e+09]), [])
    """
    samples: dict[str, list[Doubles]] = {name: [] for name in roles.channels}
    for piece in _pieces(sheets, roles, stream):
        for name, found in samples.items():
            try:
                found.append(read_numbers(piece, name, keep_missing=True, series_at=str))
            except DataError:  # a cell that cannot be read is reported when all values are
                continue
    columns = {name: np.concatenate(found) if found else np.zeros(0) for name, found in samples.items()}
    offsets = {name: choose_offset(column) for name, column in columns.items()}
    lost = [name for name, column in columns.items() if unresolved(column, offsets[name])]
    return np.array([*offsets.values()]), [unresolved_note(lost)] if lost else []


def _pieces(sheets: Sheets, roles: Roles, stream: bool) -> Iterator[Source]:
    """Yield short pieces of the table, evenly spread over its chunks."""
    chunks = sheets.chunks(roles.text_columns, (*roles.text_columns, *roles.channels), stream=stream)
    pieces = PIECES if stream else max(1, PIECES // max(1, len(sheets.sources)))
    for number, chunk in enumerate(chunks):
        if number >= (1 if stream else MOST_CHUNKS):
            return
        if chunk.rows <= pieces * PIECE:
            yield chunk
            continue
        for start in np.linspace(0, chunk.rows - PIECE, pieces).astype(np.int64).tolist():
            yield chunk.slice(start, PIECE)
