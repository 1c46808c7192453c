import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.data.store.write import write_store
from limelight.errors import DataError, ParameterError
from support.errors import message_of


def _write(folder, **files):
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return str(folder / "*.csv")


def read_error(given, **options):
    return message_of(DataError, read_table, given, **options)


def test_files_of_a_pattern_are_read_in_name_order(tmp_path):
    pattern = _write(tmp_path, b=["series_id,x", "q,3", "p,4"], a=["series_id,x", "p,1", "p,2"])
    panel = read_table(pattern)
    assert panel.ids.tolist() == ["p", "q"]
    assert panel.series(0)[:, 0].tolist() == [1, 2, 4]


def test_a_list_of_files_is_read_in_its_order(tmp_path):
    _write(tmp_path, b=["series_id,x", "q,3"], a=["series_id,x", "p,1"])
    assert read_table([tmp_path / "b.csv", tmp_path / "a.csv"]).ids.tolist() == ["q", "p"]


def test_files_without_an_id_are_one_series_each(tmp_path):
    pattern = _write(tmp_path, pump_2=["time,x", "0,3", "1,4"], pump_1=["time,x", "0,1"])
    panel = read_table(pattern)
    assert panel.ids.tolist() == ["pump_1", "pump_2"]
    assert panel.notes == ("no column 'series_id': each of the 2 files is one series, named by its file",)


def test_the_order_of_columns_may_differ_between_files(tmp_path):
    pattern = _write(tmp_path, a=["series_id,x,y", "p,1,2"], b=["y,series_id,x", "4,q,3"])
    assert read_table(pattern).values.tolist() == [[1, 2], [3, 4]]


def test_files_whose_columns_differ_are_named(tmp_path):
    pattern = _write(tmp_path, a=["series_id,x,y", "p,1,2"], b=["series_id,x", "q,3"])
    assert read_error(pattern) == (
        f"expected the same columns in every file, got 'y' in '{tmp_path / 'a.csv'}' but not in "
        f"'{tmp_path / 'b.csv'}'; make the columns the same, or read the files separately"
    )


def test_a_pattern_without_matches_lists_existing_files(tmp_path):
    _write(tmp_path, a=["series_id,x", "p,1"])
    assert read_error(str(tmp_path / "*.parquet")) == (
        f"expected files that match '{tmp_path / '*.parquet'}', got none; the folder '{tmp_path}' holds 'a.csv'"
    )
    assert read_error(str(tmp_path / "logs" / "*.csv")) == (
        f"expected files that match '{tmp_path / 'logs' / '*.csv'}', got none; '{tmp_path / 'logs'}' holds nothing"
    )


def test_an_error_is_located_in_its_file(tmp_path):
    pattern = _write(tmp_path, a=["series_id,x", "p,1"], b=["series_id,x", "q,3", "q,four", "q,5"])
    assert read_error(pattern) == (
        f"expected a number in column 'x', got 'four' in line 3 of '{tmp_path / 'b.csv'}' (series 'q'); correct it, or "
        "leave the cell empty if the value is unknown"
    )


def test_two_clocks_in_one_file_are_located(tmp_path):
    pattern = _write(tmp_path, a=["series_id,time,x", "p,0,1", "p,1,2", "p,2024-01-01,3"])
    file = tmp_path / "a.csv"
    assert read_error(pattern) == (
        f"expected one kind of time in column 'time', got dates without a time zone and numbers: '0' in line 2 of '{file}' and "
        f"'2024-01-01' in line 4 of '{file}'; write all times in the same format"
    )


def test_two_clocks_in_two_files_are_located(tmp_path):
    pattern = _write(tmp_path, a=["series_id,time,x", "p,0,1"], b=["series_id,time,x", "q,2024-01-01,1"])
    assert read_error(pattern) == (
        f"expected one kind of time in all files, got numbers in '{tmp_path / 'a.csv'}' and dates without a time zone in line 2 of "
        f"'{tmp_path / 'b.csv'}'; write all times in the same format"
    )


def test_whole_numbers_and_fractions_are_one_clock(tmp_path):
    pattern = _write(tmp_path, a=["series_id,time,x", "p,0,1"], b=["series_id,time,x", "p,0.5,1"])
    assert read_table(pattern).times.tolist() == [0.0, 0.5]


def test_mixed_times_with_and_without_zone_are_refused(tmp_path):
    pattern = _write(tmp_path, a=["series_id,time,x", "p,2024-01-01T00:00,1", "p,2024-01-01T01:00Z,2"])
    file = tmp_path / "a.csv"
    assert read_error(pattern) == (
        f"expected one kind of time in column 'time', got dates with a time zone and dates without a time zone: '2024-01-01T00:00' in "
        f"line 2 of '{file}' and '2024-01-01T01:00Z' in line 3 of '{file}'; write all times in the same format"
    )


def test_several_time_zones_become_utc_with_a_note(tmp_path):
    pattern = _write(tmp_path, a=["series_id,time,x", "p,2024-03-31T01:30+01:00,1", "p,2024-03-31T03:00+02:00,2"])
    panel = read_table(pattern)
    assert panel.times.astype("datetime64[m]").astype(str).tolist() == ["2024-03-31T00:30", "2024-03-31T01:00"]
    assert panel.units == {"time": "UTC"}
    assert panel.notes == ("times in 'time' have several time zones (+01:00, +02:00); all were converted to UTC",)


def test_two_possible_clock_columns_are_refused():
    table = pa.table({"series_id": ["a"], "timestamp": [0], "date": ["2024-01-01"], "x": [1.0]})
    assert read_error(table) == (
        "expected one time column in the series table, got 'timestamp', 'date'; choose one with time=... "
        '("time" in the data section of an experiment file, --time on the command line)'
    )
    assert read_table(table, time="timestamp").channels == ("x",)


@pytest.mark.parametrize(
    ("columns", "notes"),
    [
        ({"id": ["a"], "x": [1.0]}, ("took column 'id' as id",)),
        ({"series_id": ["a"], "Date": ["2024-01-01"], "x": [1.0]}, ("took column 'Date' as time",)),
        ({"series_id": ["a"], "x": [1.0], "Activity": ["walk"]}, ("took column 'Activity' as label",)),
        ({"series_id": ["a"], "x": [1.0], "label_rain": [1]}, ("per-step labels were not read: 'label_rain'",)),
    ],
)
def test_inferred_roles_are_noted(columns, notes):
    assert read_table(pa.table(columns)).notes == notes


def test_text_constant_within_a_series_is_metadata():
    table = pa.table({"series_id": ["a", "a", "b"], "x": [1.0, 2.0, 3.0], "site": ["north", "north", None]})
    assert read_table(table).metadata.to_pylist() == [{"site": "north"}, {"site": None}]


def test_units_are_read_from_parquet_and_from_arguments(tmp_path):
    fields = [pa.field("series_id", pa.string()), pa.field("x", pa.float32(), metadata={"unit": "mm"})]
    parquet.write_table(pa.table({"series_id": ["a"], "x": [1.0]}, schema=pa.schema(fields)), tmp_path / "s.parquet")
    assert read_table(tmp_path / "s.parquet").units == {"x": "mm"}
    assert read_table(tmp_path / "s.parquet", units={"x": "m", "time": "s"}).units == {"x": "m", "time": "s"}
    with pytest.raises(ParameterError) as error:
        read_table(tmp_path / "s.parquet", units={"speed": "m/s"})
    assert str(error.value) == "expected units for channels or for time, got a unit for 'speed'; known are: x"


def test_labels_of_steps_are_read_on_request():
    table = pa.table({"series_id": ["a", "a"], "x": [1.0, 2.0], "label": ["rest", None]})
    steps = read_table(table, per_step=True).step_labels
    assert (steps.names, steps.classes, steps.codes.tolist()) == (("label",), ("rest",), [[0], [-1]])


def test_several_labels_of_steps_are_zero_and_one():
    table = pa.table({"series_id": ["a", "a"], "x": [1.0, 2.0], "label_fog": [1, 1], "label_rain": [1.0, np.nan]})
    steps = read_table(table, per_step=True).step_labels
    assert (steps.names, steps.classes) == (("label_fog", "label_rain"), ("0", "1"))
    assert steps.codes.tolist() == [[1, 1], [1, -1]]


def test_wide_files_without_ids_are_numbered_in_each_file(tmp_path):
    lines = ["0,1,2,3,4", "1,2,3,4,5", "6,7,8,9,10"]
    assert read_table(_write(tmp_path, b=lines, a=lines)).ids.tolist() == ["a_0", "a_1", "b_0", "b_1"]


def test_numbered_channels_beside_a_stated_id_and_clock_are_long():
    table = pa.table({"unit": ["a", "a"], "cycle": [1, 2], **{f"s{place}": [1.0, 2.0] for place in range(9)}})
    assert read_table(table, id="unit", time="cycle").shape == (1, 2, 9)


def test_channels_of_stores_and_archives_are_selected_by_name(tmp_path):
    (tmp_path / "toy.ts").write_text("@problemName toy\n@dimensions 2\n@classLabel false\n@data\n1,2:3,4\n")
    assert read_table(tmp_path / "toy.ts", channels=["channel_1"]).values.tolist() == [[3], [4]]
    store = write_store(Panel.from_series([[[1.0, 2.0]]], channels=["x", "y"]), tmp_path / "store")
    assert read_table(store, channels=["x", "y"]).channels == ("x", "y")
    assert read_error(store, channels=["y"]) == (
        f"expected the channels of '{store}', which are 'x', 'y', got 'y'; pack only the channels you want"
    )
    assert read_error(tmp_path / "toy.ts", channels=["z"]) == (
        f"expected the channels of '{tmp_path / 'toy.ts'}', which are 'channel_0', 'channel_1', got 'z'; choose from them"
    )
