"""Tables with the values of all channels in one column are refused with a remedy."""

import numpy as np
import pandas as pd
import pytest

import limelight as ll
from limelight.errors import DataError
from support.errors import message_of

FRAME = pd.DataFrame({"series_id": np.repeat(["a", "b"], 4), "time": [*range(4)] * 2, "x": np.arange(8) / 8, "y": 1.5})
MELTED = FRAME.melt(id_vars=["series_id", "time"])


RATES = pd.concat(
    [
        pd.DataFrame({"series_id": name, "time": np.arange(0, 20, step) + 0.1 * step, "sensor": word, "value": 1.5})
        for name in ("a", "b")
        for word, step in (("x", 1), ("y", 7))
    ]
)


def refusal(values: str, column: str) -> str:
    return (
        f"expected a column for each channel in the series table, got their values in {values!r} below each other and "
        f"their names in {column!r}; write a column for each of 'x', 'y', as pivot of pandas does"
    )


@pytest.mark.parametrize("order", [None, ["series_id", "time"]], ids=["channel by channel", "time by time"])
@pytest.mark.parametrize("names", [("variable", "value"), ("Sensor", "Reading"), ("Kanal", "Messwert"), ("what", "x")])
def test_names_of_channels_in_a_column_are_refused(order: list[str] | None, names: tuple[str, str]) -> None:
    table = MELTED.rename(columns=dict(zip(("variable", "value"), names, strict=True)))
    table = table if order is None else table.sort_values(order)
    assert message_of(DataError, ll.read_table, table) == refusal(names[1], names[0])


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_channels_of_several_rates_in_a_column_are_refused(sort: bool, ordered: bool) -> None:
    table = RATES.sort_values(["series_id", "time"]) if ordered else RATES
    assert message_of(DataError, ll.read_table, table, sort=sort) == refusal("value", "sensor")


def test_channels_of_several_rates_are_refused_by_their_times() -> None:
    table = RATES.rename(columns={"sensor": "what", "value": "x"})
    assert message_of(DataError, ll.read_table, table) == refusal("x", "what")


def test_a_sensor_of_each_series_is_metadata() -> None:
    table = RATES.assign(series_id=RATES["series_id"] + RATES["sensor"])
    panel = ll.read_table(table, label=None)
    assert panel.metadata is not None
    assert (len(panel), panel.metadata["sensor"].to_pylist()) == (4, ["x", "y"] * 2)


def test_many_names_of_channels_are_refused() -> None:
    table = pd.DataFrame({"series_id": "a", "time": range(80), "tag": [f"t{row}" for row in range(80)], "value": 1.5})
    assert message_of(DataError, ll.read_table, table).startswith("expected a column for each channel")


def test_a_signal_beside_repeated_times_is_not_melted() -> None:
    table = pd.DataFrame(
        {"series_id": "a", "time": [0, 1, 1, 2], "x": np.arange(4.0), "mode": ["on", "on", "off", "off"]}
    )
    assert message_of(DataError, ll.read_table, table).startswith("expected distinct times in each series, got time 1")
