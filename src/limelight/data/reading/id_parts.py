"""Ids in several columns, such as a subject and a trial."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from limelight.data.reading.columns import read_optional_words
from limelight.data.reading.guesses import RowBlocks, candidates_in
from limelight.data.reading.sources import Source

MOST_PARTS, MOST_CANDIDATES = 3, 6
JOINED = "joined id"


def find_id_parts(sample: Source, names: Sequence[str], clock: str | None) -> tuple[str, ...] | None:
    """Find columns that together tell the series of a long table apart.

    Parameters
    ----------
    sample
        The first rows of the table.
    names
        The columns to consider: words and whole numbers.
    clock
        The clock, or None.

    Returns
    -------
    tuple[str, ...] or None
        The fewest columns whose joined values fill a block of rows each, within which the times rise; None if there
        are none among two or three columns.

    Example
    -------
    >>> table = pa.table({"subject": [*"aaaabbbb"], "trial": [1, 1, 2, 2] * 2, "time": [0, 1] * 4})
    >>> find_id_parts(Source(table, "the series table"), ["subject", "trial"], "time")
    ('subject', 'trial')
    """
    words = {name: read_optional_words(sample, name, "id") for name in names}
    repeated = [name for name, one in words.items() if 1 < len(one.names) <= sample.rows / 2 and one.codes.min() >= 0]
    for count in range(2, MOST_PARTS + 1):
        for parts in combinations(repeated[:MOST_CANDIDATES], count):
            columns = [pa.array(words[name].decode().tolist(), pa.large_string()) for name in parts]
            joined = pc.binary_join_element_wise(*columns, pa.scalar("\n", pa.large_string()))
            source = Source(pa.table({JOINED: joined, **({clock: sample.table[clock]} if clock else {})}), sample.name)
            if _tells_series_apart(source, clock, more_than=max(len(words[name].names) for name in parts)):
                return parts
    return None


def _tells_series_apart(source: Source, clock: str | None, *, more_than: int) -> bool:
    blocks = RowBlocks()
    blocks.add(source, JOINED)
    if not blocks.single or len(blocks.words.codes) <= more_than:
        return False
    return clock is None or all(one.numbers.rises for one in candidates_in(source, JOINED, [clock]).values())
