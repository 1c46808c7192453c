"""A clock in several columns: a date beside a time of day, or year, month and day."""

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import limelight as ll
from limelight.data.align import align
from limelight.data.reading.pack_long import pack_long
from limelight.data.reading.roles import find_roles
from limelight.data.reading.sheets import open_sheets
from limelight.data.store.open import open_store

STAMPS = [datetime.datetime(2024, 1, 31, 22) + datetime.timedelta(hours=hour) for hour in range(4)]
PARTS = {
    "ISO": {"date": "%Y-%m-%d", "time": "%H:%M:%S"},
    "German": {"Datum": "%d.%m.%Y", "Uhrzeit": "%H:%M"},
    "American": {"Date": "%m/%d/%Y", "Time": "%I:%M:%S %p"},
    "whole numbers": {"date": "%Y%m%d", "time": "%H:%M"},
    "hours": {"date": "%Y-%m-%d", "hour": "%H"},
    "in parts": {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H"},
}


def columns_of(parts: dict[str, str]) -> dict[str, list[str]]:
    return {name: [stamp.strftime(form) for stamp in STAMPS] * 2 for name, form in parts.items()}


def table_of(columns: dict[str, list[str]]) -> pa.Table:
    return pa.table({"series_id": ["a"] * 4 + ["b"] * 4, **columns, "x": np.arange(8) ** 2.0})


def times_of(panel: ll.Panel) -> list[datetime.datetime]:
    assert panel.times is not None
    times: list[datetime.datetime] = panel.times.astype("datetime64[s]").tolist()
    return times


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_columns_of_date_and_time_are_one_clock(parts: dict[str, str]) -> None:
    panel = ll.read_table(table_of(columns_of(parts)))
    assert times_of(panel) == STAMPS * 2
    assert panel.channels == ("x",)
    assert panel.metadata is None
    assert panel.notes[0] == (
        f"took columns {', '.join(map(repr, parts))} together as time; name one alone with time=... (--time)"
    )


@pytest.mark.parametrize("series", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("signal", PARTS.values(), ids=PARTS)
def test_signals_join_clocks_in_several_columns(series: dict[str, str], signal: dict[str, str]) -> None:
    panel = ll.read_table(table_of(columns_of(series)))
    rooms = table_of(columns_of(signal)).rename_columns(["series_id", *signal, "room"])
    aligned = align(panel, rooms.take(pa.array([5, 1, 2])))  # the second hour of both, and the third of the first
    np.testing.assert_array_equal(aligned.values[:, 1], [np.nan, 1, 4, 4, np.nan, 25, 25, 25])
    assert f"took columns {', '.join(map(repr, signal))} of the signal table together as time" in aligned.notes


def test_the_order_of_day_and_month_in_signals_is_noted() -> None:
    panel = ll.read_table(table_of(columns_of({"time": "%Y-%m-%d %H:%M:%S"})))
    rooms = pa.table({"series_id": ["a", "b"], "time": ["02/01/2024 00:00", "02/01/2024 00:00"], "room": [1.5, 2.5]})
    assert align(panel, rooms).notes[0] == (
        "read the dates in 'time' with the day first, although no date shows whether day or month comes first; write "
        "dates as 2024-01-31 if the month comes first"
    )


def test_typed_dates_and_times_of_day_are_one_clock(tmp_path: Path) -> None:
    columns = {"date": [stamp.date() for stamp in STAMPS] * 2, "time": [stamp.time() for stamp in STAMPS] * 2}
    table = pa.table({"series_id": ["a"] * 4 + ["b"] * 4, **columns, "x": np.arange(8) ** 2.0})
    parquet.write_table(table, tmp_path / "x.parquet")
    assert times_of(ll.read_table(tmp_path / "x.parquet")) == STAMPS * 2


def test_a_packed_table_has_one_clock(tmp_path: Path) -> None:
    rows = zip(*table_of(columns_of(PARTS["German"])).to_pydict().values(), strict=True)
    (tmp_path / "x.csv").write_text(
        "series_id;Datum;Uhrzeit;x\n" + "".join(";".join(map(str, row)) + "\n" for row in rows)
    )
    options = {"id": "series_id", "time": "time", "label": "label", "channels": None, "labels": None}
    pack_long(*find_roles(open_sheets(tmp_path / "x.csv"), **options), tmp_path / "packed", missing="keep", sort=False)
    assert times_of(open_store(tmp_path / "packed")) == STAMPS * 2


def test_a_named_time_column_is_the_clock_alone() -> None:
    panel = ll.read_table(
        table_of(columns_of(PARTS["ISO"])).drop_columns(["time"]).append_column("at", [[1, 2, 3, 4] * 2]), time="at"
    )
    assert panel.times is not None
    assert panel.times.tolist() == [1, 2, 3, 4] * 2


def test_a_date_that_is_a_field_is_not_joined() -> None:
    panel = ll.read_table(table_of(columns_of(PARTS["ISO"]) | {"date": ["2024-01-31"] * 8}), fields=["date"], sort=True)
    assert panel.metadata is not None
    assert panel.metadata.column_names == ["date"]


def test_the_date_is_the_id_of_daily_series() -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 9) for _ in range(4)]
    columns = {"date": days, "time": ["08:00", "09:00", "10:00", "11:00"] * 8, "x": np.arange(32) ** 2.0}
    assert ll.read_table(pa.table(columns)).ids.tolist() == sorted(set(days))


def test_rows_are_selected_by_a_part_of_the_clock() -> None:
    panel = ll.read_table(table_of(columns_of(PARTS["ISO"])), filter="date >= 2024-02-01")
    assert times_of(panel) == STAMPS[2:] * 2


def test_hours_beside_a_date_that_never_repeats_are_a_channel() -> None:
    columns = {"date": [f"2024-01-{day:02}" for day in range(1, 5)] * 2, "hour": ["6", "7", "5", "8"] * 2}
    assert ll.read_table(table_of(columns)).channels == ("hour", "x")
