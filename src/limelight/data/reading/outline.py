"""The outline of a long table: its series, its clock and its words, read before any value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.labels import classes_of_column
from limelight.data.reading.accumulators import MOST_LISTED_WORDS, SeriesColumn, WordCodes, extended
from limelight.data.reading.booleans import binary_words
from limelight.data.reading.columns import ID_REMEDY, read_optional_words, read_words
from limelight.data.reading.dates import DayOrder
from limelight.data.reading.melted import reject_melted
from limelight.data.reading.roles import Roles
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source
from limelight.data.reading.spelling import describe_spellings
from limelight.data.reading.times import ClockColumn, are_times, common_order, read_clock
from limelight.errors import DataError, ParameterError, listing
from limelight.types import Rows


@dataclass
class Outline:
    """The series of a long table: all that must be known before values can be written to their positions.

    Parameters
    ----------
    roles
        The roles of the columns; a label that changes within a series is one of steps.
    names
        The ids of the series in order of first appearance, shape (n,).
    lengths
        The number of rows of each series, shape (n,).
    clock
        An empty clock column with the type of the times and whether dates have a time zone, or None.
    day_order
        The order of day and month in dates such as 31.01.2024; None if the dates have another form.
    per_series
        The word of each series, None if empty, shape (n,), for each column that is constant within series.
    step_words, step_classes
        The words of the per-step labels in the table, and the classes that they stand for.
    signals
        The sorted words of each signal.
    notes
        What was guessed or ignored, one sentence each.
    codes
        The series of each row, chunk by chunk, if the table is in memory; None if it is streamed.
    """

    roles: Roles
    names: NDArray[np.str_]
    lengths: Rows
    clock: ClockColumn | None
    day_order: DayOrder | None
    per_series: dict[str, NDArray[Any]]
    step_words: tuple[str, ...]
    step_classes: tuple[str, ...]
    signals: dict[str, tuple[str, ...]]
    notes: list[str]
    codes: list[Rows] | None

    @property
    def starts(self) -> Rows:
        """The position at which each series begins, shape (n,)."""
        starts: Rows = np.cumsum(self.lengths) - self.lengths
        return starts


def make_outline(sheets: Sheets, roles: Roles, *, stream: bool = False) -> Outline:
    """Read ids, clock, labels, metadata and signals of a long table.

    Parameters
    ----------
    sheets, roles
        The table and the roles of its columns.
    stream
        Whether to read some megabytes at a time and not to keep the series of each row.

    Returns
    -------
    Outline
        The series of the table.

    Raises
    ------
    DataError
        If an id or a time cannot be read, or numbers and dates are mixed in the clock.
    LabelError
        If a series has two labels.
    """
    first = _FirstPass(roles)
    codes: list[Rows] = []
    of_files: dict[str, None] = {}
    for chunk in sheets.chunks(roles.text_columns, roles.text_columns, stream=stream):
        rows = first.add(chunk)
        of_files.update(dict.fromkeys(chunk.notes))
        if not stream:
            codes.append(rows)
    roles = first.settled_roles(sheets.name)
    notes = [*dict.fromkeys([*sheets.notes, *of_files, *roles.notes])]
    if first.zones:
        notes.append(
            f"times in {roles.time!r} have several time zones ({', '.join(sorted(first.zones))}); all were converted "
            "to UTC"
        )
    if first.compact:
        notes.append(f"read the numbers in {roles.time!r} as dates: {first.compact}")
    day_order = common_order(first.orders, roles.time, sheets.name, notes)
    names = first.vocabulary.names()
    empty = sorted({*dict(sheets.of_files).get(roles.id, ())} - {*names.tolist()})
    if empty and sheets.filter is None:
        notes.append(f"files without rows are no series: {listing(empty)}")
    signals = first.signals(notes)
    varying = {
        name: sorted(one.vocabulary.codes) for name, one in first.columns.items() if one.varies and not one.label
    }
    reject_melted(sheets.name, roles.channels, varying)
    notes += first.spelling_notes()
    words, classes = first.step_classes(roles)
    return Outline(
        roles=roles,
        names=names,
        lengths=first.lengths,
        clock=None if first.clock is None else first.clock[0],
        day_order=day_order,
        per_series={name: column.words() for name, column in first.columns.items() if not column.varies},
        step_words=words,
        step_classes=classes,
        signals=signals,
        notes=notes,
        codes=None if stream else codes,
    )


class _FirstPass:
    """The ids, the clock and the words of a long table, accumulated over chunks."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.vocabulary, self.lengths = WordCodes(), np.zeros(0, dtype=np.int64)
        self.columns = {
            name: SeriesColumn(name, name == roles.label, name in roles.signals, name in roles.numbers, roles.auto)
            for name in (*roles.per_series, *roles.signals)
        }
        self.step_words = {name: WordCodes() for name in roles.step_labels}
        self.clock: tuple[ClockColumn, str] | None = None
        self.zones: set[str] = set()
        self.orders: set[str | None] = set()
        self.compact = ""

    def add(self, chunk: Source) -> Rows:
        """Add the rows of a chunk; return the series of each row, shape (rows,)."""
        names = read_words(chunk, self.roles.id, "id", ID_REMEDY)
        rows = self.vocabulary.add(names)
        count = len(self.vocabulary.codes)
        self.lengths = np.bincount(rows, minlength=count) + extended(self.lengths, count, 0)
        if self.roles.time is not None:
            times = read_clock(chunk, self.roles.time)
            self.zones |= set(times.zones)
            self.orders.add(times.order)
            self.compact = self.compact or times.compact
            self.clock = _common_clock(self.clock, times, chunk)
        for column in self.columns.values():
            column.add(chunk, rows, count, names)
        for name, codes_of_words in self.step_words.items():
            codes_of_words.add(read_optional_words(chunk, name, "label"))
        return rows

    def settled_roles(self, table: str) -> Roles:
        """Return the roles after the last chunk: a label that changed within a series is one of steps, with a note."""
        label = self.columns.get(self.roles.label or "")
        if label is None:
            return self.roles
        label.require_label()
        if not label.varies:
            if self.roles.mask is not None:
                raise ParameterError(
                    f"expected per-step labels with mask={self.roles.mask!r} in {table}, got one label per series; "
                    "pass these labels as a separate table that includes the mask"
                )
            return self.roles
        self.step_words[label.name] = label.vocabulary
        note = (
            f"the labels in column {label.name!r} change within {len(label.changing)} of {len(self.lengths)} series, "
            f"first in {label.first_change}, and were read as labels of steps; set per_step=False "
            "(--set data.level=series) to require one label for each series"
        )
        return replace(self.roles, label=None, step_labels=(label.name,), notes=(*self.roles.notes, note))

    def signals(self, notes: list[str]) -> dict[str, tuple[str, ...]]:
        """Return the sorted words of each signal, and note which columns are signals and which are ignored."""
        times = [
            name
            for name, column in self.columns.items()
            if column.varies and not (column.signal or column.label) and are_times(column.vocabulary.codes)
        ]
        signals = {
            name: tuple(sorted(column.vocabulary.codes))
            for name, column in self.columns.items()
            if column.is_signal and name not in times
        }
        if signals:
            notes.append(f"took text columns that change within a series as signals: {listing(signals)}")
        dropped = [
            name
            for name, column in self.columns.items()
            if column.varies and not column.is_signal and name not in (*times, *self.step_words)
        ]
        if times and self.roles.time is not None:
            notes.append(
                f"ignored columns of times beside the clock {self.roles.time!r}: {listing(times)}; name another clock "
                "with time=... (--time)"
            )
        elif times:
            notes.append(
                f"ignored columns of times that do not rise within each series: {listing(times)}; name the clock with "
                "time=... (--time), and sort the rows by it with sort=True (--set data.sort=true)"
            )
        if dropped:
            notes.append(
                "ignored text columns that change within a series and have more than "
                f"{MOST_LISTED_WORDS} distinct words: {listing(dropped)}"
            )
        return signals

    def step_classes(self, roles: Roles) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the words of the per-step labels and the names of their classes."""
        words = sorted({word for vocabulary in self.step_words.values() for word in vocabulary.codes})
        pair = binary_words(words) if len(roles.step_labels) > 1 else None
        if pair is not None:
            return pair, ("0", "1")
        named = classes_of_column(roles.step_labels[0], words) if len(roles.step_labels) == 1 else {}
        if named:
            return tuple(named), tuple(named.values())
        binary = set(words) <= {"0", "1"}  # both are classes, even if only one of them occurs
        classes = ("0", "1") if binary else tuple(words)
        return classes, classes

    def spelling_notes(self) -> list[str]:
        """Return a note for each column in which words written in several ways were read as one."""
        notes = describe_spellings("ids", self.roles.id, self.vocabulary.spellings)
        words = {name: column.vocabulary for name, column in self.columns.items()}
        for name, vocabulary in {**words, **self.step_words}.items():
            things = "labels" if name == self.roles.label or name in self.step_words else "words"
            notes += describe_spellings(things, name, vocabulary.spellings)
        return notes


def _common_clock(
    earlier: tuple[ClockColumn, str] | None, times: ClockColumn, chunk: Source
) -> tuple[ClockColumn, str]:
    """Merge the clock type of a chunk with that of the earlier chunks.

    Returns
    -------
    tuple[ClockColumn, str]
        An empty clock column of the type that holds all times so far, and the name of the table that began it.

    Raises
    ------
    DataError
        If the chunk has another kind of time.
    """
    if earlier is None:
        return ClockColumn(times.times[:0], times.zone), chunk.name
    clock, name = earlier
    if clock.kind != times.kind:
        raise DataError(
            f"expected one kind of time in all files, got {clock.kind} in {name} and {times.kind} in "
            f"{chunk.location(0)}; write all times in the same format"
        )
    dtype = np.result_type(clock.times, times.times)
    return ClockColumn(np.empty(0, dtype), times.zone), name
