"""Assign a role to each column of a long table: id, clock, label, channel, signal or metadata."""

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
"""Other common names of these columns, in lower case."""


@dataclass(frozen=True)
class Roles:
    """The role of each column of a long table.

    Parameters
    ----------
    id
        The column with the id of the series.
    time
        The clock, or None.
    label
        The label of the series, the same in each of its rows, or None.
    step_labels
        Per-step labels.
    channels
        The measurements.
    metadata
        Text columns that are metadata if they are constant within each series, and signals otherwise.
    mask
        Whether the labels of a step are known, or None.
    signals
        Columns declared as signals, which hold a word per step.
    notes
        Roles that were guessed and columns that were not read, one sentence each.
    """

    id: str
    time: str | None
    label: str | None
    step_labels: tuple[str, ...]
    channels: tuple[str, ...]
    metadata: tuple[str, ...]
    signals: tuple[str, ...]
    notes: tuple[str, ...]
    mask: str | None = None

    @property
    def text_columns(self) -> tuple[str, ...]:
        """All columns to read as text, including the clock."""
        return (self.id, *((self.time,) if self.time else ()), *self.per_series, *self.step_labels, *self.signals) + (
            (self.mask,) if self.mask else ()
        )

    @property
    def per_series(self) -> tuple[str, ...]:
        """Columns with one word per series: the label and the metadata."""
        return (*((self.label,) if self.label else ()), *self.metadata)


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
    """Assign roles to columns, by the given names, common names and column types.

    Parameters
    ----------
    sheets
        The table.
    id, time, label
        Column names. For the defaults ``"series_id"``, ``"time"`` and ``"label"``, other common names (``LIKELY``) are
        accepted too; a column of any other name must exist.
    channels
        The measurements; None takes every other column of numbers.
    labels
        ``"series"`` reads the label column as one label per series; ``"steps"`` reads it, or without it every column
        that begins with ``label_``, as per-step labels; None reads no labels.
    mask
        A column that is 0 or false if the labels of a step are unknown; only for per-step labels.

    Returns
    -------
    tuple[Sheets, Roles]
        The table, with a column of file names added if no column names the series, and the roles.

    Raises
    ------
    DataError
        If there is no id column, several columns may be the clock, or no column of numbers is left.
    ParameterError
        If channels are repeated, empty or have another role.

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
    id_column = _find(sheets, "id", id, "series_id", notes)
    clock = _find(sheets, "time", time, "time", notes)
    label_column = None if labels is None else _find(sheets, "label", label, "label", notes)
    if id_column is None:
        if len(sheets.paths) < 2:
            _first_chunk(sheets, sheets.columns).column(id, "id")
        sheets, id_column = sheets.named_by_file(id), id
        notes.append(f"no column {id!r}: each of the {len(sheets.paths)} files is one series, named by its file")
    step_labels = _step_labels(sheets, label_column) if labels == "steps" else ()
    if mask is not None and label_column is not None and not step_labels:
        raise ParameterError(
            f"expected per-step labels with mask={mask!r} in {sheets.name}, got one label per series; pass these "
            "labels as a separate table that includes the mask"
        )
    step_mask = mask if step_labels else None
    if step_mask is not None and step_mask not in sheets.columns:
        _first_chunk(sheets, sheets.columns).column(step_mask, "mask")
    step_labels = tuple(name for name in step_labels if name != step_mask)
    unread = [name for name in sheets.columns if name.startswith(STEP_LABEL) and name not in step_labels]
    if unread:
        notes.append(f"per-step labels were not read: {listing(unread)}")
    taken = (id_column, clock or time, label_column or label, *((step_mask,) if step_mask else ()))
    signals = tuple(name for name in sheets.signals if name not in (*taken, *step_labels))
    numeric = _number_columns(sheets, (*taken, *signals))
    chosen = _channels(numeric, sheets, channels, (*taken, *signals))
    metadata = [
        name
        for name in sheets.columns
        if name not in (*taken, *chosen, *step_labels, *signals)
        and not name.startswith(STEP_LABEL)
        and name not in numeric
    ]
    return sheets, Roles(
        id=id_column,
        time=clock,
        label=label_column if labels == "series" else None,
        step_labels=step_labels,
        channels=tuple(chosen),
        metadata=tuple(metadata),
        signals=signals,
        notes=tuple(notes),
        mask=step_mask,
    )


def _first_chunk(sheets: Sheets, text_columns: Sequence[str]) -> Source:
    chunk = next(sheets.chunks(text_columns, stream=True), None)
    if chunk is None:
        raise DataError(f"expected at least one row in {sheets.name}, got none")
    return chunk


def _number_columns(sheets: Sheets, taken: Sequence[str]) -> set[str]:
    """Find the columns of numbers among those not taken, each by the first chunk in which it is not empty.

    Columns that are empty throughout count as numbers.
    """
    _first_chunk(sheets, taken)
    undecided, numeric = set(sheets.columns) - set(taken), set()
    for chunk in sheets.chunks(taken, stream=True):
        filled = {name for name in undecided if name in chunk.columns and _has_values(chunk, name)}
        numeric |= {name for name in filled if is_number_column(chunk, name)}
        undecided -= filled
        if not undecided:
            break
    return numeric | undecided


def _has_values(chunk: Source, name: str) -> bool:
    column = chunk.table[name]
    if is_text(column.type):
        return bool((pc.utf8_length(pc.utf8_trim_whitespace(column)).to_numpy() > 0).any())
    return bool(column.null_count < len(column))


def _find(sheets: Sheets, role: str, column: str, default: str, notes: list[str]) -> str | None:
    """Find the column with a role by its name or, for the default name, by other common names; None if missing."""
    if column in sheets.columns:
        return column
    if column != default:
        _first_chunk(sheets, sheets.columns).column(column, role)
    common_names = (default, *LIKELY[role])
    candidates = [name for name in sheets.columns if name.strip().lower() in common_names]
    if len(candidates) > 1:
        raise DataError(
            f"expected one {role} column in {sheets.name}, got {listing(candidates)}; choose one with {role}=... "
            f'("{role}" in the data section of an experiment file)'
        )
    if candidates:
        notes.append(f"took column {candidates[0]!r} as {role}")
        return candidates[0]
    return None


def _step_labels(sheets: Sheets, label: str | None) -> tuple[str, ...]:
    return (label,) if label is not None else tuple(name for name in sheets.columns if name.startswith(STEP_LABEL))


def _channels(numeric: set[str], sheets: Sheets, channels: Sequence[str] | None, taken: tuple[str, ...]) -> list[str]:
    if channels is None:
        # per-step labels read as channels would leak the target
        free = [name for name in sheets.columns if name not in taken and not name.startswith(STEP_LABEL)]
        chosen = [name for name in free if name in numeric]
        if not chosen:
            raise DataError(
                f"expected at least one column of numbers besides {listing(taken)} in {sheets.name}, "
                f"got {listing(free) or 'none'}; add the measurements"
            )
        return chosen
    chosen = [channels] if isinstance(channels, str) else list(channels)
    invalid = [name for index, name in enumerate(chosen) if name in taken or name in chosen[:index]]
    if invalid or not chosen:
        raise ParameterError(
            "expected channels to name columns of measurements, each once, "
            f"got {listing(invalid) or 'no name'}; omit channels to take every column of numbers"
        )
    return chosen
