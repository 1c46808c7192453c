"""Read ARFF files of the UCR/UEA archive: tables, and relational attributes, which hold multivariate series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from limelight.data.reading.compression import read_text
from limelight.errors import DataError, listing

ATTRIBUTE_NAME = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s{,]+"
ATTRIBUTE = re.compile(rf"@attribute\s+({ATTRIBUTE_NAME})\s*(.*)$", re.IGNORECASE)
CELL = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^,]*?))\s*(?:,|$)", re.DOTALL)
NUMBERS = ("numeric", "real", "integer")
ESCAPES = re.compile(r"\\(.)")


@dataclass(frozen=True)
class ArffFile:
    """The content of an ARFF file as text.

    Parameters
    ----------
    names, kinds
        The name of each attribute, and its kind: ``"number"``, ``"relational"`` or ``"word"``.
    lines
        The line of each row, shape (rows,).
    rows
        The cells of each row; None for a missing cell.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[tuple[str | None, ...], ...]


def arff_table(path: Path, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Read an ARFF file without relational attributes as a table; raises as ``read_arff``.

    Parameters
    ----------
    path, name
        The file, and its name in messages.

    Returns
    -------
    tuple[pa.Table, tuple[str, ...]]
        One column of text for each attribute, and no notes.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.arff"
    >>> _ = path.write_text("@attribute t0 numeric\\n@attribute 'the class' {x,y}\\n@data\\n?,x\\n2,'y'\\n")
    >>> arff_table(path, "a")[0].to_pydict()
    {'t0': [None, '2'], 'the class': ['x', 'y']}
    """
    file = read_arff(path, name)
    repeated = sorted({one for one in file.names if file.names.count(one) > 1})
    if repeated:
        raise DataError(f"expected unique attribute names in {name}, got {listing(repeated)} twice; rename one")
    columns = zip(*file.rows, strict=True) if file.rows else ([] for _ in file.names)
    return (
        pa.table({one: pa.array(cells, pa.large_string()) for one, cells in zip(file.names, columns, strict=True)}),
        (),
    )


def read_arff(path: Path, name: str) -> ArffFile:
    """Read attributes and rows of an ARFF file.

    Parameters
    ----------
    path, name
        The file, and its name in messages.

    Returns
    -------
    ArffFile
        The content, still as text.

    Raises
    ------
    DataError
        If the header is incomplete, or a row is sparse or has another number of cells; the message names the line.

    Source
    ------
    Hall et al., The WEKA data mining software: an update, 2009.
    """
    try:
        text, _ = read_text(path, name)
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from error
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    content = ((number, line) for number, line in lines if line and not line.startswith("%"))
    names, kinds = _read_header(content, name)
    numbers, rows = [], []
    for number, line in content:
        if line.startswith("{"):
            raise DataError(
                f"expected every cell of a row in {name}, got a sparse row in line {number}; save the file without "
                "sparse rows"
            )
        cells = _split(line)
        if len(cells) != len(names):
            raise DataError(
                f"expected {len(names)} cells in every row of {name}, one for each attribute, got {len(cells)} in "
                f"line {number}; correct the line"
            )
        numbers.append(number)
        rows.append(cells)
    return ArffFile(names, kinds, tuple(numbers), tuple(rows))


def _read_header(lines: Iterator[tuple[int, str]], name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names: list[str] = []
    kinds: list[str] = []
    inside = False
    for number, line in lines:
        word = line.split()[0].lower()
        if word == "@data":
            return tuple(names), tuple(kinds)
        if word == "@end":
            inside = False
        elif word == "@attribute" and not inside:
            match = ATTRIBUTE.match(line)
            if match is None:
                raise DataError(f"expected a name and a type after @attribute, got {line!r} in line {number} of {name}")
            kind = match[2].split()[0].lower() if match[2].strip() else ""
            names.append(_unquoted(match[1]))
            kinds.append("number" if kind in NUMBERS else "relational" if kind == "relational" else "word")
            inside = kind == "relational"
        elif not word.startswith("@"):
            raise DataError(
                f"expected a header line that begins with @, or @data before the rows, got {line[:40]!r} in line "
                f"{number} of {name}"
            )
    raise DataError(f"expected a line @data before the rows in {name}, got none; the file is incomplete")


def _unquoted(word: str) -> str:
    return ESCAPES.sub(r"\1", word[1:-1]) if word[:1] in ("'", '"') else word


def _split(line: str) -> tuple[str | None, ...]:
    """Split a row into cells, without quotes; the line breaks of relational cells stay ``\\n``."""
    if "'" not in line and '"' not in line:
        cells = [cell.strip() for cell in line.split(",")]
        return tuple(None if cell in ("", "?") else cell for cell in cells)
    found: list[str | None] = []
    place = 0
    while True:
        match = CELL.match(line, place)
        if match is None or match.end() == place:
            return tuple(found)
        single, double, plain = match.groups()
        quoted = single if single is not None else double
        if quoted is None:
            found.append(None if plain in ("", "?") else plain)
        else:
            found.append(re.sub(r"\\([^n])", r"\1", quoted))
        place = match.end()
        if place >= len(line) and not line.endswith(","):
            return tuple(found)
