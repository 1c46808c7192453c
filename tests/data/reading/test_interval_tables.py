"""Tables of intervals where labels of series are expected, and among the files of series."""

from pathlib import Path

import numpy as np
import pandas as pd

from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.errors import message_of

IDS = ["r1", "r2"]


def series() -> pd.DataFrame:
    return pd.DataFrame({"series_id": np.repeat(IDS, 9), "time": [*range(9)] * 2, "x": np.arange(18) ** 2.0})


def intervals(start: str = "start", end: str = "end") -> pd.DataFrame:
    rows = [("r1", 0, 4, "walk"), ("r2", 0, 2, "walk"), ("r2", 2, 9, "rest")]
    return pd.DataFrame(rows, columns=["series_id", start, end, "label"])


def test_intervals_are_refused_as_labels_of_series() -> None:
    assert message_of(DataError, read_table, series(), labels=intervals(), per_step=False) == (
        "expected one row for each series in the labels table, got intervals from 'start' to 'end', several of series "
        "'r2'; set per_step=None (--set data.level=auto) to read them as labels of steps"
    )


def test_labels_of_series_are_refused_as_intervals() -> None:
    labels = pd.DataFrame({"series_id": IDS, "state": ["ok", "worn"]})
    assert message_of(DataError, read_table, series(), labels=labels, per_step=True) == (
        "expected columns of a start and an end in the labels table for labels of steps, got 'series_id', 'state'; name "
        "them 'start' and 'end', or set per_step=None (--set data.level=auto)"
    )


def test_one_interval_for_each_series_labels_the_series() -> None:
    panel = read_table(series(), labels=intervals()[::2])
    assert panel.labels is not None
    assert panel.labels.tolist() == ["walk", "rest"]
    assert panel.notes[0] == (
        "took each row of the labels table as the label of a whole series; to label only the steps from 'start' to "
        "'end', set per_step=True (--set data.level=step)"
    )


def write_recordings(folder: Path) -> None:
    for name, steps in series().groupby("series_id"):
        steps.drop(columns="series_id").to_csv(folder / f"{name}.csv", index=False)


def test_intervals_among_the_files_of_series_are_named(tmp_path: Path) -> None:
    write_recordings(tmp_path)
    intervals().to_csv(tmp_path / "annotations.csv", index=False)
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected the same columns in every file, got 'series_id', 'start', 'end', 'label' in "
        f"{str(tmp_path / 'annotations.csv')!r} but not in {str(tmp_path / 'r1.csv')!r}; if 'annotations.csv' holds "
        "intervals of the series, move it to another folder, and pass it with --labels"
    )


def test_a_file_of_other_columns_may_be_no_series(tmp_path: Path) -> None:
    write_recordings(tmp_path)
    pd.DataFrame({"file": IDS, "state": ["ok", "worn"]}).to_csv(tmp_path / "states.csv", index=False)
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected the same columns in every file, got 'time', 'x' in {str(tmp_path / 'r1.csv')!r} but not in "
        f"{str(tmp_path / 'states.csv')!r}; if one of them is no series, name the series with a pattern such as "
        "'logs/run*.csv', and pass the other file with --labels, --metadata or --signals"
    )
