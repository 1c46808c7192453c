"""The time column: ISO dates, dates as spreadsheets write them, times of day."""

import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import limelight as ll
from limelight.data.reading.sources import Source
from limelight.data.reading.times import read_clock
from limelight.errors import DataError

STAMPS = st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2068, 12, 31)).map(
    lambda stamp: stamp.replace(microsecond=0)
)
FORMS = ["%d.%m.%Y %H:%M:%S", "%d.%m.%y %H:%M:%S", "%d.%m.%Y, %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
NAMED_MONTHS = [
    "%d-%b-%Y %H:%M:%S", "%d-%b-%y %H:%M:%S", "%d%b%Y:%H:%M:%S", "%B %d, %Y %I:%M:%S %p", "%d. %B %Y, %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S", "%A, %B %d, %Y at %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y-%b-%d %H:%M:%S", "%Y%m%dT%H%M%S",
]  # fmt: skip


def clock_of(cells: list[str]) -> list[datetime.datetime]:
    clock = read_clock(Source(pa.table({"time": cells}), "the series table"), "time")
    return clock.times.astype("datetime64[s]").tolist()


@given(st.lists(STAMPS, min_size=1, max_size=5), st.sampled_from(FORMS))
def test_dates_of_spreadsheets_are_read_as_written(stamps: list[datetime.datetime], form: str) -> None:
    assert clock_of([stamp.strftime(form) for stamp in stamps]) == stamps


@given(st.lists(STAMPS, min_size=1, max_size=5), st.sampled_from(NAMED_MONTHS))
def test_dates_with_names_of_months_are_read_as_written(stamps: list[datetime.datetime], form: str) -> None:
    assert clock_of([stamp.strftime(form) for stamp in stamps]) == stamps


@pytest.mark.parametrize(
    ("cell", "stamp"),
    [
        ("2024-01-31 12:00:00 UTC", "2024-01-31T12:00:00"),
        ("2024-01-31 12:00:00 +0100", "2024-01-31T11:00:00"),
        ("31-Jan-2024 12:00 GMT", "2024-01-31T12:00:00"),
        ("Wed Jan 31 2024 12:00:00 GMT+0100 (Central European Standard Time)", "2024-01-31T11:00:00"),
        ("31/Jan/2024:12:00:00 +0100", "2024-01-31T11:00:00"),
        ("Wed Jan 31 12:00:00 UTC 2024", "2024-01-31T12:00:00"),
    ],
)
def test_zones_beside_a_time_are_read(cell: str, stamp: str) -> None:
    clock = read_clock(Source(pa.table({"time": [cell]}), "x"), "time")
    assert (clock.kind, clock.times.tolist()) == (
        "dates with a time zone",
        np.array([stamp], "datetime64[ns]").tolist(),
    )


@pytest.mark.parametrize("cell", ["Jan 2024", "January 2024", "2024-01", "2024 Jan", "2024M01", "01/2024"])
def test_months_alone_are_their_first_day(cell: str) -> None:
    assert clock_of([cell]) == [datetime.datetime(2024, 1, 1)]


@pytest.mark.parametrize(
    "cell", ["25 Januar 2024", "Jan-24", "25 Jan 10:20:00", "31-Feb-2024", "25-Jab-2024", "2024-13"]
)
def test_dates_with_unknown_words_are_refused(cell: str) -> None:
    with pytest.raises(DataError) as error:
        clock_of(["25-Jan-2024", cell])
    assert str(error.value) == (
        f"expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column 'time', got {cell!r} in row 1 "
        "(the first is 0) of the series table; write all times in one of these formats"
    )


def test_dates_with_names_of_months_are_found_by_content() -> None:
    days = ["30-Jan-2024", "31-Jan-2024", "01-Feb-2024"] * 3
    table = pa.table({"series_id": [*"aaabbbccc"], "measured": days, "x": np.arange(9) ** 2.0})
    panel = ll.read_table(table)
    assert panel.times is not None
    assert panel.times[:3].astype("datetime64[D]").astype(str).tolist() == ["2024-01-30", "2024-01-31", "2024-02-01"]


@given(st.lists(STAMPS, min_size=1, max_size=5), st.sampled_from(["%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"]))
def test_a_day_above_12_shows_the_order(stamps: list[datetime.datetime], form: str) -> None:
    stamps = [*stamps, datetime.datetime(2024, 1, 31)]
    assert clock_of([stamp.strftime(form) for stamp in stamps]) == stamps


def test_single_digits_and_decimal_commas_in_seconds() -> None:
    times = read_clock(Source(pa.table({"time": ["1.2.2024 9:05:00,25"]}), "the series table"), "time").times
    assert times.tolist() == np.array(["2024-02-01T09:05:00.25"], "datetime64[ns]").tolist()


def test_times_of_day_are_seconds() -> None:
    assert read_clock(Source(pa.table({"time": ["00:00:01", "00:01:00.5"]}), "x"), "time").times.tolist() == [1.0, 60.5]


def test_both_orders_of_day_and_month_are_rejected() -> None:
    with pytest.raises(DataError) as error:
        clock_of(["13/01/2024", "01/14/2024"])
    assert str(error.value) == (
        "expected one order of day and month in column 'time', got '13/01/2024' in row 0 (the first is 0) of the series "
        "table and '01/14/2024' in row 1 (the first is 0) of the series table; write all dates in the same format, best "
        "as 2024-01-31"
    )


def test_a_date_that_does_not_exist_is_quoted_as_written() -> None:
    with pytest.raises(DataError) as error:
        clock_of(["31.01.2024", "31.02.2024"])
    assert str(error.value) == (
        "expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column 'time', got '31.02.2024' in row "
        "1 (the first is 0) of the series table; write all times in one of these formats"
    )


def table_of(times: list[str]) -> pa.Table:
    return pa.table({"series_id": ["a"] * len(times), "time": times, "x": np.arange(len(times)) ** 2.0})


def test_the_order_of_day_and_month_is_noted() -> None:
    panel = ll.read_table(table_of(["01/13/2024", "02/01/2024"]))
    assert panel.notes == ("read the dates in 'time' with the month first",)
    assert panel.times is not None
    assert panel.times.astype("datetime64[D]").tolist() == [datetime.date(2024, 1, 13), datetime.date(2024, 2, 1)]


def test_an_undetermined_order_of_day_and_month_is_noted() -> None:
    assert ll.read_table(table_of(["01/02/2024", "02/02/2024"])).notes == (
        "read the dates in 'time' with the day first, although no date shows whether day or month comes first; write "
        "dates as 2024-01-31 if the month comes first",
    )


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (["00:30.500", "1:00.500"], [30.5, 60.5]),
        (["12:00:30 AM", "1:00:00 PM"], [30.0, 46800.0]),
        (["12:30 a.m.", "12:30 p.m."], [1800.0, 45000.0]),
        (["0 days 00:00:30", "1 days 00:00:00.5"], [30.0, 86400.5]),
        ([datetime.time(0, 0, 30), datetime.time(1, 0)], [30.0, 3600.0]),
    ],
    ids=["minutes and seconds", "halves of the day", "hours and minutes", "time differences of pandas", "times of day"],
)
def test_durations_are_seconds(cells: list[object], seconds: list[float]) -> None:
    assert read_clock(Source(pa.table({"time": cells}), "x"), "time").times.tolist() == seconds


@given(st.lists(STAMPS, min_size=1, max_size=5), st.sampled_from(["%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"]))
def test_whole_numbers_are_dates_if_all_are(stamps: list[datetime.datetime], form: str) -> None:
    numbers = [stamp.strftime(form) for stamp in stamps]
    column = pa.table({"time": [int(number) for number in numbers]})
    assert clock_of(numbers) == [datetime.datetime.strptime(number, form) for number in numbers]
    assert read_clock(Source(column, "x"), "time").kind == "dates without a time zone"


@pytest.mark.parametrize("numbers", [[20240131, 20240132], [1709251200, 1709251201], [20240000, 20240001], [0, 1]])
def test_other_whole_numbers_are_not_dates(numbers: list[int]) -> None:
    assert read_clock(Source(pa.table({"time": numbers}), "x"), "time").times.tolist() == numbers


def test_dates_written_as_numbers_are_found_and_noted() -> None:
    days = [20240130, 20240131, 20240201] * 3
    table = pa.table({"series_id": ["a"] * 3 + ["b"] * 3 + ["c"] * 3, "measured": days, "x": np.arange(9) ** 2.0})
    assert ll.read_table(table).notes == (
        "took column 'measured' as time: it rises within each series; name another with time=... (--time)",
        "read the numbers in 'measured' as dates: 20240130 as 2024-01-30 00:00:00",
    )
