"""Changes to and from summer time are recognised, and no suggested remedy drops rows."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.inspection.inspect_panel import inspect_panel
from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.data.summer_time import begins_summer_time, ends_summer_time
from limelight.errors import DataError


def pair(earlier, later):
    return np.array([earlier], "datetime64[ns]"), np.array([later], "datetime64[ns]")


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ("2021-10-31T02:50", "2021-10-31T02:00", True),  # Berlin
        ("2023-11-05T01:59", "2023-11-05T01:00", True),  # New York
        ("2024-04-07T02:45", "2024-04-07T02:00", True),  # Sydney
        ("2021-10-31T02:50", "2021-10-31T01:00", False),  # more than an hour
        ("2021-10-30T02:50", "2021-10-30T02:00", False),  # a Saturday
        ("2021-06-27T02:50", "2021-06-27T02:00", False),  # in June
        ("2021-10-31T12:50", "2021-10-31T12:00", False),  # at noon
        ("2021-10-31T02:50", "2021-10-31T03:00", False),  # forward
    ],
)
def test_the_repeated_hour_is_recognised(earlier, later, expected):
    assert ends_summer_time(*pair(earlier, later)).tolist() == [expected]


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ("2021-03-28T01:50", "2021-03-28T03:00", True),
        ("2021-03-28T01:50", "2021-03-28T04:00", False),
        ("2021-03-28T01:50", "2021-03-28T02:00", False),
        ("2021-03-27T01:50", "2021-03-27T03:00", False),
    ],
)
def test_the_skipped_hour_is_recognised(earlier, later, expected):
    assert begins_summer_time(*pair(earlier, later), 600.0).tolist() == [expected]


@pytest.mark.parametrize("sort", [False, True])
def test_a_repeated_hour_out_of_order_is_refused(sort):
    times = ["2021-10-31 02:00", "2021-10-31 02:00", "2021-10-31 02:30", "2021-10-31 02:30", "2021-10-31 03:00"]
    table = pa.table({"series_id": ["a"] * 5, "time": times, "x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    with pytest.raises(DataError) as error:
        read_table(table, sort=sort)
    assert str(error.value) == (
        "expected increasing times within each series, got 2021-10-31 02:00:00 after 2021-10-31 02:00:00 in row 1 (the "
        "first is 0) of the series table (series 'a'): the hour from 02:00 to 03:00 on 2021-10-31 seems to occur twice, "
        "as when summer time ends; keep all rows, and write the times in UTC or with their offset (+02:00, then +01:00), "
        "or take the order of the rows as the clock with time=None (--time none)"
    )
    assert read_table(table, time=None).series(0)[:, 0].tolist() == [1, 2, 3, 4, 5]


def test_a_skipped_hour_is_not_a_gap():
    minutes = np.arange(0, 240, 10)
    minutes[minutes >= 120] += 60
    spring = np.datetime64("2021-03-28T00:00", "ns") + minutes * np.timedelta64(1, "m")
    values = list(np.random.default_rng(0).normal(size=(12, 24)))
    panel = Panel.from_series(values, times=[spring] * 12, labels=["a", "b"] * 6)
    assert inspect_panel(panel).warnings == (
        "the clock skips the hour at the beginning of summer time 12 times, which is no gap in the measurement; write "
        "the times in UTC or with their offset",
    )
