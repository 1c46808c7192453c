"""Messages from lines: JSON objects, or CSV with a header."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from limelight.data.reading.booleans import BOOLEAN_WORDS
from limelight.data.reading.missing import EMPTY_WORDS
from limelight.errors import DataError
from limelight.model.predictor import Predictor
from limelight.streaming.messages import StreamSettings

STREAM_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class StreamCells:
    """How the cells of CSV are read.

    Parameters
    ----------
    numbers, booleans
        Columns of numbers and of yes and no; all others hold text.
    decimal
        The decimal sign; None is a point, or a comma if the separator is another.
    """

    numbers: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    decimal: str | None = None

    def read(self, name: str, cell: str, separator: str) -> Any:
        """Return the content of a cell: a number, None if it is missing, or text.

        Example
        -------
        >>> StreamCells(frozenset({"x"})).read("x", "1,5", ";"), StreamCells().read("x", "7", ";")
        (1.5, '7')
        """
        text = cell.strip()
        if text.lower() in EMPTY_WORDS:
            return None
        if name in self.booleans:
            return BOOLEAN_WORDS.get(text.lower(), text)
        if name not in self.numbers:
            return text
        has_comma = (self.decimal or ("." if separator == "," else ",")) == ","
        try:
            return float(text.replace(",", ".") if has_comma and "." not in text else text)
        except ValueError:
            return text


def stream_cells(model: Predictor, settings: StreamSettings, reading: Mapping[str, Any]) -> StreamCells:
    """Return how the cells of CSV are read for a model: as in training."""
    fields = () if model.vocabulary is None else model.vocabulary.fields
    numbers = {*model.channels, "time", settings.time_column, *(one.name for one in fields if one.kind == "number")}
    booleans = frozenset(one.name for one in fields if one.kind == "boolean")
    return StreamCells(frozenset(numbers), booleans, (reading.get("csv") or {}).get("decimal"))


def read_messages(lines: Iterable[str], cells: StreamCells) -> Iterator[tuple[int, Any]]:
    """Read messages from lines: JSON objects, or CSV with a header, whichever the first line is.

    Parameters
    ----------
    lines
        With or without line breaks.
    cells
        How the cells of CSV are read.

    Returns
    -------
    Iterator[tuple[int, Any]]
        The number of each line, from 1, with its message, or with the DataError that it cannot be read with.

    Example
    -------
    >>> list(read_messages(["pump;x", "7;1,5", ""], StreamCells(frozenset({"x"}))))
    [(2, {'pump': '7', 'x': 1.5})]
    """
    header: list[str] | None = None
    separator = ","
    for number, line in enumerate(lines, 1):
        text = line.strip("\r\n")
        if not text.strip():
            continue
        if header is None and not text.lstrip().startswith("{"):
            separator = max(STREAM_SEPARATORS, key=text.count)
            header = [name.strip() for name in next(csv.reader([text], delimiter=separator))]
            continue
        header = header or []
        yield number, _row(text, header, separator, cells) if header else _parsed(text)


def _row(text: str, header: list[str], separator: str, cells: StreamCells) -> Any:
    row = next(csv.reader([text], delimiter=separator), [])
    if len(row) != len(header):
        return DataError(f"expected {len(header)} cells as in the header, got {len(row)}")
    return {name: cells.read(name, cell, separator) for name, cell in zip(header, row, strict=True)}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return DataError(f"expected a JSON object, got a line that is none: {str(error)[:200]}")
