"""Assign a role to each column of a long table: id, clock, label, channel, signal or metadata."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from limelight.data.labels import STEP_LABEL
from limelight.data.reading.clock_columns import find_clock_columns
from limelight.data.reading.columns import is_number_column
from limelight.data.reading.contents import Contents, study_contents
from limelight.data.reading.guesses import first_rows
from limelight.data.reading.named import DEFAULTS, is_id_by_content, name_columns
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source, is_text
from limelight.data.reading.written_numbers import reject_written_numbers
from limelight.errors import DataError, ParameterError, listing


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
        Columns that are metadata: those in ``numbers``, and text columns if they are constant within each series;
        other text columns are signals.
    numbers
        The columns in ``metadata`` that hold numbers.
    auto
        Whether the label is read as per-step labels if it changes within a series.
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
    numbers: tuple[str, ...] = ()
    auto: bool = False

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
    time: str | None,
    label: str,
    channels: Sequence[str] | None,
    labels: str | None,
    mask: str | None = None,
    fields: Collection[str] = (),
) -> tuple[Sheets, Roles]:
    """Assign roles to columns, by the given names, common names, column types and content.

    Parameters
    ----------
    sheets
        The table.
    id, time, label
        Column names. For the defaults ``"series_id"``, ``"time"`` and ``"label"``, other common names (``LIKELY``) are
        accepted too, and then columns whose content fits; a column of any other name must exist. ``time=None`` reads
        no clock: the order of the rows is the clock.
    channels
        The measurements; None takes every other column of numbers that measures: neither row numbers nor numbers
        that are constant within each series.
    labels
        ``"series"`` reads the label column as one label per series; ``"steps"`` reads it, or without it every column
        that begins with ``label_``, as per-step labels; ``"auto"`` reads it as per-step labels if it changes within a
        series; None reads no labels.
    mask
        A column that is 0 or false if the labels of a step are unknown; only for per-step labels.
    fields
        Columns that are metadata, also if they hold numbers.

    Returns
    -------
    tuple[Sheets, Roles]
        The table, with a column of file names added if no column names the series, and the roles.

    Raises
    ------
    DataError
        If there is no id column, several columns may be the clock, no column of numbers is left, or a column of text
        holds measurements.
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
    if time == DEFAULTS["time"]:
        sheets, time = _with_joined_clock(sheets, (id, label, mask, *fields, *(channels or ())), notes)
    given = channels is not None
    sheets, named = name_columns(
        sheets, id=id, time=time, label=label, labels=labels, notes=notes, channels_given=given
    )
    step_labels, step_mask = _find_step_labels(sheets, named.label, labels, mask)
    unread = [name for name in sheets.columns if name.startswith(STEP_LABEL) and name not in (*step_labels, step_mask)]
    if unread:
        notes.append(f"per-step labels were not read: {listing(unread)}")
    taken = (*named.taken, *((step_mask,) if step_mask else ()), *step_labels)
    signals = tuple(name for name in sheets.signals if name not in taken)
    free = [name for name in sheets.columns if name not in (*taken, *signals, *unread)]
    numeric = _number_columns(sheets, free)
    chosen = _named_channels(channels, (*taken, *signals))
    contents = study_contents(
        sheets,
        named.id,
        [name for name in free if name not in (*(chosen or sheets.channels), *sheets.partitions)],
        wants_clock=time is not None and named.clock is None,
        wants_label=labels in ("series", "auto") and named.label is None and not step_labels,
        channels_given=chosen is not None,
        fields=fields,
    )
    if chosen is None:
        words = [name for name in free if name not in numeric and name not in fields]
        measured = [name for name in free if name in numeric and name not in contents.constant]
        reject_written_numbers(first_rows(sheets, sheets.columns), named.id, words, measured)
        contents = contents.leaving_channels([name for name in free if name in numeric])
        measured = [name for name in free if name not in sheets.partitions]
        chosen = _measurements(sheets, measured, numeric, contents, taken)
    notes += contents.notes
    constant = {*contents.constant, *sheets.partitions}
    described = [name for name in free if name not in numeric or name in constant]
    return sheets, Roles(
        id=named.id,
        time=named.clock or contents.clock,
        label=None if step_labels or labels is None else named.label or contents.label,
        step_labels=step_labels,
        channels=tuple(chosen),
        metadata=tuple(
            name for name in described if name not in (*chosen, contents.clock, contents.label, *contents.empty)
        ),
        signals=signals,
        notes=tuple(notes),
        mask=step_mask,
        numbers=tuple(name for name in described if name in numeric & constant),
        auto=labels == "auto",
    )


def _with_joined_clock(sheets: Sheets, excluded: Collection[str | None], notes: list[str]) -> tuple[Sheets, str]:
    """Join columns that together are the clock, with a note; return the name of the clock.

    They stay apart if one of them is the only id, as the date is where each day is a series.
    """
    sample = first_rows(sheets, sheets.columns)
    found = find_clock_columns(sample, [name for name in excluded if name is not None])
    if found is None or is_id_by_content(sheets, sample, found.parts):
        return sheets, DEFAULTS["time"]
    notes.append(f"took columns {listing(found.parts, 6)} together as time; name one alone with time=... (--time)")
    return sheets.with_clock(found), found.name


def _find_step_labels(
    sheets: Sheets, label: str | None, labels: str | None, mask: str | None
) -> tuple[tuple[str, ...], str | None]:
    """Return the columns of per-step labels, and the mask if there are any."""
    found: list[str] = []
    if labels == "steps":
        found = [label] if label is not None else [name for name in sheets.columns if name.startswith(STEP_LABEL)]
    if mask is not None and label is not None and labels == "series":
        raise ParameterError(
            f"expected per-step labels with mask={mask!r} in {sheets.name}, got one label per series; pass these "
            "labels as a separate table that includes the mask"
        )
    step_mask = mask if found or (labels == "auto" and label is not None) else None
    if step_mask is not None and step_mask not in sheets.columns:
        first_rows(sheets, sheets.columns).column(step_mask, "mask")
    return tuple(name for name in found if name != step_mask), step_mask


def _number_columns(sheets: Sheets, free: Sequence[str]) -> set[str]:
    """Find the columns of numbers among those without a role, each by the first chunk in which it is not empty.

    Columns that are empty throughout count as numbers.
    """
    undecided, numeric = set(free), set()
    for chunk in _begun(sheets):
        filled = {name for name in undecided if name in chunk.columns and _has_values(chunk, name)}
        numeric |= {name for name in filled if is_number_column(chunk, name)}
        undecided -= filled
        if not undecided:
            break
    return numeric | undecided


def _begun(sheets: Sheets) -> Iterator[Source]:
    """Yield the first chunk, and then the whole table if more is needed: its files are searched for comments first."""
    first = sheets.first_chunk
    if first is not None:
        yield first
        yield from sheets.chunks((), stream=True)


def _has_values(chunk: Source, name: str) -> bool:
    column = chunk.table[name]
    if is_text(column.type):
        return bool((pc.utf8_length(pc.utf8_trim_whitespace(column)).to_numpy() > 0).any())
    return bool(column.null_count < len(column))


def _named_channels(channels: Sequence[str] | None, taken: tuple[str, ...]) -> list[str] | None:
    """Check the names of channels; None if there are none."""
    if channels is None:
        return None
    chosen = [channels] if isinstance(channels, str) else list(channels)
    invalid = [name for index, name in enumerate(chosen) if name in taken or name in chosen[:index]]
    if invalid or not chosen:
        raise ParameterError(
            "expected channels to name columns of measurements, each once, "
            f"got {listing(invalid) or 'no name'}; omit channels to take every column of numbers"
        )
    return chosen


def _measurements(
    sheets: Sheets, free: Sequence[str], numeric: set[str], contents: Contents, taken: tuple[str, ...]
) -> list[str]:
    """Return every column of numbers that measures; DataError if there is none."""
    other = (contents.clock, contents.label, *contents.constant, *contents.row_numbers, *contents.empty)
    chosen = [name for name in free if name in numeric and name not in other]
    if not chosen:
        raise DataError(
            f"expected at least one column of numbers besides {listing(taken)} in {sheets.name}, "
            f"got {listing(free) or 'none'}; add the measurements"
        )
    return chosen
