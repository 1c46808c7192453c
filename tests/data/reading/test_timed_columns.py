"""Wide tables whose columns are named by times, and tables with a column for each series."""

import numpy as np
import pandas as pd
import pytest

import limelight as ll
from limelight.errors import DataError
from support.errors import message_of

VALUES = np.round(np.random.default_rng(0).normal(size=(6, 40)), 3)
DAYS = pd.date_range("2024-01-15", periods=40)
HEADERS = {
    "days": [str(day.date()) for day in DAYS],
    "German days": [f"{day:%d.%m.%Y}" for day in DAYS],
    "months": [str(month) for month in pd.period_range("2024-01", periods=40, freq="M")],
    "names of months": [f"{day:%b %Y}" for day in pd.date_range("2024-01-15", periods=40, freq="MS")],
    "days with names of months": [f"{day:%d-%b-%y}" for day in DAYS],
    "minutes": [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 600, 15)],
    "seconds": [f"{step / 4:.2f} s" for step in range(40)],
    "decimals": [f"{step / 4:.2f}" for step in range(40)],
    "wavelengths": [str(400 + 10 * step) for step in range(40)],
}


def table_of(header: list[str]) -> pd.DataFrame:
    return pd.DataFrame(VALUES, columns=header).assign(label=["a", "b"] * 3)


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_columns_named_by_times_are_steps(header: list[str]) -> None:
    shuffled = table_of(header).sample(frac=1, axis=1, random_state=0)
    panel = ll.read_table(shuffled)
    assert panel.labels is not None
    assert (panel.labels.tolist(), panel.lengths.tolist()) == (["a", "b"] * 3, [40] * 6)
    np.testing.assert_allclose(panel.values[:, 0], VALUES.ravel(), atol=1e-6)
    assert f"took the names of the columns as times, from {header[0]!r} to {header[-1]!r}" in panel.notes


def test_months_without_a_year_are_steps_in_their_order() -> None:
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]
    table = pd.DataFrame(VALUES[:, :12], columns=names)[names[::-1]].assign(label=["a", "b"] * 3)
    panel = ll.read_table(table)
    np.testing.assert_allclose(panel.values[:, 0], VALUES[:, :12].ravel(), atol=1e-6)
    assert panel.times is not None
    assert panel.times[:12].tolist() == [*range(1, 13)]


def test_names_of_columns_are_the_clock() -> None:
    times = ll.read_table(table_of(HEADERS["days"])).times
    assert times is not None
    assert times[:80].tolist() == [*DAYS.to_numpy("datetime64[ns]").tolist()] * 2


def test_a_shorter_series_has_the_first_times() -> None:
    table = table_of(HEADERS["decimals"])
    table.loc[0, ["9.50", "9.75"]] = np.nan
    panel = ll.read_table(table)
    assert panel.times is not None
    assert panel.times[panel.starts[1] - 1] == 9.25


@pytest.mark.parametrize("names", [["2019", "2020", "2021", "2022", "2023"], ["0", "1", "2", "3", "5"]])
def test_step_numbers_are_not_times(names: list[str]) -> None:
    panel = ll.read_table(pd.DataFrame(VALUES[:, :5], columns=names), layout="wide")
    assert panel.times is None


def test_a_column_for_each_series_is_refused() -> None:
    table = pd.DataFrame(VALUES.T, columns=[f"pump{number}" for number in range(6)])
    table.insert(0, "time", range(40))
    labels = pd.DataFrame({"id": table.columns[1:], "label": ["a", "b"] * 3})
    table.insert(0, "series_id", "plant")
    assert message_of(DataError, ll.read_table, table, labels=labels) == (
        "expected a column for each channel in the series table, got one for each series: the labels table has lines for "
        "'pump0', 'pump1', 'pump2', 'pump3', 'pump4' and 1 more; transpose the table, so that each row is a series, or "
        "write the series below each other with a column of ids"
    )


def test_columns_of_numbers_are_suggested() -> None:
    table = pd.DataFrame(VALUES[:, :4], columns=["0_x", "1_x", "2_x", "3_x"])
    assert message_of(DataError, ll.read_table, table, label=None) == (
        "expected columns for id, time in the series table, got '0_x', '1_x', '2_x', '3_x'; name them with --id NAME "
        "--time NAME (id='NAME', time='NAME' in Python); if each row is a series, name its steps x_0, x_1 and so on"
    )
