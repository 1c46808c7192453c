import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.data.reading.formats import describe_suffixes
from limelight.data.reading.tables import read_split, read_table
from limelight.data.splitting.splits import PARTS, named_split
from limelight.data.writing import write_split, write_table
from limelight.errors import DataError, LabelError, ParameterError
from support.errors import message_of
from support.strategies import assert_equal, panels, words

STEPS = {"series_id": ["a", "a", "b"], "time": [0, 1, 0], "speed": [1.0, 2.0, 3.0]}


def _csv(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read_error(error_class, *arguments, **options):
    return message_of(error_class, read_table, *arguments, **options)


def _read_folder(folder):
    beside = {"labels": folder / "labels.csv", "metadata": folder / "metadata.parquet"}
    tables = {name: file for name, file in beside.items() if file.exists()}
    written = parquet.read_schema(folder / "series.parquet").names
    steps = any(name.startswith("label") for name in written)
    masked = "labels" in tables and "known" in tables["labels"].read_text().splitlines()[0].split(",")
    return read_table(
        folder / "series.parquet",
        **tables,
        per_step=steps and "labels" not in tables,
        mask="known" if masked else None,
    )


@given(panel=panels())
@settings(deadline=None)
def test_a_written_panel_reads_back_equal(panel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_table(panel, folder)
    assert_equal(_read_folder(folder), panel)


@given(panel=panels().filter(lambda panel: panel.times is not None), draw=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_shuffled_rows_can_be_sorted(panel, draw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    write_table(panel, folder)
    table = parquet.read_table(folder / "series.parquet")
    rows = list(range(table.num_rows))
    draw.shuffle(rows)
    mixed = read_table(table.take(rows), sort=True, per_step=panel.step_labels is not None)
    again = mixed[mixed.rows_of(panel.ids)].replace(
        labels=panel.labels, label_names=panel.label_names, intervals=panel.intervals, metadata=panel.metadata
    )
    assert_equal(again, panel)


def test_a_slice_of_a_panel_is_written_alone(tmp_path):
    panel = Panel.from_series([[1.0], [2.0, 3.0], [4.0]], ids=["a", "b", "c"], labels=["x", "y", "x"])[[2, 1]]
    write_table(panel, tmp_path)
    assert_equal(_read_folder(tmp_path), panel)


def test_writing_without_labels_writes_the_series_alone(tmp_path):
    write_table(Panel.from_series([[1.0]]), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["series.parquet"]


def test_a_panel_with_repeated_ids_is_not_written(tmp_path):
    with pytest.raises(DataError) as error:
        write_table(Panel.from_series([[1.0]], ids=["a"])[[0, 0]], tmp_path)
    assert str(error.value) == (
        "expected each id once, got 'a' more than once; give every series a distinct id before writing"
    )


def test_a_channel_named_like_a_label_is_not_written(tmp_path):
    with pytest.raises(DataError) as error:
        write_table(Panel.from_series([[1.0]], channels=["label"]), tmp_path)
    assert str(error.value) == (
        "expected no channel or signal with a reserved column name, got 'label'; rename them before writing"
    )


def test_csv_and_parquet_contain_the_same_series(tmp_path):
    csv = _csv(tmp_path / "s.csv", "series_id,time,speed", "a,0,1", "a,1,2", "b,0,3")
    parquet.write_table(pa.table(STEPS), tmp_path / "s.parquet")
    assert_equal(read_table(csv), read_table(str(tmp_path / "s.parquet")))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(STEPS),
        pd.DataFrame(STEPS, index=[7, 8, 9]).astype({"series_id": "category"}),
        pl.DataFrame(STEPS),
        pl.DataFrame(STEPS, schema_overrides={"series_id": pl.Categorical}),
        pl.DataFrame(STEPS).lazy(),
        pa.table(STEPS),
    ],
)
def test_every_type_of_frame_contains_the_same_series(frame):
    assert_equal(
        read_table(frame),
        Panel(
            np.array([[1], [2], [3]], np.float32),
            np.array([0, 2]),
            np.array([2, 1]),
            ids=["a", "b"],
            channels=["speed"],
            times=np.array([0, 1, 0]),
        ),
    )


def test_series_are_ordered_by_first_appearance():
    panel = read_table(pa.table({"series_id": [2, 1, 2, 1], "time": [0, 5, 1, 6], "x": [1.0, 2.0, 3.0, 4.0]}))
    assert panel.ids.tolist() == ["2", "1"]
    assert panel.values[:, 0].tolist() == [1, 3, 2, 4]
    assert panel.times.tolist() == [0, 1, 5, 6]


def test_sort_orders_the_steps_of_each_series():
    panel = read_table(pa.table({"series_id": ["a", "b", "a"], "time": [3, 0, 1], "x": [1.0, 2.0, 3.0]}), sort=True)
    assert panel.values[:, 0].tolist() == [3, 1, 2]


def test_without_a_time_column_row_order_is_the_clock():
    assert read_table(pa.table({"series_id": ["a", "a"], "x": [1.0, 2.0]})).times is None


def test_channels_are_the_columns_of_numbers_in_file_order(tmp_path):
    csv = _csv(tmp_path / "s.csv", "z,series_id,machine,time,a,label_fault", "1,x,north,0,2,1")
    assert read_table(csv).channels == ("z", "a")


def test_stated_channels_are_selected_and_ordered():
    table = pa.table({"series_id": ["s"], "a": [1.0], "b": [2], "c": ["3"]})
    assert read_table(table, channels=["c", "a"]).values.tolist() == [[3, 1]]


def test_missing_numbers_are_nan(tmp_path):
    csv = _csv(tmp_path / "s.csv", "series_id,a", "x,", "x, NA ", "x,nan", "x, 4")
    np.testing.assert_array_equal(read_table(csv, missing="keep").values[:, 0], [np.nan, np.nan, np.nan, 4])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["0", "1.5"], [0.0, 1.5]),
        (["2024-01-31", "2024-02-01 12:00"], ["2024-01-31T00:00", "2024-02-01T12:00"]),
        (["2024-01-31T00:00:00+01:00", "2024-01-31T00:00:00Z"], ["2024-01-30T23:00", "2024-01-31T00:00"]),
    ],
)
def test_times_in_csv_are_numbers_or_iso_dates(tmp_path, written, expected):
    csv = _csv(tmp_path / "s.csv", "series_id,time,a", *(f"x,{time},1" for time in written))
    times = read_table(csv).times
    assert times.tolist() == np.array(expected).astype(times.dtype).tolist()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pa.array([1, 2], pa.int32()), np.array([1, 2])),
        (pa.array([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)]), ["2024-01-01", "2024-01-02"]),
        (pa.array([0, 1], pa.timestamp("s", "Europe/Berlin")), ["1970-01-01", "1970-01-01T00:00:01"]),
        (pa.array([1500, 2500], pa.duration("ms")), np.array([1.5, 2.5])),
    ],
)
def test_times_of_frames_keep_their_type(times, expected):
    read = read_table(pa.table({"series_id": ["a", "a"], "time": times, "x": [1.0, 2.0]})).times
    expected = np.asarray(expected, dtype="datetime64[ns]" if isinstance(expected, list) else None)
    np.testing.assert_array_equal(read, expected)
    assert read.dtype == expected.dtype


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, -1], ["1", "-1"]),
        ([1.0, 2.5], ["1", "2.5"]),
        (["01", "None"], ["01", "None"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_labels_are_always_strings(labels, expected):
    table = pa.table({"series_id": ["a", "b"], "x": [1.0, 2.0], "label": labels})
    assert read_table(table).labels.tolist() == expected


def test_class_codes_in_csv_stay_as_written(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label", "b,-1", "a,01")
    assert read_table(pa.table(STEPS), labels=labels).labels.tolist() == ["01", "-1"]


def test_intervals_come_with_the_labels(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label,interval_start,interval_stop", "b,ok,,", "a,bad,1,2")
    assert read_table(pa.table(STEPS), labels=labels).intervals.tolist() == [[1, 2], [-1, -1]]


def test_other_column_names_can_be_stated(tmp_path):
    labels = _csv(tmp_path / "l.csv", "machine,state", "m,ok")
    series = pa.table({"machine": ["m"], "second": [5], "x": [1.0]})
    panel = read_table(series, labels=labels, id="machine", time="second", label="state")
    assert (panel.ids.tolist(), panel.times.tolist(), panel.labels.tolist()) == (["m"], [5], ["ok"])


def test_line_numbers_survive_quoted_breaks_and_empty_lines(tmp_path):
    csv = _csv(tmp_path / "s.csv", "series_id,note,a", 'x,"two', 'lines",1', "", "x,one,fast", "x,one,2")
    assert read_error(DataError, csv, channels=["a"]) == (
        f"expected a number in column 'a', got 'fast' in line 5 of '{csv}' (series 'x'); "
        "correct it, or leave the cell empty if the value is unknown"
    )


def test_a_missing_file_is_named_with_the_nearest(tmp_path):
    _csv(tmp_path / "series.csv", "series_id,a")
    path = tmp_path / "serie.csv"
    assert read_error(DataError, path) == (f"expected a file at '{path}', got none; did you mean 'series.csv'?")


def test_a_missing_file_is_named(tmp_path):
    path, lost = tmp_path / "s.csv", tmp_path / "no" / "s.csv"
    assert read_error(DataError, path) == f"expected a file at '{path}', got none; check the path"
    assert read_error(DataError, lost) == (
        f"expected a file at '{lost}', got none, nor a folder '{lost.parent}'; check the path"
    )


def test_a_folder_is_not_a_table(tmp_path):
    series = pa.table({"series_id": ["a"], "x": [1]})
    assert read_error(DataError, series, metadata=tmp_path) == (
        f"expected a file at '{tmp_path}', got a folder; name the file in it"
    )
    assert read_error(DataError, series, labels=tmp_path) == (
        f"expected files with labels in the folder '{tmp_path}', got none; name the table of labels"
    )


def test_another_file_type_is_refused(tmp_path):
    path = _csv(tmp_path / "series.doc", "x")
    assert read_error(DataError, path) == (
        f"expected {describe_suffixes()}, got '{path}'; save the series as one of these"
    )


def test_objects_that_are_no_table_are_refused():
    assert read_error(DataError, [1, 2]) == ("expected series as a DataFrame, a path, or a list of paths, got '[1, 2]'")


def test_text_among_the_numbers_of_a_frame_is_located():
    frame = pd.DataFrame({"series_id": ["a", "a", "b"], "x": [1.0, None, "fast"], "y": [1.0, 2.0, 3.0]})
    assert read_error(DataError, frame, channels=["x"], missing="keep") == (
        "expected a number in column 'x', got 'fast' in row 2 (the first is 0) of the series table "
        "(series 'b'); correct it, or leave the cell empty if the value is unknown"
    )


def test_mixed_ids_in_a_frame_are_text():
    assert read_table(pd.DataFrame({"series_id": [1, "b"], "x": [1.0, 2.0]})).ids.tolist() == ["1", "b"]


def test_mostly_numeric_text_is_a_faulty_channel():
    table = pa.table({"series_id": ["a", "a", "a"], "x": ["1", "fast", "2"], "y": [1.0, 2.0, 3.0]})
    assert read_error(DataError, table) == (
        "expected a number in column 'x', got 'fast' in row 1 (the first is 0) of the series table "
        "(series 'a'); correct it, or leave the cell empty if the value is unknown"
    )


def test_label_columns_are_never_channels():
    table = pa.table({"series_id": ["a"], "state": ["ok"], "state_of_charge": [1.0], "label_step": [0]})
    assert read_table(table, label="state").channels == ("state_of_charge",)


def test_a_frame_with_repeated_column_names_is_refused():
    frame = pd.DataFrame([["a", 1.0, 2.0]], columns=["series_id", "x", "x"])
    assert read_error(DataError, frame) == (
        "expected columns of different names in the DataFrame of series, got 'x' more than once; rename or drop the others"
    )


def test_a_frame_with_columns_of_levels_is_refused():
    frame = pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_product([["a"], ["x", "y"]]))
    assert read_error(DataError, frame) == (
        "expected one name for each column of the DataFrame of series, got columns of 2 levels; join their names, such as "
        "frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
    )


def test_a_frame_of_lists_is_refused():
    message = read_error(DataError, pd.DataFrame({"series_id": ["a", "a"], "x": [1.0, [2.0]]}))
    assert message.startswith("expected a DataFrame of plain columns as series, got one that cannot be converted")
    assert message.endswith("; give every column one type and a unique name")
    assert "\n" not in message


def test_an_empty_file_and_a_file_without_rows_are_refused(tmp_path):
    nothing, header = tmp_path / "n.csv", _csv(tmp_path / "h.csv", "series_id,a")
    nothing.touch()
    assert (
        read_error(DataError, nothing)
        == f"expected a table in '{nothing}', got an empty file; check the path, or write the table again"
    )
    assert (
        read_error(DataError, header)
        == f"expected at least one row in '{header}', got none; check the path, or write the table again"
    )


def test_a_damaged_parquet_file_is_refused(tmp_path):
    path = tmp_path / "s.parquet"
    parquet.write_table(pa.table(STEPS), path)
    whole = path.read_bytes()
    expected = f"expected a complete Parquet file, got '{path}', which is damaged or of another type; write it again"
    for damaged in (whole[:-20], whole[20:], b"text", whole[:4] + b"\xff" * 60 + whole[64:]):
        path.write_bytes(damaged)
        assert read_error(DataError, path) == expected


def test_a_csv_file_of_empty_lines_is_refused(tmp_path):
    path = _csv(tmp_path / "s.csv", "", "")
    assert (
        read_error(DataError, path)
        == f"expected a CSV file, got '{path}', which cannot be parsed as CSV; write it again"
    )


def test_a_line_with_another_number_of_cells_is_named(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,a", "x,1", "x,1,5", "x,1")
    assert read_error(DataError, path) == (
        f"expected 2 cells in every line of '{path}', got 3 in line 3; if commas are decimal signs, separate the "
        "cells by semicolons, else put text that contains commas in double quotes"
    )


def test_a_repeated_column_is_refused(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,a, a", "x,1,2")
    assert read_error(DataError, path) == f"expected unique column names in '{path}', got 'a' twice; rename one"


def test_an_unknown_column_is_refused_with_the_nearest():
    assert read_error(DataError, pa.table(STEPS), id="serie_id") == (
        "expected a column 'serie_id' (set by 'id') in the series table, got none of that name; "
        "did you mean 'series_id'?"
    )
    assert read_error(DataError, pa.table(STEPS), time="clock") == (
        "expected a column 'clock' (set by 'time') in the series table, got none of that name; "
        "known are: series_id, time, speed"
    )
    assert read_error(DataError, pa.table(STEPS), channels=["sped"]) == (
        "expected a column 'sped' (set by 'channels') in the series table, got none of that name; did you mean 'speed'?"
    )


def test_a_time_column_in_capitals_is_used_and_noted():
    panel = read_table(pa.table({"series_id": ["a"], "Time": [5], "x": [1.0]}))
    assert (panel.times.tolist(), panel.channels) == ([5], ("x",))
    assert panel.notes == ("took column 'Time' as time",)


def test_a_table_without_numbers_is_refused():
    assert read_error(DataError, pa.table({"series_id": ["a"], "note": ["x"]})) == (
        "expected at least one column of numbers besides 'series_id', 'time', 'label' in the series table, "
        "got 'note'; add the measurements"
    )


@pytest.mark.parametrize(("channels", "got"), [([], "no name"), (["time"], "'time'"), (["speed", "speed"], "'speed'")])
def test_impossible_channels_are_refused(channels, got):
    assert read_error(ParameterError, pa.table(STEPS), channels=channels) == (
        f"expected channels to name columns of measurements, each once, got {got}; "
        "omit channels to take every column of numbers"
    )


def test_invalid_values_of_missing_and_sort_are_refused():
    assert read_error(ParameterError, pa.table(STEPS), missing="fill") == (
        "expected missing to be 'error' or 'keep', got 'fill'"
    )
    assert read_error(ParameterError, pa.table({"series_id": ["a"], "x": [1.0]}), sort=True) == (
        "expected a time column to sort by, got none in the series table; omit sort"
    )


def test_text_among_numbers_is_located(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,a", "x,1", "x,", "y,2", "y, fast ")
    assert read_error(DataError, path, missing="keep") == (
        f"expected a number in column 'a', got 'fast' in line 5 of '{path}' (series 'y'); "
        "correct it, or leave the cell empty if the value is unknown"
    )


def test_a_channel_that_cannot_be_numbers_is_refused():
    table = pa.table({"series_id": ["a"], "x": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})
    assert read_error(DataError, table, channels=["x"]) == (
        "expected numbers in column 'x' of the series table, got cells of type month_day_nano_interval; "
        "leave it out of the channels or convert it to numbers"
    )


def test_missing_numbers_are_counted_and_the_first_is_located(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,a", "x,1", "y,", "y,NaN")
    assert read_error(DataError, path, missing="error") == (
        f"expected a number in every cell of column 'a', got 2 missing, the first in line 3 of '{path}' "
        "(series 'y'); fill them in, or set missing='keep' to read them as missing values"
    )


@pytest.mark.parametrize("missing", ["error", "keep"])
@pytest.mark.parametrize("number", [float("inf"), 1e300])
def test_infinite_numbers_are_located(tmp_path, missing, number):
    path = tmp_path / "s.parquet"
    parquet.write_table(pa.table({"series_id": ["x", "x"], "a": [None, number]}), path)
    assert read_error(DataError, path, missing=missing) == (
        "expected a finite number in column 'a', got infinity, or a number too large for float32, "
        f"in row 1 (the first is 0) of '{path}' (series 'x'); correct it, or leave that series out"
    )


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_id_is_located(empty):
    table = pa.table({"series_id": ["a", empty], "x": [1.0, 2.0]})
    assert read_error(DataError, table) == (
        "expected no empty cell in column 'series_id', got one in row 1 (the first is 0) "
        "of the series table; "
        "write the id of the series in every row, or leave the row out"
    )


def test_unordered_times_are_located_with_the_remedy(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,time,a", "x,2024-01-02,1", "y,2024-01-01,1", "x,2024-01-01,1")
    assert read_error(DataError, path) == (
        "expected increasing times within each series, got 2024-01-01 00:00:00 after 2024-01-02 00:00:00 "
        f"in line 4 of '{path}' (series 'x'); "
        "sort the rows by time with sort=True (--set data.sort=true), or take their order as the clock with time=None "
        "(--time none)"
    )


def test_a_repeated_time_with_other_values_is_located(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,time,a", "x,5,1", "x,5,2")
    assert read_error(DataError, path) == (
        f"expected distinct times in each series, got time 5 of series 'x' again in line 3 of '{path}', first in line 2 "
        f"of '{path}', with other values; correct the times, name the column that tells the recordings apart with "
        "id=... (--id), or take the order of the rows as the clock with time=None (--time none)"
    )


def test_a_repeated_time_is_located(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,time,a", "x,5,1", "y,5,1", "x,5,1")
    for sort in (False, True):
        assert read_error(DataError, path, sort=sort) == (
            f"expected distinct times in each series, got time 5 of series 'x' again in line 4 of '{path}', "
            f"first in line 2 of '{path}', with the same values; remove the repetition"
        )


def test_an_invalid_date_is_located(tmp_path):
    path = _csv(tmp_path / "s.csv", "series_id,time,a", "x,2024-01-01,1", "x,soon,1", "x,5,1")
    assert read_error(DataError, path) == (
        "expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column 'time', "
        f"got 'soon' in line 3 of '{path}'; write all times in one of these formats"
    )


@pytest.mark.parametrize("empty", ["", "NaT", "nan"])
def test_an_empty_time_is_located(tmp_path, empty):
    path = _csv(tmp_path / "s.csv", "series_id,time,a", "x,1,1", f"x,{empty},1")
    assert read_error(DataError, path) == (
        f"expected a time in every row of column 'time', got none in line 3 of '{path}'; "
        "fill it in, or leave the row out"
    )


def test_invalid_times_are_refused():
    table = pa.table({"series_id": ["a"], "time": [True], "x": [1.0]})
    assert read_error(DataError, table) == (
        "expected numbers or dates in the time column 'time' of the series table, got cells "
        "of type bool; "
        "convert them to numbers or dates"
    )


def test_times_beyond_the_range_of_nanoseconds_are_refused():
    table = pa.table({"series_id": ["a"], "time": [datetime.datetime(1500, 1, 1)], "x": [1.0]})
    assert read_error(DataError, table) == (
        "expected whole numbers up to 2^63 or dates from 1678 to 2262 in column 'time' of the series table, "
        "got some outside this range; count the time from a later start"
    )


def test_a_label_that_changes_within_a_series_is_located():
    table = pa.table({"series_id": ["a", "b", "a"], "x": [1.0, 2.0, 3.0], "label": ["ok", "ok", "bad"]})
    assert read_error(LabelError, table, per_step=False) == (
        "expected one label per series, got 'ok' and then 'bad' in series 'a', at row 2 "
        "(the first is 0) "
        "of the series table; split the series where its label changes, give it one label, or cut it into windows"
    )


def test_an_empty_label_is_located(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label", "a,ok", "b,")
    assert read_error(LabelError, pa.table(STEPS), labels=labels) == (
        f"expected no empty cell in column 'label', got one in line 3 of '{labels}'; "
        "write the label, or leave that series out"
    )


def test_a_label_that_is_not_a_number_is_empty():
    table = pa.table({"series_id": ["a", "b"], "x": [1.0, 2.0], "label": [1.0, float("nan")]})
    assert read_error(LabelError, table) == (
        "expected no empty cell in column 'label', got one in row 1 (the first is 0) of the series table; "
        "write the label in every row of its series"
    )


def test_ids_of_labels_without_series_are_located(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label", "a,ok", "c,ok", "d,ok")
    assert read_error(DataError, pa.table(STEPS), labels=labels) == (
        f"expected ids of the series table in '{labels}', got 'c', 'd', the first in line 3 of '{labels}'; there is no "
        "line for the series 'b'; write the ids in the same way"
    )


def test_series_without_a_label_are_named(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label", "a,ok")
    assert read_error(LabelError, pa.table(STEPS), labels=labels) == (
        f"expected a label for every series of the series table in '{labels}', got none for 'b'; "
        "add a line for each, or leave these series out"
    )


def test_a_repeated_series_among_the_labels_is_located(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label", "a,ok", "b,ok", "a,bad")
    assert read_error(DataError, pa.table(STEPS), labels=labels) == (
        f"expected each series once in '{labels}', got 'a' with label 'bad' in line 4 of '{labels}', "
        f"and with 'ok' in line 2 of '{labels}'; keep one of the two"
    )


@pytest.mark.parametrize("interval", ["1,3", "1,1", "0.5,1", "-1,1", "0,"])
def test_an_interval_outside_its_series_is_located(tmp_path, interval):
    labels = _csv(tmp_path / "l.csv", "series_id,label,interval_start,interval_stop", f"a,ok,{interval}", "b,ok,,")
    start, stop = (interval.replace("0,", "0,-1") if interval.endswith(",") else interval).split(",")
    assert read_error(DataError, pa.table(STEPS), labels=labels) == (
        "expected an interval of whole steps within the 2 steps of series 'a', "
        f"got {start} to {stop} in line 2 of '{labels}'; "
        "the stop is the step after the last, and both are -1 or empty for no interval"
    )


def test_one_interval_column_without_the_other_is_refused(tmp_path):
    labels = _csv(tmp_path / "l.csv", "series_id,label,interval_start", "a,ok,0", "b,ok,0")
    assert read_error(DataError, pa.table(STEPS), labels=labels) == (
        f"expected both columns 'interval_start', 'interval_stop' in '{labels}', got only 'interval_start'; "
        "add the other, or leave both out"
    )


def test_a_split_is_in_the_order_of_the_panel(tmp_path):
    path = _csv(tmp_path / "split.csv", "series_id,split", "c,test", "a,train", "b,validation")
    split = read_split(path, ["a", "b", "c"])
    assert [split.part(name).tolist() for name in ("train", "validation", "test")] == [[0], [1], [2]]
    assert split.describe() == f"split: 1 train, 1 validation, 1 test; as given in '{path}'"


@given(names=st.lists(words, min_size=1, max_size=8, unique=True), draw=st.data())
@settings(deadline=None)
def test_a_written_split_reads_back_the_same(names, draw, tmp_path_factory):
    chosen = draw.draw(st.lists(st.sampled_from(PARTS), min_size=len(names), max_size=len(names)))
    folder = tmp_path_factory.mktemp("split")
    write_split(named_split(chosen, names, "the test"), names, folder)
    again = read_split(folder / "split.csv", names)
    for part in PARTS:
        assert [chosen[row] for row in again.part(part)] == [part] * chosen.count(part)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["a,train"],
            "expected every series in '{}', got none of 'b'; add a line for each, or leave these series out",
        ),
        (
            ["a,train", "b,test", "c,test"],
            "expected ids of the series in '{0}', got 'c', the first in line 4 of '{0}'; "
            "remove these lines, or add the series",
        ),
        (
            ["a,train", "a,test", "b,test"],
            "expected each series once in '{0}', got 'a' with split 'test' in line 3 of '{0}', and with 'train' in "
            "line 2 of '{0}'; keep one of the two",
        ),
        (
            ["a,train", "b,"],
            "expected no empty cell in column 'split', got one in line 3 of '{}'; write train, validation or test",
        ),
        (
            ["a,train", "b,tests"],
            "expected train, validation or test for every series in '{}', got 'tests' for series 'b'; "
            "did you mean 'test'?",
        ),
    ],
)
def test_a_split_that_does_not_fit_is_refused(tmp_path, lines, message):
    path = _csv(tmp_path / "split.csv", "series_id,split", *lines)
    with pytest.raises(DataError) as error:
        read_split(path, ["a", "b"])
    assert str(error.value) == message.format(path)
