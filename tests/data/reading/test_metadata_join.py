import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import read_table
from limelight.errors import DataError
from support.errors import message_of

IDS = ["s1", "s2", "s3", "s4"]
MACHINES = ["m1", "m1", "m2", "m3"]


def series(ids=IDS, **fields):
    """A long table with two steps in each series."""
    columns = {"series_id": ids, "x": [*map(float, range(len(ids)))], **fields}
    return pd.DataFrame(columns).loc[np.repeat(range(len(ids)), 2)].reset_index(drop=True)


def labels(**fields):
    return pd.DataFrame({"series_id": IDS, "label": ["a", "b", "b", "a"], **fields})


def machines(**fields):
    return pd.DataFrame({"machine": ["m3", "m2", "m1"], "power": [3, 2, 1]} | fields)


# by another column


def test_metadata_are_joined_by_a_column_of_the_series():
    panel = read_table(series(machine=MACHINES), metadata=machines())
    assert panel.metadata.to_pydict() == {"machine": MACHINES, "power": [1, 1, 2, 3]}
    assert panel.notes == ("joined metadata by 'machine'",)


def test_metadata_are_joined_by_a_column_of_the_labels():
    panel = read_table(series(), labels=labels(machine=MACHINES), metadata=machines())
    assert panel.metadata.to_pydict() == {"machine": MACHINES, "power": [1, 1, 2, 3]}
    assert panel.notes[-1] == "joined metadata by 'machine'"


def test_numbers_are_joined_in_any_spelling():
    table = pd.DataFrame({"machine": ["007", "012"], "power": [1, 2]})
    panel = read_table(series(), labels=labels(machine=[7, 12, 12, 12]), metadata=table)
    assert panel.metadata["power"].to_pylist() == [1, 2, 2, 2]
    assert panel.notes[-1] == (
        "matched ids that are written differently in column 'machine' of the metadata table: '7' is '007', '12' is '012'"
    )


def test_several_columns_are_joined_if_each_alone_is_ambiguous():
    table = pd.DataFrame({"site": ["u", "u", "v"], "line": ["p", "q", "p"], "power": [1, 2, 3]})
    panel = read_table(series(site=list("uuvv"), line=list("pqpq")), labels=None, metadata=table, channels=["x"])
    assert panel.notes[:2] == ("joined metadata by 'site' and 'line'", "no metadata for 1 series: 's4'")
    assert panel.metadata["power"].to_pylist() == [1, 2, 3, None]


@pytest.mark.parametrize("channels", [None, ["x"]])
def test_numeric_columns_of_the_series_are_joined(channels):
    table = pd.DataFrame({"Machine": [7, 12], "power": [1, 2]})
    panel = read_table(series(machine=[7, 12, 12, 7]), metadata=table, channels=channels)
    assert panel.channels == ("x",)
    assert panel.metadata.to_pydict() == {"machine": [7, 12, 12, 7], "power": [1, 2, 2, 1]}


def test_the_id_takes_precedence_over_other_columns():
    table = pd.DataFrame({"series_id": IDS[::-1], "machine": list("wxyz"), "power": [4, 3, 2, 1]})
    panel = read_table(series(machine=MACHINES), metadata=table)
    assert panel.metadata["power"].to_pylist() == [1, 2, 3, 4]


def test_an_id_of_machines_is_joined_by_content():
    table = machines().rename(columns={"machine": "id"})
    panel = read_table(series(machine=MACHINES), metadata=table)
    assert panel.metadata["power"].to_pylist() == [1, 1, 2, 3]
    assert panel.notes == ("joined metadata by 'id', which is 'machine' of the series",)


def test_files_are_joined_by_content():
    table = pd.DataFrame({"recording file": [f"{one}.csv" for one in IDS], "age": [1, 2, 3, 4]})
    panel = read_table(series(), metadata=table)
    assert panel.metadata.to_pydict() == {"age": [1, 2, 3, 4]}
    assert panel.notes[0] == "took column 'recording file' of the metadata table as id"


def test_a_table_that_shares_no_column_is_refused():
    table = pd.DataFrame({"person": ["p1", "p2"], "age": [1, 2]})
    assert message_of(DataError, read_table, series(machine=MACHINES), metadata=table) == (
        "expected a column in the metadata table with the ids of the series ('series_id') or 'machine', got columns "
        "'person', 'age', none of which holds them; the series are 's1', 's2', 's3' and 1 more"
    )


def test_two_rows_of_one_machine_that_differ_are_located():
    table = pd.DataFrame({"machine": ["m1", "m2", "m1"], "power": [1, 2, 3]})
    assert message_of(DataError, read_table, series(machine=MACHINES), metadata=table) == (
        "expected each machine once in the metadata table, got 'm1' with power '3' in row 2 (the first is 0) of the "
        "metadata table, and with '1' in row 0 (the first is 0) of the metadata table; keep one of the two"
    )


# by time


def dated(**columns):
    return pd.DataFrame({"machine": ["m1", "m1", "m2"], "power": [1, 2, 3], **columns})


def days(*numbers):
    return [None if number is None else datetime.datetime(2024, 1, number) for number in numbers]


def timed(*starts):
    """One series for each start, of machine m1 but for the last."""
    frame = pd.DataFrame({"series_id": [f"s{row}" for row in range(len(starts))], "machine": ["m1"] * len(starts)})
    frame = frame.assign(time=pd.to_datetime(days(*starts)), x=1.0)
    frame.loc[len(starts) - 1, "machine"] = "m2"
    return frame


@pytest.mark.parametrize(
    "columns",
    [
        {"valid_from": days(1, 10, 1), "valid_to": days(10, 20, 20)},
        {"valid_from": ["2024-01-01", "2024-01-10", ""], "valid_to": ["2024-01-10", "2024-01-20", ""]},
        {"gültig_ab": ["01.01.2024", "10.01.2024", "?"], "gültig_bis": ["10.01.2024", "20.01.2024", "-"]},
        {"from": days(1, 10, 1), "to": days(10, 20, None)},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_the_row_valid_at_the_start_is_used(columns):
    panel = read_table(timed(1, 9, 10, 25, 5), metadata=dated(**columns))
    assert panel.metadata.to_pydict() == {"machine": ["m1"] * 4 + ["m2"], "power": [1, 1, 2, None, 3]}
    assert panel.notes == (
        "joined metadata by 'machine'",
        f"took the metadata that are valid at the start of each series, by {', '.join(map(repr, columns))}",
        "no metadata are valid at the start of 1 series: 's3'",
    )


def test_a_row_without_an_end_is_valid_until_the_next():
    panel = read_table(timed(1, 9, 10, 25, 5), metadata=dated(valid_from=days(2, 10, 1)))
    assert panel.metadata["power"].to_pylist() == [None, 1, 2, 2, 3]


def test_a_row_without_a_start_follows_the_row_before():
    panel = read_table(timed(1, 9, 10, 25, 5), metadata=dated(valid_to=days(10, 20, 30)))
    assert panel.metadata["power"].to_pylist() == [1, 1, 2, None, 3]


def test_validity_can_be_a_number():
    steps = series(machine=["m1", "m1", "m2", "m2"]).assign(time=[0, 1, 5, 6, 0, 1, 9, 10])
    panel = read_table(steps, metadata=dated(valid_from=[0, 5, 0]))
    assert panel.metadata["power"].to_pylist() == [1, 2, 3, 3]


def test_two_rows_that_are_valid_at_once_are_located():
    table = dated(valid_from=days(1, 5, 1), valid_to=days(10, 20, 20))
    assert message_of(DataError, read_table, timed(1, 7, 2), metadata=table) == (
        "expected one row of the metadata table for 'm1' at a time, got two that are valid at 2024-01-07 00:00:00, the start of "
        "series 's1': row 0 (the first is 0) of the metadata table and row 1 (the first is 0) of the metadata table; "
        "correct 'valid_from', 'valid_to'"
    )


def test_validity_needs_a_clock_of_the_series():
    assert message_of(DataError, read_table, series(machine=MACHINES), metadata=dated(valid_from=days(1, 5, 1))) == (
        "expected times in the series, since the rows of the metadata table are valid for some time only "
        "('valid_from'), got none; add the times, or leave one row for each of 'm1', 'm2'"
    )


def test_validity_is_of_the_kind_of_the_clock():
    assert message_of(DataError, read_table, timed(1, 7, 2), metadata=dated(valid_from=[1, 5, 1])) == (
        "expected dates in column 'valid_from' of the metadata table, as in the clock of the series, got numbers; write "
        "both in the same form"
    )


@pytest.mark.parametrize("name", ["Machine", "machine_id", "MachineNo", "machine number"])
def test_the_join_column_may_have_another_name(name):
    panel = read_table(series(machine=MACHINES), metadata=machines().rename(columns={"machine": name}))
    assert panel.metadata["power"].to_pylist() == [1, 1, 2, 3]
    assert panel.notes == (f"joined metadata by {name!r}",)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(3)), st.sampled_from(["{}", " {} ", "M{:.1}", "m0{:.1}", "{}.csv"]), st.booleans())
def test_order_and_spelling_of_keys_do_not_matter(order, form, repeated):
    keys = [form.format(one[1:] if ":.1" in form else one) for one in machines()["machine"]]
    table = machines(machine=keys).iloc[list(order)]
    table = pd.concat([table, table.head(1)]) if repeated else table
    panel = read_table(series(machine=MACHINES), metadata=table)
    assert panel.metadata.to_pydict() == {"machine": MACHINES, "power": [1, 1, 2, 3]}


def test_rows_without_a_key_are_ignored():
    table = pd.DataFrame({"machine": ["m1", None, "m2", "m3", "m1"], "power": [1, 7, 2, 3, 1]})
    panel = read_table(series(machine=MACHINES), metadata=table)
    assert panel.metadata["power"].to_pylist() == [1, 1, 2, 3]


@pytest.mark.parametrize("keys", [["m1", "m2", "m3", "m4"], [1, 2, 3, 4]], ids=["words", "row numbers"])
def test_one_machine_for_each_series_is_joined(keys):
    table = pd.DataFrame({"machine": keys[::-1], "power": [4, 3, 2, 1]})
    panel = read_table(series(), labels=labels(machine=keys), metadata=table)
    assert panel.metadata["power"].to_pylist() == [1, 2, 3, 4]
    assert panel.notes[-1] == "joined metadata by 'machine'"
