"""Summarise metadata fields before training: what they are used as, what is missing, what leaks the label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.field_kinds import words_among_values
from limelight.data.inspection.findings import FieldSummary, Leaks
from limelight.data.metadata import STAMP, Values, fields_of, leaking_fields, words_in
from limelight.data.reading.sources import is_text
from limelight.errors import listing
from limelight.task import is_known

EXAMPLES = 3
FEWEST_TO_SEPARATE = 5
"""Series that a class needs before a field that separates it without exception is suspicious."""


@dataclass(frozen=True)
class FieldUse:
    """What training takes a metadata field for: its kind, ``"ignore"`` if it is not used, and why not."""

    kind: str
    why: str = ""


def summarise_fields(metadata: pa.Table | None, uses: Mapping[str, FieldUse]) -> tuple[FieldSummary, ...]:
    """Summarise each metadata field.

    Parameters
    ----------
    metadata
        One row per series, or None.
    uses
        What training takes the fields for, by name; fields without an entry are shown by the type of their column.

    Returns
    -------
    tuple[FieldSummary, ...]
        In the order of the columns.

    Example
    -------
    >>> (field,) = summarise_fields(pa.table({"age": [30, 18, None]}), {"age": FieldUse("number")})
    >>> field.missing, field.distinct, field.examples
    (1, 2, ('18', '30'))
    """
    return tuple(
        _summarise(name, column, uses.get(name, FieldUse(_type_of(column))))
        for name, column in fields_of(metadata).items()
    )


def _type_of(column: Any) -> str:
    if is_text(column.type):
        return "text"
    return "boolean" if column.type == pa.bool_() else "date" if column.type == STAMP else "number"


def _summarise(name: str, column: Any, use: FieldUse) -> FieldSummary:
    words = words_in(column, name)
    odd = words_among_values(words, use.kind)
    why = use.why or (f"{listing(sorted(set(words[odd].tolist())), 3)} read as missing" if odd.any() else "")
    known = words[(words != "") & ~odd]
    values, counts = np.unique(known.astype(str), return_counts=True)
    if use.kind in ("number", "date") and len(values):
        ordered = sorted(values.tolist(), key=_as_number) if use.kind == "number" else values.tolist()
        examples = [ordered[0], ordered[-1]] if len(ordered) > 1 else ordered
    else:
        examples = values[np.argsort(-counts, kind="stable")][:EXAMPLES].tolist()
    return FieldSummary(name, use.kind, len(words) - len(known), len(values), tuple(examples), why)


def _as_number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return np.inf


def find_leaks(metadata: pa.Table | None, labels: NDArray[Any] | None, ignored: set[str]) -> Leaks:
    """Find the metadata fields that give the label away.

    Parameters
    ----------
    metadata
        One row per series, or None.
    labels
        The label of each series, shape (n,) or (n, labels), or None.
    ignored
        Fields that training does not use.

    Returns
    -------
    Leaks
        The names of these fields; for multi-label those that are equal to a label.

    Example
    -------
    >>> table = pa.table({"outcome": ["well", "sick"] * 10, "score": [0.1, 0.9] * 5 + [0.2, 0.8] * 5})
    >>> find_leaks(table, np.array(["a", "b"] * 10), ignored={"outcome"})
    Leaks(values=('score',), thresholds=(), missing=())
    """
    if metadata is None or labels is None:
        return Leaks()
    used = metadata.select([name for name in metadata.column_names if name not in ignored])
    if labels.ndim == 2:
        return Leaks(tuple(name for name, column in fields_of(used).items() if _copies_a_label(column, name, labels)))
    known = is_known(labels)
    used, classes = used.filter(pa.array(known)), labels[known].astype(str)
    if len(np.unique(classes)) < 2:
        return Leaks()
    values = tuple(leaking_fields(used, classes))
    others = {name: column for name, column in fields_of(used).items() if name not in values}
    return Leaks(
        values,
        tuple(name for name, column in others.items() if _separates(column, classes)),
        tuple(name for name, column in others.items() if _missing_by_class(words_in(column, name), classes)),
    )


def _copies_a_label(column: Any, name: str, labels: NDArray[Any]) -> bool:
    """Whether a field has two values, one where a label is 1 and one where it is 0."""
    words = words_in(column, name)
    for label in labels.T.astype(np.float64):
        known = (words != "") & ~np.isnan(label)
        pairs = set(zip(words[known].tolist(), label[known].tolist(), strict=True))
        counts = np.bincount(label[known].astype(np.int64), minlength=2)
        if len(pairs) == len({word for word, _ in pairs}) == 2 and counts.min() >= FEWEST_TO_SEPARATE:
            return True
    return False


def _separates(column: Any, classes: Values) -> bool:
    """Whether the numbers of each class lie in an interval of their own."""
    if is_text(column.type) or column.type in (pa.bool_(), STAMP):
        return False
    numbers = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    known = np.isfinite(numbers)
    numbers, classes = numbers[known], classes[known]
    names, counts = np.unique(classes, return_counts=True)
    if len(names) < 2 or counts.min() < FEWEST_TO_SEPARATE:
        return False
    low = np.array([numbers[classes == name].min() for name in names])
    high = np.array([numbers[classes == name].max() for name in names])
    order = np.argsort(low)
    return bool((high[order][:-1] < low[order][1:]).all())


def _missing_by_class(words: Values, classes: Values) -> bool:
    """Whether a field is missing for all series of some classes and known for all others."""
    missing = words == ""
    names, counts = np.unique(classes, return_counts=True)
    shares = {float(missing[classes == name].mean()) for name in names}
    return shares == {0.0, 1.0} and bool(counts.min() >= FEWEST_TO_SEPARATE)
