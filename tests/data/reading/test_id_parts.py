"""Series that only several columns together identify."""

import numpy as np
import pandas as pd
import pytest

from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of

REFUSAL = (
    "expected one column for id in the series table, got series that only 'subject', 'trial' together tell apart; join "
    "them into one column, and name it with --id (id=... in Python)"
)


def trials(subjects: int, *, restart: bool = True, trials: int = 3, steps: int = 10) -> pd.DataFrame:
    rows = subjects * trials
    times = np.tile(np.arange(steps), rows) if restart else np.arange(rows * steps)
    return pd.DataFrame(
        {
            "subject": np.repeat(np.arange(1, subjects + 1), trials * steps),
            "trial": np.tile(np.repeat(np.arange(1, trials + 1), steps), subjects),
            "time": times / 8,
            "x": np.random.default_rng(0).normal(size=rows * steps),
        }
    )


@pytest.mark.parametrize("subjects", [2, 8])
@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("clock", [True, False])
def test_columns_that_together_are_the_id_are_named(subjects: int, restart: bool, clock: bool) -> None:
    table = trials(subjects, restart=restart)
    assert message_of(DataError, read_table, table if clock else table.drop(columns="time")) == REFUSAL


def test_text_and_further_columns_change_nothing() -> None:
    table = trials(4).assign(site="A", gear=np.tile([1, 2, 3, 1, 2], 24))
    table["subject"] = "S" + table["subject"].astype(str)
    assert message_of(DataError, read_table, table) == REFUSAL


def test_a_column_joined_from_both_is_the_id() -> None:
    table = trials(4)
    panel = read_table(table.assign(id=table["subject"].astype(str) + "_" + table["trial"].astype(str)))
    assert (len(panel), panel.ids[1], panel.channels) == (12, "1_2", ("x",))


def test_a_subject_that_is_named_is_the_id() -> None:
    assert len(read_table(trials(8, restart=False), id="subject")) == 8


def test_one_trial_for_each_subject_needs_no_second_column() -> None:
    assert len(read_table(trials(8, trials=1))) == 8


def test_restarting_times_are_named() -> None:
    assert message_of(DataError, read_table, trials(2), id="subject") == (
        "expected increasing times within each series, got 0 after 1.125 in row 10 (the first is 0) of the series table "
        "(series '1'), as where another recording begins; name the column that tells the recordings apart with id=... "
        "(--id), several of them joined into one, or take the order of the rows as the clock with time=None (--time none)"
    )


def test_rows_in_reverse_order_are_to_be_sorted() -> None:
    table = trials(2, trials=1)[::-1].assign(series_id="a")
    assert "sort the rows by time with sort=True" in message_of(DataError, read_table, table[10:])
