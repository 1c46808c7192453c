"""How a CSV file is written: what the user states about it, and what is read from its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from limelight.data.reading.number_formats import PLAIN, NumberFormat
from limelight.errors import ParameterError, counted, listing, nearest

CELL_SEPARATORS = (",", ";", "\t", "|", " ")
_DECIMALS = (".", ",")
_THOUSANDS = ("", ",", ".", " ", "'")
_QUOTES = ('"', "'", "")
_WORDS = {"\\t": "\t", "tab": "\t", "blank": " ", "space": " ", "comma": ",", "semicolon": ";"}
_CHOICES = {"separator": CELL_SEPARATORS, "decimal": _DECIMALS, "thousands": _THOUSANDS, "quote": _QUOTES}


def _check_value(key: str, value: Any) -> None:
    """Check one field of ``CsvOptions`` that is not None."""
    if key == "units_row":
        if not isinstance(value, bool):
            raise ParameterError(f"expected csv units_row to be true or false, got {value!r}")
    elif key == "names":
        if isinstance(value, str) or not value or not all(isinstance(one, str) for one in value):
            raise ParameterError(f"expected csv names as a list such as ['time', 'x'], got {value!r}")
    elif not isinstance(value, str):
        raise ParameterError(f"expected csv {key} as text, got {value!r}")
    elif key in _CHOICES and value not in (*_CHOICES[key], *_WORDS):
        raise ParameterError(f"expected csv {key} to be one of {list(_CHOICES[key])}, got {value!r}")
    elif key == "encoding" and not _is_encoding(value):
        raise ParameterError(f"expected csv encoding such as 'utf-8' or 'cp1252', got {value!r}, which is unknown")
    elif key == "comment" and (value.strip() != value or len(value) > 2):
        raise ParameterError(f"expected csv comment as one or two signs such as '#' or '//', got {value!r}")


def _is_encoding(name: str) -> bool:
    try:
        return isinstance("a".encode(name), bytes)
    except (LookupError, ValueError):
        return False


@dataclass(frozen=True)
class CsvOptions:
    """What the user states about CSV files; None is detected in each file.

    Parameters
    ----------
    separator
        Between cells: ``","``, ``";"``, a tab, ``"|"`` or ``" "`` for runs of blanks.
    decimal
        ``"."`` or ``","``.
    thousands
        Between groups of three digits: ``","``, ``"."``, ``" "``, ``"'"`` or ``""`` for nothing.
    encoding
        Any encoding that Python knows, such as ``"utf-8"`` or ``"cp1252"``.
    quote
        ``'"'``, ``"'"`` or ``""`` for none.
    comment
        What a comment line begins with, such as ``"#"``; ``""`` for no comments.
    units_row
        Whether the row below the header holds units.
    names
        The names of the columns of files that have no header; files with a header keep theirs.
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    quote: str | None = None
    comment: str | None = None
    units_row: bool | None = None
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                _check_value(field.name, value)
            if field.name in _CHOICES and value in _WORDS:
                object.__setattr__(self, field.name, _WORDS[value])
        if self.names is not None:
            object.__setattr__(self, "names", tuple(self.names))
        if self.decimal is not None and self.decimal == self.thousands:
            raise ParameterError(f"expected csv decimal and thousands to differ, got {self.decimal!r} for both")


DETECT = CsvOptions()


def csv_options(stated: Mapping[str, Any] | CsvOptions | None) -> CsvOptions:
    """Check what the user states about CSV files.

    Parameters
    ----------
    stated
        The fields of ``CsvOptions`` by name, or None.

    Returns
    -------
    CsvOptions
        The same, with words such as ``"tab"`` as characters.

    Raises
    ------
    ParameterError
        If a key is unknown or its value is invalid.

    Example
    -------
    >>> csv_options({"separator": "tab"}).separator
    '\\t'
    """
    if stated is None or isinstance(stated, CsvOptions):
        return stated or DETECT
    if not isinstance(stated, Mapping):
        raise ParameterError(f"expected csv as a dict such as {{'separator': ';'}}, got {stated!r}")
    known = [field.name for field in fields(CsvOptions)]
    unknown = next((key for key in stated if key not in known), None)
    if unknown is not None:
        raise ParameterError(f"expected csv with keys {', '.join(known)}, got {unknown!r}{nearest(unknown, known)}")
    return CsvOptions(**stated)


@dataclass(frozen=True)
class Dialect:
    """How one CSV file is written.

    Parameters
    ----------
    names
        The column names; "" for a first column without one.
    separator, quote, encoding, comment
        As for ``CsvOptions``.
    numbers
        The format of most numbers.
    formats
        The format of the numbers in each column; None for a column of words.
    samples
        Whether each column holds numbers of the most frequent format alone, in the first rows.
    units
        The unit of each column that has one, from the row below the header.
    dropped
        The places of columns without names and values, such as the one after a last separator.
    skipped
        The number of lines before the data that are not ignored: a preamble, the header and a row of units.
    data_line
        The line on which the data begin; the first line of the file is 1.
    preamble
        The number of lines before the header.
    header_rows
        The number of rows of the header, whose words are joined.
    ignored
        A regular expression of lines that are not data, or None.
    assumption
        What was assumed about numbers without evidence; "" if nothing was.
    repeated
        Whether the header occurs again among the data, as where files were joined; such lines are ignored.
    footers
        The first words of the lines below the table that hold no data, such as sums; these lines are ignored.
    """

    names: tuple[str, ...]
    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    comment: str = ""
    numbers: NumberFormat = PLAIN
    formats: tuple[NumberFormat | None, ...] = ()
    samples: tuple[bool, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    dropped: tuple[int, ...] = ()
    skipped: int = 1
    data_line: int = 2
    preamble: int = 0
    header_rows: int = 1
    ignored: re.Pattern[str] | None = None
    assumption: str = ""
    repeated: bool = False
    footers: tuple[str, ...] = ()

    @property
    def kept(self) -> list[str]:
        """The names of the columns that are not dropped."""
        return [name for place, name in enumerate(self.names) if place not in self.dropped]

    @property
    def is_clean(self) -> bool:
        """Whether Arrow can read the bytes of the file as they are."""
        return self.encoding == "utf-8" and self.ignored is None and self.separator != " "

    def note(self, name: str) -> str:
        """Describe in a note how a file differs from plain CSV; "" if it does not.

        Example
        -------
        >>> Dialect(("id", "x"), separator=";").note("'a.csv'")
        "read 'a.csv' with separator ';'; change it with csv={...} (--set data.csv.KEY=...)"
        """
        parts = [] if self.separator == "," else [f"separator {sign_name(self.separator)}"]
        used = next((one for one in self.formats if one is not None and not one.is_plain), PLAIN)
        number = used if self.numbers.is_plain else self.numbers
        parts += [] if number.decimal == "." else [f"decimal {number.decimal!r}"]
        parts += [f"thousands {number.thousands!r}"] if number.thousands else []
        parts += [] if self.encoding == "utf-8" else [f"encoding {self.encoding}"]
        parts += [] if self.quote == '"' else [f"quote {self.quote!r}"]
        parts += [f"comment lines {self.comment!r}"] if self.comment else []
        parts += [f"the header below {counted(self.preamble, 'line')} of other text"] if self.preamble else []
        parts += [f"a header of {self.header_rows} rows"] if self.header_rows > 1 else []
        parts += ["a row of units below the header"] if self.units else []
        parts += ["further header lines among the data ignored"] if self.repeated else []
        parts += [f"lines below the table ignored: {listing(self.footers)}"] if self.footers else []
        if not parts and not self.assumption:
            return ""
        words = f" with {_listed(parts)}" if parts else ""
        doubt = f" and {self.assumption}" if self.assumption else ""
        return f"read {name}{words}{doubt}; change it with csv={{...}} (--set data.csv.KEY=...)"


def sign_name(separator: str) -> str:
    """Return the name of a separator in messages: in quotes, unless it is a tab or blanks."""
    return {"\t": "tabs", " ": "blanks"}.get(separator, repr(separator))


def _listed(parts: list[str]) -> str:
    """Join parts of a sentence with commas and "and"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
