"""The repeated hour at the end of summer time is corrected if the order of the rows shows it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight.data.reading.tables import read_table


def table_of(utc: pd.DatetimeIndex, zone: str, series: int = 2) -> pd.DataFrame:
    local = utc.tz_convert(zone).tz_localize(None)
    return pd.DataFrame(
        {
            "series_id": np.repeat([f"s{number}" for number in range(series)], len(utc)),
            "time": np.tile(local.strftime("%Y-%m-%d %H:%M:%S"), series),
            "x": np.random.default_rng(0).normal(size=series * len(utc)),
        }
    )


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ("2021-10-30 23:10", "Europe/Berlin"),
        ("2023-11-05 04:00", "America/New_York"),
        ("2024-04-06 14:00", "Australia/Sydney"),
    ],
)
def test_times_increase_over_the_repeated_hour(start: str, zone: str, sort: bool) -> None:
    utc = pd.date_range(start, periods=24, freq="10min", tz="UTC")
    table = table_of(utc, zone)
    panel = read_table(table, sort=sort)
    assert (np.diff(panel.clock(0)) == np.timedelta64(10, "m")).all()
    assert panel.values[:, 0].tolist() == table["x"].astype("float32").tolist()


def test_the_repeated_hour_is_noted() -> None:
    utc = pd.date_range("2021-10-30 23:00", periods=12, freq="30min", tz="UTC")
    assert read_table(table_of(utc, "Europe/Berlin")).notes == (
        "the hour from 02:00 to 03:00 on 2021-10-31 occurs twice in 2 series, as when summer time ends: the times after "
        "it were moved by one hour; to avoid this, write the times in UTC or with their offset, or take the order of "
        "the rows as the clock with time=None (--time none)",
    )


@given(st.integers(1, 60), st.integers(0, 179), st.integers(3, 40))
def test_only_the_repeated_hour_is_shifted(step: int, offset: int, length: int) -> None:
    utc = pd.date_range("2021-10-30 22:00", periods=length, freq=f"{step}min", tz="UTC") + pd.Timedelta(minutes=offset)
    panel = read_table(table_of(utc, "Europe/Berlin", series=1))
    assert (np.diff(panel.clock(0)) == np.timedelta64(step, "m")).all()
