"""Boolean columns: yes and no, true and false, or 1 and 0; in labels and masks also the words of other languages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from limelight.data.reading.columns import read_optional_words
from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError, listing

BOOLEAN_WORDS = {"yes": "true", "true": "true", "1": "true", "no": "false", "false": "false", "0": "false"}
"""The words in metadata. Saved models hold what they mean."""
ANSWERS = {
    **BOOLEAN_WORDS,
    **dict.fromkeys(("y", "t", "ja", "j", "wahr", "oui", "vrai", "sí", "si", "verdadero"), "true"),
    **dict.fromkeys(("n", "f", "nein", "falsch", "non", "faux", "falso"), "false"),
}
"""The words in labels and masks: those of metadata, and those of spreadsheets and forms in four languages."""


def read_booleans(source: Source, name: str) -> NDArray[np.bool_]:
    """Read a column of 1 and 0 or of words for yes and no (``ANSWERS``), shape (rows,); an empty cell is False.

    Raises
    ------
    DataError
        If a cell holds any other word.
    """
    words = read_optional_words(source, name, "mask")
    meanings = [ANSWERS.get(word.strip().lower()) for word in words.names.tolist()]
    unreadable = [code for code, meaning in enumerate(meanings) if meaning is None]
    if unreadable:
        row = int(np.flatnonzero(words.codes == unreadable[0])[0])
        raise DataError(
            f"expected 1 or 0, or a word for yes or no such as {_examples()} in column {name!r}, got "
            f"{words.at(row)!r} in {source.location(row)}; correct it"
        )
    return np.array([*(meaning == "true" for meaning in meanings), False], dtype=bool)[words.codes]


def _examples() -> str:
    words = [word for word, meaning in ANSWERS.items() if meaning == "true" and len(word) > 2]
    return listing(words[:4], 4)


def with_binary_numbers(source: Source, names: Iterable[str]) -> Source:
    """Return a table in whose text columns ``names`` boolean words are 0 and 1; other words stay.

    Example
    -------
    >>> source = Source(pa.table({"label_rain": ["Yes", "no", ""]}), "the labels table")
    >>> with_binary_numbers(source, ["label_rain"]).table["label_rain"].to_pylist()
    ['1', '0', '']
    """
    table = source.table
    numbers = pa.array([str(int(meaning == "true")) for meaning in ANSWERS.values()])
    for name in names:
        column = source.column(name, "label")
        if is_text(column.type):
            words = pc.utf8_lower(pc.utf8_trim_whitespace(column))
            found = numbers.take(pc.index_in(words, pa.array(ANSWERS).cast(words.type))).cast(column.type)
            table = table.set_column(table.column_names.index(name), name, pc.coalesce(found, column))
    return replace(source, table=table)


def binary_words(words: Iterable[str]) -> tuple[str, str] | None:
    """Return the words for 0 and 1 among the words of labels, None if there are others or several for one of them.

    Example
    -------
    >>> binary_words(["ja", "nein"]), binary_words(["no"]), binary_words(["yes", "no", "1"])
    (('nein', 'ja'), ('no', '1'), None)
    """
    found = dict[str, str]()
    for word in words:
        meaning = ANSWERS.get(word.lower())
        if meaning is None or meaning in found:
            return None
        found[meaning] = word
    return found.get("false", "0"), found.get("true", "1")
