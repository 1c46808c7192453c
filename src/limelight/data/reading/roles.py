"""Roles: which column of a long table is the id, the clock, the label, a channel or a fact; guessed where not said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from limelight.data.labels import STEP_LABEL
from limelight.data.reading.columns import is_number_column
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source, is_text
from limelight.errors import DataError, ParameterError, listing

LIKELY = {
    "id": ("series", "id", "sample_id", "sample", "recording_id", "recording", "case_id", "case", "unit_id", "uid"),
    "time": ("timestamp", "datetime", "date", "ts", "t", "time_step", "timestep", "step"),
    "label": ("class", "target", "activity", "category", "outcome"),
}
"""What people call these columns, in small letters, if not as we do."""


@dataclass(frozen=True)
class Roles:
    """What each column is for.

    Parameters
    ----------
    id
        Names the series.
    time
        The clock, or None.
    label
        One label for each series, the same in each of its rows, or None.
    step_labels
        Labels of single steps.
    channels
        The measurements.
    facts
        Columns of words that may say the same in every row of a series.
    mask
        Says whether the labels of a step are known, or None.
    signals
        Columns that are said to hold words about single steps.
    notes
        What was guessed, one sentence each.
    """

    id: str
    time: str | None
    label: str | None
    step_labels: tuple[str, ...]
    channels: tuple[str, ...]
    facts: tuple[str, ...]
    signals: tuple[str, ...]
    notes: tuple[str, ...]
    mask: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Every column that is read as text or as a clock."""
        return (self.id, *((self.time,) if self.time else ()), *self.per_series, *self.step_labels, *self.signals) + (
            (self.mask,) if self.mask else ()
        )

    @property
    def per_series(self) -> tuple[str, ...]:
        """Columns that say one thing for a series."""
        return (*((self.label,) if self.label else ()), *self.facts)


def find_roles(
    sheets: Sheets,
    *,
    id: str,
    time: str,
    label: str,
    channels: Sequence[str] | None,
    labels: str | None,
    mask: str | None = None,
) -> tuple[Sheets, Roles]:
    """Say what each column is for, from what was stated and from names that people use.

    Parameters
    ----------
    sheets
        The table.
    id, time, label
        Names of columns. A name other than ``"series_id"``, ``"time"`` or ``"label"`` must be there; those three may
        be called otherwise (``LIKELY``).
    channels
        The measurements; None takes every other column of numbers.
    labels
        ``"series"`` reads the label column as one label for each series; ``"steps"`` reads it, or else every column
        that begins with ``label_``, as labels of single steps; None reads no labels.
    mask
        Says whether the labels of a step are known; only for labels of steps.

    Returns
    -------
    tuple[Sheets, Roles]
        The table, with a column that names the file if nothing else tells series apart, and the roles.

    Raises
    ------
    DataError
        If there is no id, two columns may be the clock, or no numbers are left.
    ParameterError
        If channels are impossible.

    Example
    -------
    >>> import pyarrow as pa
    >>> from limelight.data.reading.sheets import open_sheets
    >>> sheets = open_sheets(pa.table({"series_id": ["a"], "timestamp": [0], "speed": [1.0]}))
    >>> _, roles = find_roles(sheets, id="series_id", time="time", label="label", channels=None, labels=None)
    >>> roles.time, roles.channels, roles.notes
    ('timestamp', ('speed',), ("took column 'timestamp' as time",))
    """
    notes: list[str] = []
    name_of_series = _find(sheets, "id", id, "series_id", notes)
    clock = _find(sheets, "time", time, "time", notes)
    own = None if labels is None else _find(sheets, "label", label, "label", notes)
    if name_of_series is None:
        if len(sheets.paths) < 2:
            _first(sheets, sheets.columns).column(id, "id")
        sheets, name_of_series = sheets.named_by_file(id), id
        notes.append(f"there is no column {id!r}: each of the {len(sheets.paths)} files is a series, named by its file")
    step_labels = _step_labels(sheets, own) if labels == "steps" else ()
    if mask is not None and own is not None and not step_labels:
        raise ParameterError(
            f"expected labels of steps beside mask={mask!r} in {sheets.name}, got labels of series; give these in a "
            "table of their own, with the mask in it"
        )
    masking = mask if step_labels else None
    if masking is not None and masking not in sheets.columns:
        _first(sheets, sheets.columns).column(masking, "mask")
    step_labels = tuple(name for name in step_labels if name != masking)
    unread = [name for name in sheets.columns if name.startswith(STEP_LABEL) and name not in step_labels]
    if unread:
        notes.append(f"labels of single steps were not read: {listing(unread)}")
    taken = (name_of_series, clock or time, own or label, *((masking,) if masking else ()))
    signals = tuple(name for name in sheets.signals if name not in (*taken, *step_labels))
    numeric = _number_columns(sheets, (*taken, *signals))
    chosen = _channels(numeric, sheets, channels, (*taken, *signals))
    facts = [
        name
        for name in sheets.columns
        if name not in (*taken, *chosen, *step_labels, *signals)
        and not name.startswith(STEP_LABEL)
        and name not in numeric
    ]
    one_label = own if labels == "series" else None
    roles = Roles(
        name_of_series, clock, one_label, step_labels, tuple(chosen), tuple(facts), signals, tuple(notes), masking
    )
    return sheets, roles


def _first(sheets: Sheets, words: Sequence[str]) -> Source:
    piece = next(sheets.pieces(words, stream=True), None)
    if piece is None:
        raise DataError(f"expected at least one row in {sheets.name}, got none")
    return piece


def _number_columns(sheets: Sheets, words: Sequence[str]) -> set[str]:
    """Give the columns of numbers, each told by the first piece of the table in which it is not empty."""
    _first(sheets, words)
    open_, numeric = set(sheets.columns) - set(words), set()
    for piece in sheets.pieces(words, stream=True):
        told = {name for name in open_ if name in piece.columns and _has_values(piece, name)}
        numeric |= {name for name in told if is_number_column(piece, name)}
        open_ -= told
        if not open_:
            break
    return numeric | open_


def _has_values(piece: Source, name: str) -> bool:
    column = piece.table[name]
    if is_text(column.type):
        return bool((pc.utf8_length(pc.utf8_trim_whitespace(column)).to_numpy() > 0).any())
    return bool(column.null_count < len(column))


def _find(sheets: Sheets, role: str, stated: str, default: str, notes: list[str]) -> str | None:
    if stated in sheets.columns:
        return stated
    if stated != default:
        _first(sheets, sheets.columns).column(stated, role)
    near = (default, *LIKELY[role])
    alike = sorted((name for name in sheets.columns if name.strip().lower() in near), key=sheets.columns.index)
    if len(alike) > 1:
        raise DataError(
            f"expected one {_spoken(role)} in {sheets.name}, got {listing(alike)}; say which it is with {role}=... "
            f'("{role}" in the data of an experiment file)'
        )
    if alike:
        notes.append(f"took column {alike[0]!r} as {role}")
        return alike[0]
    return None


def _spoken(role: str) -> str:
    return {"id": "column that names the series", "time": "clock", "label": "label column"}[role]


def _step_labels(sheets: Sheets, label: str | None) -> tuple[str, ...]:
    return (label,) if label is not None else tuple(name for name in sheets.columns if name.startswith(STEP_LABEL))


def _channels(numeric: set[str], sheets: Sheets, stated: Sequence[str] | None, taken: tuple[str, ...]) -> list[str]:
    if stated is None:
        # labels of single steps, taken as channels, would give the answer away
        free = [name for name in sheets.columns if name not in taken and not name.startswith(STEP_LABEL)]
        chosen = [name for name in free if name in numeric]
        if not chosen:
            raise DataError(
                f"expected at least one column of numbers beside {listing(taken)} in {sheets.name}, "
                f"got {listing(free) or 'none'}; add the measurements"
            )
        return chosen
    chosen = [stated] if isinstance(stated, str) else list(stated)
    wrong = [name for place, name in enumerate(chosen) if name in taken or name in chosen[:place]]
    if wrong or not chosen:
        raise ParameterError(
            "expected channels to name columns of measurements, each once, "
            f"got {listing(wrong) or 'no name'}; leave channels out to take every column of numbers"
        )
    return chosen
