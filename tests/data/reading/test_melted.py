"""Tables with the values of all channels in one column are refused with what to do."""

import numpy as np
import pandas as pd
import pytest

import limelight as ll
from limelight.errors import DataError
from support.errors import message_of

FRAME = pd.DataFrame({"series_id": np.repeat(["a", "b"], 4), "time": [*range(4)] * 2, "x": np.arange(8) / 8, "y": 1.5})
MELTED = FRAME.melt(id_vars=["series_id", "time"])


@pytest.mark.parametrize(
    ("table", "row"),
    [(MELTED, 8), (MELTED.sort_values(["series_id", "time"]), 1)],
    ids=["channel by channel", "time by time"],
)
def test_names_of_channels_in_a_column_are_refused(table: pd.DataFrame, row: int) -> None:
    assert message_of(DataError, ll.read_table, table) == (
        "expected a column for each channel in the series table, got their values in 'value' below each other and their "
        f"names in 'variable', so that times repeat in row {row} (the first is 0) of the series table (series 'a'); write "
        "a column for each of 'x', 'y', as pivot of pandas does"
    )


def test_a_signal_beside_repeated_times_names_no_channels() -> None:
    table = pd.DataFrame(
        {"series_id": "a", "time": [0, 1, 1, 2], "x": np.arange(4.0), "mode": ["on", "on", "off", "off"]}
    )
    assert message_of(DataError, ll.read_table, table).startswith("expected distinct times in each series, got time 1")
