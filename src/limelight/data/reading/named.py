"""Find the id, the clock and the label of a long table by their names, and the id by its content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from limelight.data.counters import ROWS_TO_JUDGE
from limelight.data.labels import STEP_LABEL
from limelight.data.reading.columns import holds_values, numbers_or_missing, read_optional_words
from limelight.data.reading.guesses import candidates_in, certain_id, first_rows, id_candidates, ids_of_clock, kind_of
from limelight.data.reading.id_parts import find_id_parts
from limelight.data.reading.names import STATES, is_named, plain_name
from limelight.data.reading.sheets import Sheets
from limelight.data.reading.sources import Source
from limelight.data.reading.times import read_clock
from limelight.errors import DataError, listing

FEWEST_NUMBERED = 3
REPETITIONS = (
    "trial", "trial_no", "repetition", "rep", "session", "run", "take", "attempt",
    "durchgang", "durchlauf", "wiederholung", "sitzung", "lauf", "essai", "repeticion", "ensayo", "sesion",
)  # fmt: skip
"""Names of columns that number the recordings of one subject or machine."""
DEFAULTS = {"id": "series_id", "time": "time", "label": "label"}


@dataclass(frozen=True)
class Named:
    """The columns found by name.

    Parameters
    ----------
    id
        The id column.
    clock, label
        The clock and the label, or None.
    taken
        Columns that are no channels: these three, and a clock or a label that is not read.
    """

    id: str
    clock: str | None
    label: str | None
    taken: tuple[str, ...]


def name_columns(
    sheets: Sheets,
    *,
    id: str,
    time: str | None,
    label: str,
    labels: str | None,
    notes: list[str],
    channels_given: bool = False,
) -> tuple[Sheets, Named]:
    """Find the id, the clock and the label by name; the id also by file or by content.

    Parameters
    ----------
    sheets, id, time, label, labels
        As for ``find_roles``.
    notes
        A note is appended for every guess.
    channels_given
        Whether the channels are named: without labels, a single file whose times rise is then one series although it
        has columns of words.

    Returns
    -------
    tuple[Sheets, Named]
        The table, with a column of file names added if each file is one series, and the columns.

    Raises
    ------
    DataError
        If a column that was named is missing, there is no id, or several columns may be the clock or the label.
    """
    given = {"id": id, "time": time, "label": None if labels is None else label}
    _require_named(sheets, given)
    sample = first_rows(sheets, sheets.columns)
    clock = None if time is None else _by_name(sheets, sample, "time", time, notes)
    id_column = _by_name(sheets, sample, "id", id, notes)
    label_column = None if labels is None else _by_name(sheets, sample, "label", label, notes)
    if time is None:
        unused = [name for name in sheets.columns if is_named(name, "time") and name not in (id_column, label_column)]
        if unused:
            notes.append(f"the clock is the order of the rows: column {listing(unused)} was not read")
    else:
        unused = [time]
    if id_column is None and sheets.of_sheets:
        id_column = _named_by_sheet(sheets, sample, id, notes)
    if id_column is None and len(sheets.paths) > 1:
        sheets, id_column = sheets.named_by_file(id), id
        notes.append(f"no column {id!r}: each of the {len(sheets.paths)} files is one series, named by its file")
    described = sheets.columns if labels is None and channels_given else ()
    if id_column is None and _is_one_series(sheets, sample, clock, label_column, described):
        sheets, id_column = sheets.named_by_file(id), id
        notes.append(f"no column {id!r}: the file is one series, named by its file, as its times rise throughout")
    if id_column is None and labels is None and clock is None and _has_numbers_alone(sheets, sample, described):
        sheets, id_column = sheets.named_by_file(id), id
        notes.append(f"no column {id!r}: the file is one series, named by its file")
    if id_column is None:
        id_column = _id_by_content(sheets, sample, clock, label_column, given, notes)
    taken = (id_column, *((clock,) if clock else unused), label_column or label)
    return sheets, Named(id_column, clock, label_column, taken)


def _named_by_sheet(sheets: Sheets, sample: Source, id: str, notes: list[str]) -> str:
    """Return the column with the names of the sheets of a workbook, each of which is then one series."""
    if len(sheets.paths) > 1:
        raise DataError(
            f"expected a column for id in {sheets.name}, whose workbooks have several sheets of the same columns, got "
            f"{listing(sheets.columns, 12)}; add a column {id!r}, or save each sheet as its own file"
        )
    count = len(read_optional_words(sample, sheets.of_sheets[0], "id").names)
    notes.append(f"no column {id!r}: each of the {count} sheets is one series, named by its sheet")
    return sheets.of_sheets[0]


def is_id_by_content(sheets: Sheets, sample: Source, parts: Sequence[str]) -> bool:
    """Whether one of the columns of a clock is the id, as neither a name nor a file tells the series apart.

    Parameters
    ----------
    sheets, sample
        The table and its first rows.
    parts
        The columns of the clock, such as a date and a time of day: the date is the id if each day is a series.
    """
    if len(sheets.paths) > 1 or sheets.of_sheets or any(is_named(name, "id") for name in sheets.columns):
        return False
    candidates = id_candidates(sheets, sample, sheets.columns)
    found = certain_id(candidates, sheets, sample, [name for name in sheets.columns if name not in candidates])
    return found in parts or (found is None and bool(ids_of_clock(sheets, sample, parts[:1], parts[-1])))


def _require_named(sheets: Sheets, given: dict[str, str | None]) -> None:
    """Check that every column with a name other than the default exists."""
    absent = {
        role: name for role, name in given.items() if name is not None and name not in (*sheets.columns, DEFAULTS[role])
    }
    if len(absent) == 1:
        role, name = next(iter(absent.items()))
        first_rows(sheets, sheets.columns).column(name, role)
    if absent:
        named = " and ".join(f"{name!r} for {role}" for role, name in absent.items())
        raise DataError(
            f"expected columns {named} in {sheets.name}, got {listing(sheets.columns, 12)}; name the columns with "
            f"{' '.join(f'--{role} NAME' for role in absent)} ({', '.join(f'{role}=...' for role in absent)} in Python)"
        )


def _by_name(sheets: Sheets, sample: Source, role: str, column: str, notes: list[str]) -> str | None:
    """Find the column with a role by its name or, for the default name, by other common names; None if missing."""
    if column in sheets.columns:
        return column
    candidates = [name for name in sheets.columns if is_named(name, role) and _fits(sample, name, role)]
    if len(candidates) > 1:
        raise DataError(
            f"expected one {role} column in {sheets.name}, got {listing(candidates)}; choose one with {role}=... "
            f'("{role}" in the data section of an experiment file, --{role} on the command line)'
        )
    if candidates:
        notes.append(f"took column {candidates[0]!r} as {role}")
        return candidates[0]
    return None


def _fits(sample: Source, name: str, role: str) -> bool:
    """Whether the first rows of a column may be those of the id: words or whole numbers that repeat."""
    if role != "id" or sample.rows < ROWS_TO_JUDGE or name not in sample.columns:
        return True
    words = read_optional_words(sample, name, role)
    return len(words.names) < sample.rows and (kind_of(sample, name) != "number" or _are_whole(words.names.tolist()))


def _are_whole(words: Sequence[str]) -> bool:
    return all(word.lstrip("+-").isdigit() for word in words)


def _is_one_series(
    sheets: Sheets, sample: Source, clock: str | None, label: str | None, described: Collection[str]
) -> bool:
    """Whether a file is one series: its first times rise, and no column may be the id, as undescribed words may."""
    if clock is None or len(sheets.paths) != 1 or sample.rows < 2:
        return False
    free = [name for name in sheets.columns if name not in (clock, label) and not name.startswith(STEP_LABEL)]
    words = [name for name in free if kind_of(sample, name) == "word" and holds_values(sample, name)]
    if id_candidates(sheets, sample, free) or not {*words} <= {*described}:
        return False
    return _rise_throughout(sample, clock)


def _rise_throughout(sample: Source, clock: str) -> bool:
    times = read_clock(sample, clock).times
    return bool(np.all(times[1:] > times[:-1]))


def _has_numbers_alone(sheets: Sheets, sample: Source, described: Collection[str]) -> bool:
    """Whether a single file holds measurements, described words, and nothing that may tell series apart."""
    words = {name for name in sheets.columns if kind_of(sample, name) != "number" and holds_values(sample, name)}
    return len(sheets.paths) == 1 and words <= {*described} and not id_candidates(sheets, sample, sheets.columns)


def _id_by_content(
    sheets: Sheets,
    sample: Source,
    clock: str | None,
    label: str | None,
    given: dict[str, str | None],
    notes: list[str],
) -> str:
    free = [name for name in sheets.columns if name not in (clock, label) and not name.startswith(STEP_LABEL)]
    candidates = id_candidates(sheets, sample, free)
    found = certain_id(candidates, sheets, sample, [name for name in sheets.columns if name not in candidates])
    repeats = any(plain_name(name) in REPETITIONS for name in free if name != found)
    if found is None or repeats or (clock is not None and not _rises_within(sample, found, clock)):
        _reject_parts(sheets, sample, free, clock)
    if found is not None:
        notes.append(
            f"took column {found!r} as id: each of its values fills a block of rows; name another with id=... (--id)"
        )
        return found
    of_clock = ids_of_clock(sheets, sample, free, clock) if clock is not None else []
    if len(of_clock) == 1:
        notes.append(
            f"took column {of_clock[0]!r} as id: the times rise within each of its values; name another with id=... "
            "(--id)"
        )
        return of_clock[0]
    raise DataError(_describe_missing(sheets, sample, list(candidates), clock, label, given))


def _rises_within(sample: Source, id: str, clock: str) -> bool:
    return all(one.numbers.rises for one in candidates_in(sample, id, [clock]).values())


def _reject_parts(sheets: Sheets, sample: Source, names: Sequence[str], clock: str | None) -> None:
    """Raise DataError if several columns together tell the series apart."""
    kinds = {name: kind_of(sample, name) for name in names}
    whole = [name for name in names if kinds[name] == "number" and _are_whole(_words_of(sample, name))]
    parts = find_id_parts(sample, [name for name in names if kinds[name] == "word" or name in whole], clock)
    if parts is not None:
        raise DataError(
            f"expected one column for id in {sheets.name}, got series that only {listing(parts)} together tell apart; "
            "join them into one column, and name it with --id (id=... in Python)"
        )


def _describe_missing(
    sheets: Sheets,
    sample: Source,
    ids: list[str],
    clock: str | None,
    label: str | None,
    given: dict[str, str | None],
) -> str:
    """Describe all columns that were not found, with candidates for each."""
    others = [name for name in sheets.columns if name not in (clock, label)]
    kinds = {name: kind_of(sample, name) for name in others}
    words = [name for name in others if kinds[name] == "word" and _repeats(sample, name)]
    words.sort(key=lambda name: -len(read_optional_words(sample, name, "id").names))
    candidates = {"id": ids or words}
    if clock is None and given["time"] is not None:
        candidates["time"] = [name for name in others if kinds[name] == "date" or _rises(sample, name, kinds[name])]
    if label is None and given["label"] is not None and not any(name.startswith(STEP_LABEL) for name in others):
        candidates["label"] = [
            name
            for name in others
            if name not in candidates["id"][:1] and (plain_name(name) in STATES or name in words)
        ]
    roles = ", ".join(candidates)
    known = "; ".join(f"{listing(names)} for {role}" for role, names in candidates.items() if names)
    example = " ".join(f"--{role} {names[0] if names else 'NAME'}" for role, names in candidates.items())
    numbered = sum(any(sign.isdigit() for sign in name) for name in others)
    alone = clock is not None and len(sheets.paths) == 1 and _rise_throughout(sample, clock)
    whole = "; if the file is one series, add a column 'series_id' with its name in each row" if alone else ""
    fall = None if ids or clock is None or alone else _first_fall(sample, clock)
    again = "" if fall is None else f"; the times begin again in {fall}, as where a series begins: add a column of ids"
    wide = "; if each row is a series, name its steps x_0, x_1 and so on" if numbered >= FEWEST_NUMBERED else ""
    python = ", ".join(f"{role}={names[0] if names else 'NAME'!r}" for role, names in candidates.items())
    return (
        f"expected {'a column' if len(candidates) == 1 else 'columns'} for {roles} in {sheets.name}, got "
        f"{listing(sheets.columns, 12)}; {f'candidates are {known}; ' if known else ''}name them with {example} "
        f"({python} in Python){whole}{again}{wide}"
    )


def _first_fall(sample: Source, clock: str) -> str | None:
    """Return the location of the first row whose time is lower than that of the row before; None if there is none."""
    times = read_clock(sample, clock).times
    rows = np.flatnonzero(times[1:] < times[:-1]) + 1
    return sample.location(int(rows[0])) if len(rows) else None


def _words_of(sample: Source, name: str) -> list[str]:
    return [str(word) for word in read_optional_words(sample, name, "id").names]


def _rises(sample: Source, name: str, kind: str | None) -> bool:
    """Whether a column of numbers rises from row to row but for a few, as a clock does."""
    if kind != "number":
        return False
    numbers = numbers_or_missing(sample, name)
    return sample.rows > 1 and float(np.mean(np.diff(numbers) > 0)) > 0.8


def _repeats(sample: Source, name: str) -> bool:
    """Whether a column has fewer values than half of its rows."""
    return 2 * len(read_optional_words(sample, name, "id").names) <= sample.rows
