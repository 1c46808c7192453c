"""Stated sentinels are read as missing values."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.config.sections import Experiment
from limelight.data.missing_values import mark_missing
from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.data.store.open import open_store
from limelight.data.store.write import write_store
from limelight.errors import ParameterError
from limelight.runs.pack import pack_series

TABLE = pa.table({"series_id": ["a", "a", "b"], "flow": [1.0, -999.9, 3.0], "heat": [-1.0, 2.0, -1.0]})
NOTES = (
    "-999.9 is read as a missing value, 1 time in 'flow'",
    "-1 is read as a missing value, 2 times in 'heat'",
)


def test_a_table_is_read_with_the_numbers_missing():
    panel = read_table(TABLE, missing_values=[-999.9, -1])
    assert np.isnan(panel.values).tolist() == [[False, True], [True, False], [False, True]]
    assert panel.notes[-2:] == NOTES


def test_numbers_that_do_not_occur_change_nothing():
    panel = read_table(TABLE)
    assert mark_missing(panel, [7]) is panel


def test_arrays_of_the_user_are_not_changed():
    values = np.array([[1.0], [-999.0]], dtype=np.float32)
    mark_missing(Panel(values, np.array([0]), np.array([2])), [-999])
    assert values.tolist() == [[1.0], [-999.0]]


def test_a_table_is_packed_with_the_numbers_missing(tmp_path):
    pa.csv.write_csv(TABLE, tmp_path / "series.csv")
    data = {"series": str(tmp_path / "series.csv"), "missing_values": [-999.9, -1]}
    pack_series(Experiment(data=data), tmp_path / "s.store", progress=False)
    store = open_store(tmp_path / "s.store")
    assert np.isnan(store.values).sum() == 3
    assert store.notes[-2:] == NOTES


def test_a_store_is_not_changed(tmp_path):
    write_store(Panel.from_series([[1.0, -999.0]]), tmp_path / "s.store")
    with pytest.raises(ParameterError) as error:
        read_table(tmp_path / "s.store", missing_values=[-999])
    assert str(error.value) == (
        "expected a store without the values -999, got one with them; pack it again with data.missing_values, as stores "
        "cannot be changed"
    )
