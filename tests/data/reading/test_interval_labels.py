"""Labels of steps from tables with a start, an end and a label in each row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.errors import DataError, LabelError
from support.errors import message_of
from support.workbooks import write_sheets

TEN = np.arange(10)


def series(ids: list[str] | None = None, times: Any = None) -> pd.DataFrame:
    """Return series of ten steps, by default at the times 0 to 9."""
    ids = ids or ["r1", "r2"]
    clock = TEN if times is None else times
    frames = [pd.DataFrame({"series_id": one, "time": clock, "x": TEN**2.0}) for one in ids]
    return pd.concat(frames, ignore_index=True)


def intervals(*rows: tuple[Any, ...], names: tuple[str, ...] = ("series_id", "start", "end", "label")) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(names))


def words(panel: Panel, row: int = 0) -> list[str | None]:
    """Return the label of each step of a series, None if unknown."""
    labels = panel.step_labels
    assert labels is not None
    assert len(labels.names) == 1
    steps = slice(panel.starts[row], panel.starts[row] + panel.lengths[row])
    return [labels.classes[code] if code >= 0 else None for code in labels.codes[steps, 0].tolist()]


def spelled(panel: Panel, row: int = 0) -> str:
    """Return the first letter of the label of each step."""
    return "".join("?" if word is None else word[0] for word in words(panel, row))


TABLE = intervals(("r1", 0, 4, "walk"), ("r2", 0, 2, "walk"), ("r2", 5, 9, "rest"))


def test_each_step_has_the_label_of_its_interval() -> None:
    panel = read_table(series(), labels=TABLE)
    assert panel.labels is None
    assert (spelled(panel), spelled(panel, 1)) == ("wwwwwnnnnn", "wwwnnrrrrr")
    assert panel.notes == (
        "took 'start' and 'end' of the labels table as intervals whose steps have a label",
        "7 of 20 steps lie in no interval: their class is 'none'; name another with outside=... (--set "
        "data.outside=NAME), or set null if their labels are unknown",
    )


def test_steps_outside_have_the_class_that_is_named() -> None:
    assert spelled(read_table(series(), labels=TABLE, outside="idle")) == "wwwwwiiiii"


def test_steps_outside_can_be_unknown() -> None:
    assert spelled(read_table(series(), labels=TABLE, outside=None)) == "wwwww?????"


def test_intervals_of_one_label_have_its_opposite_outside() -> None:
    panel = read_table(series(), labels=intervals(("r1", 2, 3, "leak"), ("r2", 0, 9, "leak")))
    assert panel.step_labels is not None
    assert panel.step_labels.classes == ("not leak", "leak")
    assert spelled(panel) == "nnllnnnnnn"


def test_a_label_column_of_ones_has_its_opposite_outside() -> None:
    names = ("series_id", "start", "end", "label_leak")
    panel = read_table(series(), labels=intervals(("r1", 2, 3, 1), ("r1", 5, 5, 1), ("r2", 0, 9, 0), names=names))
    assert (spelled(panel), spelled(panel, 1)) == ("nnllnlnnnn", "nnnnnnnnnn")


@pytest.mark.parametrize(
    "names",
    [("Start [s]", "Stop [s]"), ("onset", "offset"), ("von", "bis"), ("tmin", "tmax"), ("beginTime", "endTime")],
)
def test_bounds_are_found_by_common_names(names: tuple[str, str]) -> None:
    panel = read_table(series(), labels=TABLE.rename(columns=dict(zip(("start", "end"), names, strict=True))))
    assert spelled(panel, 1) == "wwwnnrrrrr"


def test_durations_may_replace_the_end() -> None:
    table = intervals(("r1", 2, 3, "a"), ("r1", 7, 0, "b"), names=("series_id", "onset", "duration", "label"))
    assert spelled(read_table(series(["r1"]), labels=table)) == "nnaaaannnn".replace("nnnn", "nbnn")


def test_an_end_comes_before_a_duration() -> None:
    table = intervals(
        ("r1", 2, 3, 1, "a"), ("r1", 7, 7, 0, "b"), names=("series_id", "start", "end", "duration", "label")
    )
    assert spelled(read_table(series(["r1"]), labels=table)) == "nnaannnbnn"


def test_a_step_at_which_intervals_meet_belongs_to_the_next() -> None:
    table = intervals(("r1", 0, 5, "a"), ("r1", 5, 9, "b"))
    panel = read_table(series(["r1"]), labels=table)
    assert spelled(panel) == "aaaaabbbbb"
    assert not any("different labels" in note for note in panel.notes)


def test_decimal_bounds_include_the_steps_at_these_times() -> None:
    panel = read_table(
        series(["r1"], np.arange(10) * 0.1), labels=intervals(("r1", 0.3, 0.6, "a"), ("r1", 0.8, 0.8, "b"))
    )
    assert spelled(panel) == "nnnaaaanbn"


def test_an_interval_between_two_steps_labels_the_step_before() -> None:
    table = intervals(("r1", 2.2, 2.8, "a"), ("r1", 6, 6, "b"))
    assert spelled(read_table(series(["r1"]), labels=table)) == "nnannnbnnn"


def test_a_small_overlap_counts_for_the_later_interval() -> None:
    table = intervals(("r1", 0, 45, "a"), ("r1", 44, 99, "b"))
    panel = read_table(series(["r1"], np.arange(10)).iloc[np.zeros(100, int)].assign(time=np.arange(100)), labels=table)
    assert words(panel).count("a") == 44
    assert (
        "2 steps lie in intervals of different labels, the first in one of 'b' of series 'r1': each step has the "
        in ("".join(panel.notes))
    )


def test_overlapping_labels_are_several_labels_of_a_step() -> None:
    panel = read_table(series(["r1"]), labels=intervals(("r1", 0, 5, "fog"), ("r1", 3, 8, "rain")))
    assert panel.step_labels is not None
    assert panel.step_labels.names == ("label_fog", "label_rain")
    assert panel.step_labels.codes.T.tolist() == [[1, 1, 1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 1, 1, 0]]
    assert any("each step has several labels, one for each class" in note for note in panel.notes)


def test_several_label_columns_are_several_labels() -> None:
    names = ("series_id", "start", "end", "label_fog", "label_rain")
    table = intervals(("r1", 0, 2, 1, 0), ("r1", 2, 4, 1, 1), ("r1", 6, 7, None, 1), names=names)
    panel = read_table(series(["r1"]), labels=table)
    assert panel.step_labels is not None
    assert panel.step_labels.codes.T.tolist() == [[1, 1, 1, 1, 1, 0, -1, -1, 0, 0], [0, 0, 1, 1, 1, 0, 1, 1, 0, 0]]


def test_a_mask_makes_the_steps_of_an_interval_unknown() -> None:
    table = TABLE.assign(sure=[1, 0, 1])
    assert spelled(read_table(series(), labels=table, mask="sure"), 1) == "???nnrrrrr"


def test_dates_are_read_as_those_of_the_series(tmp_path: Path) -> None:
    clock = pd.date_range("2025-03-01 08:00", periods=10, freq="min").strftime("%d.%m.%Y %H:%M")
    rows = [["Aufnahme", "Beginn", "Ende", "Zustand"], ["r1", "01.03.2025 08:02", "01.03.2025 08:04", "an"]]
    labels = write_sheets(
        tmp_path / "labels.xlsx", {"a": [*rows, ["r1", "01.03.2025 08:07", "01.03.2025 08:07", "an"]]}
    )
    assert spelled(read_table(series(["r1"], clock), labels=labels)) == "nnaaannann"


def test_numbers_count_from_the_beginning_of_a_dated_series() -> None:
    clock = pd.date_range("2025-03-01 08:00", periods=10, freq="s")
    names = ("series_id", "Start [ms]", "End [ms]", "label")
    panel = read_table(
        series(["r1"], clock), labels=intervals(("r1", 2000, 4500, "a"), ("r1", 7000, 7e3, "b"), names=names)
    )
    assert spelled(panel) == "nnaaannbnn"
    assert panel.notes[0] == (
        "took 'Start [ms]' and 'End [ms]' of the labels table as ms since the beginning of each series"
    )


@pytest.mark.parametrize(
    ("start", "end"), [("08:00:02", "08:00:04"), ("00:00:02", "00:00:04"), ("0:00:02", "0:00:04.5")]
)
def test_times_of_day_and_elapsed_times_are_distinguished(start: str, end: str) -> None:
    clock = pd.date_range("2025-03-01 08:00", periods=10, freq="s")
    assert spelled(read_table(series(["r1"], clock), labels=intervals(("r1", start, end, "a")))) == "nnaaannnnn"


def test_units_in_names_are_converted_to_the_clock() -> None:
    names = ("series_id", "start [s]", "end [s]", "label")
    table = intervals(("r1", 0.002, 0.004, "a"), ("r1", 0.007, 0.007, "b"), names=names)
    assert spelled(read_table(series(["r1"]), labels=table, units={"time": "ms"})) == "nnaaannbnn"


def test_times_may_count_from_the_beginning_of_each_series() -> None:
    frame = series(["r1"], 1.7e9 + TEN)
    assert spelled(read_table(frame, labels=intervals(("r1", 2, 4, "a"), ("r1", 7, 7, "b")))) == "nnaaannbnn"


@pytest.mark.parametrize("names", [("start", "end"), ("first_step", "last_step"), ("start_sample", "end_sample")])
def test_series_without_clock_have_intervals_of_steps(names: tuple[str, str]) -> None:
    table = intervals(("r1", 2, 4, "a"), ("r1", 7, 7, "b"), names=("series_id", *names, "label"))
    assert spelled(read_table(series(["r1"]).drop(columns="time"), labels=table)) == "nnaaannbnn"


def test_a_single_series_needs_no_ids() -> None:
    assert spelled(read_table(series(["r1"]), labels=TABLE[1:].drop(columns="series_id"))) == "wwwnnrrrrr"


def test_several_series_need_ids() -> None:
    assert message_of(DataError, read_table, series(), labels=TABLE.drop(columns="series_id")) == (
        "expected a column 'series_id' with the ids of the series in the labels table, got columns 'start', 'end', "
        "'label', none of which holds such ids; the series are 'r1', 'r2'"
    )


def test_a_series_without_interval_is_noted_and_lies_outside() -> None:
    panel = read_table(series(), labels=TABLE[1:])
    assert spelled(panel) == "nnnnnnnnnn"
    assert panel.notes[-1] == "the labels table has no interval of 1 series: 'r1'"


def test_intervals_of_unknown_series_are_noted() -> None:
    panel = read_table(series(["r2"]), labels=TABLE)
    assert panel.notes[0] == "intervals of 1 unknown series ignored: 'r1'"
    assert spelled(panel) == "wwwnnrrrrr"


def test_intervals_that_cover_no_step_are_noted() -> None:
    panel = read_table(series(["r1"]), labels=intervals(("r1", 2, 4, "a"), ("r1", 70, 80, "b")))
    assert panel.notes[0] == "1 of 2 intervals of the labels table cover no step, the first is 70 to 80 of series 'r1'"


def test_intervals_on_another_clock_are_refused() -> None:
    table = intervals(("r1", 200, 400, "a"), ("r1", 700, 800, "b"))
    assert message_of(DataError, read_table, series(["r1"]), labels=table) == (
        "expected intervals within the series in the labels table, got none that covers a step: the first is 200 to 400 "
        "of series 'r1', whose steps are from 0 to 9; correct the clock or the unit of 'start' and 'end'"
    )


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    table = intervals(("r1", 2, 4, "a"), ("r1", 8, 7, "b"))
    assert message_of(DataError, read_table, series(["r1"]), labels=table) == (
        "expected an end at or after its start in row 1 (the first is 0) of the labels table, got 8 to 7; correct it"
    )


def test_dates_for_a_clock_of_numbers_are_refused() -> None:
    table = intervals(("r1", "2025-03-01", "2025-03-02", "a"), ("r1", "2025-03-03", "2025-03-04", "b"))
    assert message_of(DataError, read_table, series(["r1"]), labels=table) == (
        "expected numbers in column 'start' of the labels table, as in the clock of the series, got dates without a time "
        "zone; convert one of them"
    )


def test_an_interval_without_a_label_is_refused() -> None:
    table = intervals(("r1", 2, 4, "a"), ("r1", 7, 8, None))
    assert message_of(LabelError, read_table, series(["r1"]), labels=table) == (
        "expected no empty cell in column 'label', got one in row 1 (the first is 0) of the labels table; write the label, "
        "or leave that series out"
    )


def test_comments_are_refused_as_labels() -> None:
    table = intervals(*(("r1", row / 200, row / 200, f"comment {row}") for row in range(1_001)))
    assert message_of(LabelError, read_table, series(["r1"]), labels=table) == (
        "expected at most 1,000 labels in column 'label' of the labels table, got 1,001; name the column of the label with "
        "label=... (--label)"
    )


def test_columns_that_are_constant_in_a_series_are_metadata() -> None:
    panel = read_table(series(), labels=TABLE.assign(subject=["ann", "bob", "bob"], comment=["", "x", "y"]))
    assert panel.metadata is not None
    assert panel.metadata.to_pydict() == {"subject": ["ann", "bob"]}


@given(
    bounds=st.lists(st.tuples(st.integers(-3, 45), st.integers(0, 12), st.sampled_from("abc")), min_size=1, max_size=6),
    gaps=st.lists(st.integers(1, 5), min_size=3, max_size=12),
)
def test_labels_are_those_of_a_step_by_step_search(bounds: list[tuple[int, int, str]], gaps: list[int]) -> None:
    times = np.cumsum(gaps)
    rows = sorted((start, start + length, word) for start, length, word in bounds)
    if not any(((times >= start) & (times <= end)).any() for start, end, _ in rows):
        return
    times, rows = times - times[0], [(start - times[0], end - times[0], word) for start, end, word in rows]
    frame = pd.DataFrame({"series_id": "r1", "time": times, "x": times + 0.5})
    panel = read_table(frame, labels=intervals(*(("r1", *row) for row in rows)), per_step=True)
    labels = panel.step_labels
    assert labels is not None
    for step, time in enumerate(times):
        inside = [word for start, end, word in rows if start <= time <= end]
        after = times[step + 1] if step + 1 < len(times) else None
        between = [word for start, end, word in rows if after is not None and time < start <= end < after]
        found = {*inside, *between}
        if len(labels.names) > 1:
            assert {name for name, code in zip(labels.names, labels.codes[step], strict=True) if code} == {
                f"label_{word}" for word in found
            }
        elif len(found) == 1:
            assert labels.classes[labels.codes[step, 0]] in found
        elif not found:
            assert labels.classes[labels.codes[step, 0]] not in {word for *_, word in rows}
