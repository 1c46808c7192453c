"""Choose among the rows of a table that are valid at different times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.clock import format_time
from limelight.data.reading.columns import Words
from limelight.data.reading.missing import is_missing
from limelight.data.reading.names import plain_name
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.times import read_clock
from limelight.errors import DataError, listing
from limelight.types import Rows

VALID_FROM = (
    "valid_from",
    "valid_since",
    "validfrom",
    "effective_from",
    "gueltig_ab",
    "gultig_ab",
    "gueltig_von",
    "gultig_von",
    "valido_desde",
    "valide_des",
)
VALID_UNTIL = (
    "valid_to",
    "valid_until",
    "valid_till",
    "validto",
    "effective_to",
    "effective_until",
    "gueltig_bis",
    "gultig_bis",
    "valido_hasta",
    "valide_jusqu_a",
)
FROM = (*VALID_FROM, "from", "since", "start", "start_date", "date_from", "begin", "installed", "ab", "von", "beginn")
UNTIL = (*VALID_UNTIL, "to", "until", "till", "end", "end_date", "date_to", "stop", "removed", "bis", "ende")


@dataclass(frozen=True)
class Validity:
    """The columns between whose times a row is valid: at or after the first, before the second; one may be None."""

    start: str | None
    stop: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that there are."""
        return tuple(name for name in (self.start, self.stop) if name is not None)

    def rows(
        self,
        source: Source,
        keys: Words,
        places: Rows,
        ids: NDArray[np.str_],
        starts: NDArray[Any] | None,
        notes: list[str],
    ) -> Rows:
        """Find the row that is valid at the start of each series.

        Parameters
        ----------
        source, keys
            The table, and the key of each of its rows.
        places
            The position in ``keys.names`` of the key of each series, -1 if there is none, shape (n,).
        ids, starts
            The ids of the series, and the times at which they begin, shape (n,) each; ``starts`` is None without a
            clock.
        notes
            Notes are appended.

        Returns
        -------
        NDArray[np.int64]
            The row of each series, -1 if none is valid, shape (n,).

        Raises
        ------
        DataError
            If there is no clock or one of another kind, or two rows are valid for a series.
        """
        if starts is None:
            raise DataError(
                f"expected times in the series, since the rows of {source.name} are valid for some time only "
                f"({listing(self.columns)}), got none; add the times, or leave one row for each of "
                f"{listing(keys.names.tolist(), 3)}"
            )
        begin, end = self._bounds(source, keys, starts)
        rows_of_key: dict[int, list[int]] = {}
        for row, code in enumerate(keys.codes.tolist()):
            rows_of_key.setdefault(code, []).append(row)
        chosen = np.full(len(places), -1, dtype=np.int64)
        for series, (place, time) in enumerate(zip(places.tolist(), starts, strict=True)):
            valid = [row for row in rows_of_key.get(place, ()) if place >= 0 and begin[row] <= time < end[row]]
            if len(valid) > 1:
                key, one = str(keys.names[place]), str(ids[series])
                raise DataError(
                    f"expected one row of {source.name} for {key!r} at a time, got two that are valid at "
                    f"{format_time(time)}, the start of series {one!r}: {source.location(valid[0])} and "
                    f"{source.location(valid[1])}; correct {listing(self.columns)}"
                )
            chosen[series] = valid[0] if valid else -1
        notes.append(f"took the metadata that are valid at the start of each series, by {listing(self.columns)}")
        gaps = ids[(chosen < 0) & (places >= 0)].tolist()
        if gaps:
            notes.append(f"no metadata are valid at the start of {len(gaps)} series: {listing(gaps)}")
        return chosen

    def _bounds(self, source: Source, keys: Words, starts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Read the times between which each row is valid, which with one column end or begin at the next row."""
        dated = starts.dtype.kind == "M"
        lowest, highest = _extremes(dated)
        begin = _times(source, self.start, dated, lowest) if self.start else None
        end = _times(source, self.stop, dated, highest) if self.stop else None
        if begin is not None and end is not None:
            return begin, end
        known: Any = begin if begin is not None else end
        begin, end = np.full(source.rows, lowest), np.full(source.rows, highest)
        order = np.lexsort((known, keys.codes))
        same = keys.codes[order][1:] == keys.codes[order][:-1]
        if self.start:
            end[order[:-1][same]] = known[order[1:][same]]
            return known, end
        begin[order[1:][same]] = known[order[:-1][same]]
        return begin, known


def find_validity(source: Source, *, repeated: bool) -> Validity | None:
    """Find the columns that state from when until when the rows of a table are valid.

    Parameters
    ----------
    source
        The table.
    repeated
        Whether several rows have the same key; then names such as "from" and "to" are accepted too.

    Returns
    -------
    Validity or None
        None if there are no such columns.

    Example
    -------
    >>> table = pa.table({"machine": ["a"], "valid_from": ["2024-01-01"], "power": [5]})
    >>> find_validity(Source(table, "the metadata table"), repeated=False)
    Validity(start='valid_from', stop=None)
    """
    start = _named(source, FROM if repeated else VALID_FROM)
    stop = _named(source, UNTIL if repeated else VALID_UNTIL)
    return Validity(start, stop) if start or stop else None


def _named(source: Source, names: tuple[str, ...]) -> str | None:
    plain = {plain_name(name): name for name in reversed(source.columns)}
    return next((plain[name] for name in names if name in plain), None)


def _extremes(dated: bool) -> tuple[Any, Any]:
    if not dated:
        return -np.inf, np.inf
    limits = np.iinfo(np.int64)
    return np.datetime64(limits.min + 1, "ns"), np.datetime64(limits.max, "ns")


def _times(source: Source, name: str, dated: bool, default: Any) -> NDArray[Any]:
    """Read a column of times in which cells may be empty, which stand for the default."""
    column = source.column(name, "metadata")
    empty = np.asarray(pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False))
    if is_text(column.type):
        empty |= np.array([cell is not None and is_missing(cell) for cell in column.to_pylist()], dtype=bool)
    times = np.full(source.rows, default)
    if empty.all():
        return times
    first = column[int(np.argmin(empty))]
    filled = pc.if_else(pa.array(empty), first, column)
    place = source.table.column_names.index(name)
    clock = read_clock(replace(source, table=source.table.set_column(place, name, filled)), name)
    if (clock.times.dtype.kind == "M") != dated:
        expected = "dates" if dated else "numbers"
        raise DataError(
            f"expected {expected} in column {name!r} of {source.name}, as in the clock of the series, got "
            f"{clock.kind}; write both in the same form"
        )
    times[~empty] = clock.times[~empty]
    return times
