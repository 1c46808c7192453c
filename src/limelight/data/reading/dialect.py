"""How a CSV file is written: what the user states about it, and what is read from its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from limelight.errors import ParameterError, nearest

CELL_SEPARATORS = (",", ";", "\t", "|", " ")
DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'")
QUOTES = ('"', "'", "")
WORDS = {"\\t": "\t", "tab": "\t", "blank": " ", "space": " ", "comma": ",", "semicolon": ";"}
CHOICES = {"separator": CELL_SEPARATORS, "decimal": DECIMALS, "thousands": THOUSANDS, "quote": QUOTES}


def _check_value(key: str, value: Any) -> None:
    """Check one field of ``CsvOptions`` that is not None."""
    if key == "units_row":
        if not isinstance(value, bool):
            raise ParameterError(f"expected csv units_row to be true or false, got {value!r}")
    elif not isinstance(value, str):
        raise ParameterError(f"expected csv {key} as text, got {value!r}")
    elif key in CHOICES and value not in (*CHOICES[key], *WORDS):
        raise ParameterError(f"expected csv {key} to be one of {list(CHOICES[key])}, got {value!r}")
    elif key == "encoding" and not _is_encoding(value):
        raise ParameterError(f"expected csv encoding such as 'utf-8' or 'cp1252', got {value!r}, which is unknown")
    elif key == "comment" and (value.strip() != value or len(value) > 2):
        raise ParameterError(f"expected csv comment as one or two signs such as '#' or '//', got {value!r}")


def _is_encoding(name: str) -> bool:
    try:
        return isinstance(b"".decode(name), str)
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
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    quote: str | None = None
    comment: str | None = None
    units_row: bool | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                _check_value(field.name, value)
            if field.name in CHOICES and value in WORDS:
                object.__setattr__(self, field.name, WORDS[value])
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
