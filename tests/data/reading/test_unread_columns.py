"""Columns of a long table that are not read: empty ones, and times beside the clock."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight.data.reading.tables import read_table

STEPS = 20
EMPTY = (
    "ignored columns without a value in any row: 'dead'; to use one as a channel, name all channels with channels=[...] "
    "(--channels)"
)
BESIDE = "ignored columns of times beside the clock 'time': 'sent'; name another clock with time=... (--time)"
DAYS = [datetime.datetime(2024, 1, 28) + datetime.timedelta(days=day) for day in range(STEPS // 2)]


def recordings() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "series_id": np.repeat([*"abcdef"], STEPS),
            "time": np.tile(np.arange(STEPS), 6),
            "x": random.normal(size=6 * STEPS),
            "label": np.repeat(["ok", "worn"], 3 * STEPS),
        }
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("cell", [np.nan, None, "", "-", "n/a", "#N/A"])
def test_an_empty_column_is_not_read(tmp_path, suffix, cell) -> None:
    table, file = recordings().assign(dead=cell), tmp_path / f"table.{suffix}"
    table.to_csv(file, index=False) if suffix == "csv" else table.to_parquet(file)
    panel = read_table(file)
    assert (panel.channels, panel.metadata, panel.notes) == (("x",), None, (EMPTY,))


def test_a_column_with_one_value_is_a_channel() -> None:
    table = recordings().assign(dead=np.nan)
    table.loc[STEPS + 3, "dead"] = 1.5
    panel = read_table(table)
    assert (panel.channels, panel.notes) == (("x", "dead"), ())


def test_an_empty_column_is_a_channel_on_request() -> None:
    panel = read_table(recordings().assign(dead=np.nan), channels=["x", "dead"])
    assert np.isnan(panel.values[:, 1]).all()


def test_an_empty_field_is_metadata_on_request() -> None:
    panel = read_table(recordings().assign(dead=np.nan), fields=["dead"])
    assert panel.metadata is not None
    assert (panel.metadata.column_names, panel.metadata["dead"].null_count) == (["dead"], 6)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%d-%b-%Y", "%b %d, %Y", "%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
def test_times_beside_the_clock_are_not_a_signal(form: str) -> None:
    sent = [(day + datetime.timedelta(minutes=day.day)).strftime(form) for day in DAYS for _ in range(2)]
    panel = read_table(recordings().assign(sent=sent * 6))
    assert (panel.signals, panel.notes[0]) == (None, BESIDE)


@given(st.lists(st.sampled_from(["", "n/a", "2024-01-28", "2024-01-29"]), min_size=STEPS, max_size=STEPS))
def test_times_with_gaps_are_not_a_signal(sent: list[str]) -> None:
    panel = read_table(recordings().assign(sent=[*sent, *(["2024-01-30", "2024-01-31"] * (STEPS * 5 // 2))]))
    assert (panel.signals, panel.notes[0]) == (None, BESIDE)


def test_dates_of_series_are_metadata() -> None:
    panel = read_table(recordings().assign(built=np.repeat([f"2024-01-{day}" for day in range(10, 16)], STEPS)))
    assert panel.metadata is not None
    assert panel.metadata.column_names == ["built"]


@pytest.mark.parametrize("words", [["idle", "run"], ["Jan 2024", "Feb 2024"], ["2024-01-28", "run"]])
def test_other_text_columns_are_signals(words: list[str]) -> None:
    panel = read_table(recordings().assign(mode=words * (STEPS * 3)))
    assert panel.signals is not None
    assert panel.signals.names == ("mode",)


def test_times_that_do_not_increase_are_named() -> None:
    days = [f"{day:%Y-%m-%d}" for day in DAYS for _ in range(2)]
    panel = read_table(recordings().drop(columns="time").assign(sent=days * 6))
    assert (panel.signals, panel.times) == (None, None)
    assert panel.notes == (
        "ignored columns of times that do not rise within each series: 'sent'; name the clock with time=... (--time), "
        "and sort the rows by it with sort=True (--set data.sort=true)",
    )
