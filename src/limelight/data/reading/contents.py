"""Study the columns without a role by their content: clock, label, row numbers and numbers that describe a series."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from limelight.data.counters import ROWS_TO_JUDGE
from limelight.data.reading.guesses import Course, candidates_in, confirmed, first_rows, is_row_number
from limelight.data.reading.names import STATES, is_named_as_row_number, plain_name
from limelight.data.reading.sheets import Sheets
from limelight.errors import listing

CHANNELS = "to use one as a channel, name all channels with channels=[...] (--channels)"


@dataclass
class Contents:
    """What the content of columns without a role shows.

    Parameters
    ----------
    clock, label
        A column that rises within each series, and one that is constant within each series, if they were wanted.
    constant
        Columns of numbers that are constant within each series.
    row_numbers
        Columns of numbers that count the rows of the table.
    empty
        Columns without a value in the whole table.
    guesses
        Notes on the clock and the label.
    """

    clock: str | None = None
    label: str | None = None
    constant: tuple[str, ...] = ()
    row_numbers: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()

    def leaving_channels(self, numeric: Sequence[str]) -> Contents:
        """Return these roles without those of columns of numbers, if no channel would be left."""
        if any(
            name not in (self.clock, self.label, *self.constant, *self.row_numbers, *self.empty) for name in numeric
        ):
            return self
        named = tuple(name for name in self.row_numbers if is_named_as_row_number(name))
        return replace(self, constant=(), row_numbers=named, empty=() if {*numeric} <= {*self.empty} else self.empty)

    @property
    def notes(self) -> list[str]:
        """What was assumed, one sentence each."""
        notes = [*self.guesses]
        if self.row_numbers:
            notes.append(f"ignored row numbers in column {listing(self.row_numbers)}; {CHANNELS}")
        if self.empty:
            notes.append(f"ignored columns without a value in any row: {listing(self.empty)}; {CHANNELS}")
        if self.constant:
            notes.append(
                f"took numbers that are constant within each series as metadata: {listing(self.constant)}; {CHANNELS}"
            )
        return notes


def study_contents(
    sheets: Sheets,
    id: str,
    free: Sequence[str],
    *,
    wants_clock: bool,
    wants_label: bool,
    channels_given: bool,
    fields: Collection[str] = (),
) -> Contents:
    """Study columns without a role: candidates among the first rows, confirmed on the whole table.

    Parameters
    ----------
    sheets, id
        The table and its id column.
    free
        The columns to study.
    wants_clock, wants_label
        Whether the clock and the label are still to be found.
    channels_given
        Whether the channels are named, so that no other column of numbers becomes one.
    fields
        Columns that are metadata, also if they hold numbers.

    Returns
    -------
    Contents
        The roles that the content shows.
    """
    in_first_rows = candidates_in(first_rows(sheets, (id, *free)), id, free)
    candidates = {
        name: course
        for name, course in in_first_rows.items()
        if _is_candidate(name, course, wants_clock=wants_clock, wants_label=wants_label, channels_given=channels_given)
        or (name in fields and course.kind == "number")
    }
    courses = confirmed(sheets, id, candidates)
    contents = Contents()
    guesses: list[str] = []
    if not channels_given:
        contents.row_numbers = tuple(
            name
            for name, course in courses.items()
            if is_row_number(name, course) and not (wants_clock and _counts_steps_of_several(course))
        )
    if wants_clock:
        numbers = [name for name, course in in_first_rows.items() if course.kind == "number"]
        measured = [name for name in numbers if name not in contents.row_numbers]
        contents.clock = _clock(courses, measured, channels_given or bool(sheets.channels), guesses)
        contents.row_numbers = tuple(name for name in contents.row_numbers if name != contents.clock)
    if wants_label:
        contents.label = _label(courses, guesses)
    if not channels_given:
        contents.empty = tuple(name for name, course in courses.items() if course.is_empty and name not in fields)
    contents.constant = tuple(
        name
        for name, course in courses.items()
        if course.kind == "number"
        and name not in (*contents.row_numbers, *contents.empty, contents.clock, contents.label)
        and (course.numbers.constant if name in fields else course.numbers.is_constant and not channels_given)
    )
    contents.guesses = tuple(guesses)
    return contents


def _is_candidate(name: str, course: Course, *, wants_clock: bool, wants_label: bool, channels_given: bool) -> bool:
    numbers = course.numbers
    if course.is_empty and not channels_given:
        return True
    if course.kind == "word":
        return wants_label and numbers.constant
    if wants_clock and numbers.rises:
        return True
    if course.kind == "date" or channels_given:
        return wants_label and course.kind == "number" and numbers.constant
    return numbers.constant or (numbers.whole and (numbers.distinct or is_named_as_row_number(name)))


def _counts_steps_of_several(course: Course) -> bool:
    return course.numbers.series > 1 and course.numbers.counts_steps


def _clock(courses: dict[str, Course], measured: Sequence[str], has_channels: bool, notes: list[str]) -> str | None:
    """Return the column that rises within each series: a date, a measured number, or a row number; None without one.

    A number is the clock only if another column is a channel.
    """
    dates = [name for name, course in courses.items() if course.dates and course.numbers.rises]
    even = [
        name
        for name, course in courses.items()
        if course.kind == "number" and course.numbers.rises_evenly and course.numbers.rows >= ROWS_TO_JUDGE
    ]
    numbers = [name for name in even if name in measured]
    counters = [name for name in even if name not in measured and not is_named_as_row_number(name)]
    has_channels = has_channels or len(measured) > len(numbers)
    found = next(iter((*dates, *((*numbers, *counters) if has_channels else ()))), None)
    if found is not None:
        how = "counts the steps of" if courses[found].numbers.counts_steps else "rises within"
        notes.append(f"took column {found!r} as time: it {how} each series; name another with time=... (--time)")
    return found


def _label(courses: dict[str, Course], notes: list[str]) -> str | None:
    """Return the only column that may be the label; None if there is none, or several."""
    candidates = [name for name, course in courses.items() if course.may_be_label]
    named = [name for name in candidates if plain_name(name) in STATES]
    candidates = named or candidates
    if len(candidates) == 1:
        notes.append(
            f"took column {candidates[0]!r} as label: it is constant within each series; name another with label=... "
            "(--label)"
        )
        return candidates[0]
    if candidates:
        notes.append(f"no label was read: candidates are {listing(candidates)}; name one with label=... (--label)")
    return None
