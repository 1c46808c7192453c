"""Clocks of numbers that seem to count another unit than seconds."""

import numpy as np
import pandas as pd
import pytest

from limelight.data.reading.tables import read_table

EPOCH = 1704067200


def notes_of(name: str, times: object, **options: object) -> tuple[str, ...]:
    table = pd.DataFrame({"series_id": np.repeat([*"ab"], 5), name: times, "x": np.arange(10) ** 2.0})
    return tuple(one for one in read_table(table, time=name, **options).notes if "seems to count" in one)


@pytest.mark.parametrize(
    ("name", "times", "what", "unit"),
    [
        ("time", (EPOCH + np.arange(10)) * 10**3, "ms since 1970", "ms"),
        ("time", (EPOCH + np.arange(10)) * 10**6, "us since 1970", "us"),
        ("time", (EPOCH + np.arange(10)) * 10**9, "ns since 1970", "ns"),
        ("time_ms", np.arange(10), "ms", "ms"),
        ("Zeit [µs]", np.arange(10), "us", "us"),
        ("elapsed (min)", np.arange(10) / 4, "min", "min"),
        ("Datum", 45292 + np.arange(10) / 24, "days since 1900, as spreadsheets do", "d"),
    ],
)
def test_a_clock_in_another_unit_is_questioned(name: str, times: object, what: str, unit: str) -> None:
    assert notes_of(name, times) == (
        f"the clock {name!r} seems to count {what}, but durations such as '5 s' take its unit as seconds; state it with "
        f"units={{'time': {unit!r}}} (--set data.units.time={unit})",
    )


def test_a_stated_unit_is_not_questioned() -> None:
    assert notes_of("time_ms", np.arange(10), units={"time": "ms"}) == ()


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("time (s)", np.arange(10)),
        ("timestamp", EPOCH + np.arange(10)),
        ("step", np.arange(10)),
        ("time", 45292 + np.arange(10) / 24),
        ("date", pd.date_range("2024-01-01", periods=10)),
    ],
)
def test_other_clocks_are_not_questioned(name: str, times: object) -> None:
    assert notes_of(name, times) == ()
