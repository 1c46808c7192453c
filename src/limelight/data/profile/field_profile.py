"""Values of the metadata fields of the training series, and values and combinations never seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import FiniteFloat
from pydantic.dataclasses import dataclass

from limelight.data.field_kinds import infer_kind
from limelight.data.metadata import Values, fields_of, read_field
from limelight.data.splitting.part_words import are_of_training
from limelight.errors import DataError, listing
from limelight.types import FieldKind, Rows

MOST_SINGLE = 0.1
"""A field of words is not checked if more than this share of the series have a word of their own, as ids have."""
MOST_PAIRED = 50
"""Fields with more words than this are not combined with others."""
LEAST_EXPECTED = 5.0
"""A combination is unseen if chance would have shown it this often: then none is seen by chance in 1 of 150 cases."""
MARGIN = 0.5
"""A number is outside if it is further from the training numbers than this share of their range."""


@dataclass(frozen=True)
class FieldProfile:
    """One metadata field of the training series.

    Parameters
    ----------
    name, kind
        Name and kind of the field.
    words
        The values of a category or boolean; empty for a number.
    limits
        The lowest and highest number that is not outside; None for words.
    """

    name: str
    kind: FieldKind
    words: tuple[str, ...] = ()
    limits: tuple[FiniteFloat, FiniteFloat] | None = None


@dataclass(frozen=True)
class MetadataProfile:
    """The metadata fields of the training series.

    Parameters
    ----------
    fields
        Fields with values to check.
    absent
        Combinations that chance would have shown in training at least 5 times and that never occurred: two names of
        fields and a value of each.
    """

    fields: tuple[FieldProfile, ...] = ()
    absent: tuple[tuple[str, str, str, str], ...] = ()

    def unseen(self, metadata: pa.Table | None) -> Iterator[tuple[str, Rows, str]]:
        """Find values and combinations that training never had.

        Parameters
        ----------
        metadata
            One row for each series, or None.

        Returns
        -------
        Iterator[tuple[str, Rows, str]]
            For each field or pair of fields with any: its name, the rows, and a description.

        Example
        -------
        >>> profile = fit_metadata_profile(pa.table({"mode": ["idle", "run"] * 10}))
        >>> [(name, rows.tolist(), text) for name, rows, text in profile.unseen(pa.table({"mode": ["run", "stop"]}))]
        [('mode', [1], "values not seen in training: 'stop'")]
        """
        given = fields_of(metadata)
        words: dict[str, Values] = {}
        for one in self.fields:
            if one.name not in given:
                continue
            cells = _cells(given[one.name], one.name, one.kind)
            if cells is None:
                continue
            if one.limits is not None:
                outside = (cells < one.limits[0]) | (cells > one.limits[1])
                text = f"numbers outside {one.limits[0]:.3g} to {one.limits[1]:.3g}"
            else:
                words[one.name] = cells
                outside = (cells != "") & ~np.isin(cells, one.words)
                text = f"values not seen in training: {listing(sorted(set(cells[outside].tolist())))}"
            if outside.any():
                yield one.name, outside.nonzero()[0], text
        yield from self._unseen_combinations(words)

    def _unseen_combinations(self, words: dict[str, Values]) -> Iterator[tuple[str, Rows, str]]:
        found: dict[str, list[tuple[Rows, str]]] = {}
        for first, value, second, other in self.absent:
            if first in words and second in words:
                rows = ((words[first] == value) & (words[second] == other)).nonzero()[0]
                if len(rows):
                    found.setdefault(f"{first} and {second}", []).append((rows, f"{value} with {other}"))
        for name, pairs in found.items():
            rows = np.unique(np.concatenate([rows for rows, _ in pairs]))
            yield name, rows, f"combinations not seen in training: {listing([text for _, text in pairs])}"


def fit_metadata_profile(metadata: pa.Table | None, ignored: Sequence[str] = ()) -> MetadataProfile:
    """Collect the values of the metadata fields of the training series.

    Parameters
    ----------
    metadata
        One row for each training series, or None.
    ignored
        Fields that are not checked, such as the one that groups the split and has new values by design.

    Returns
    -------
    MetadataProfile
        Without texts, fields that identify series, and fields that name the parts of a split.
    """
    fields, words = [], dict[str, Values]()
    for name, column in fields_of(metadata).items():
        kind = "ignore" if name in ignored else infer_kind(column, name)
        cells = _cells(column, name, kind) if kind in ("number", "category", "boolean") else None
        if cells is None:
            continue
        if kind == "number":
            known = cells[~np.isnan(cells)]
            if len(known):
                low, high = float(known.min()), float(known.max())
                margin = MARGIN * (high - low)
                fields.append(FieldProfile(name, kind, limits=(low - margin, high + margin)))
            continue
        distinct, counts = np.unique(cells[cells != ""], return_counts=True)
        if are_of_training(distinct.tolist()):
            continue  # the column names the parts of a split, and test series are of another part by design
        if len(distinct) and (counts == 1).sum() <= MOST_SINGLE * len(cells):
            fields.append(FieldProfile(name, kind, tuple(distinct.tolist())))
            words[name] = cells
    return MetadataProfile(tuple(fields), tuple(_absent_combinations(words)))


def _cells(column: Any, name: str, kind: FieldKind) -> Values | None:
    """Return the cells of a field; None if they cannot be read as this kind, which prediction reports itself."""
    try:
        return read_field(column, name, kind, [])[0]
    except DataError:
        return None


def _absent_combinations(words: dict[str, Values]) -> Iterator[tuple[str, str, str, str]]:
    for (first, left), (second, right) in combinations(words.items(), 2):
        both = (left != "") & (right != "")
        if not both.any():
            continue
        values, codes = np.unique(left[both], return_inverse=True)
        others, second_codes = np.unique(right[both], return_inverse=True)
        if max(len(values), len(others)) > MOST_PAIRED:
            continue
        counts = np.zeros((len(values), len(others)))
        np.add.at(counts, (codes, second_codes), 1)
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / both.sum()
        for row, column in np.argwhere((counts == 0) & (expected >= LEAST_EXPECTED)):
            yield first, str(values[row]), second, str(others[column])
