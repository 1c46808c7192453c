"""Labels in several files, each with the intervals of one recording, and label tracks without a header."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.errors import DataError
from support.commands import Commands
from support.errors import message_of

TRACK = "2.0\t4.5\tsong\n7\t7\tcall\n"
LABELS = ["none"] * 2 + ["song"] * 3 + ["none"] * 2 + ["call"] + ["none"] * 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings of ten steps, and a folder for their labels."""
    for name in ("recordings", "labels"):
        (tmp_path / name).mkdir()
    for name in ("monday", "tuesday"):
        pd.DataFrame({"time": np.arange(10), "x": np.arange(10) ** 2.0}).to_csv(
            tmp_path / "recordings" / f"{name}.csv", index=False
        )
    return tmp_path


def words(panel: Panel, row: int) -> list[str]:
    labels = panel.step_labels
    assert labels is not None
    steps = slice(panel.starts[row], panel.starts[row] + panel.lengths[row])
    return [labels.classes[code] for code in labels.codes[steps, 0]]


def write_tracks(folder: Path, text: str = TRACK) -> Path:
    for name in ("monday", "tuesday"):
        (folder / "labels" / f"{name}.txt").write_text(text)
    return folder / "labels"


def test_a_label_track_labels_one_recording(folder: Path) -> None:
    track = write_tracks(folder) / "monday.txt"
    panel = read_table(folder / "recordings" / "monday.csv", labels=track)
    assert words(panel, 0) == LABELS
    assert f"read '{track}' as a label track: a start, an end and a label in each line" in panel.notes


@pytest.mark.parametrize("pattern", ["labels", "labels/*.txt"])
def test_files_label_the_recordings_of_their_names(folder: Path, pattern: str) -> None:
    write_tracks(folder)
    (folder / "labels" / "tuesday.txt").write_text("0\t9\tsong\n")
    panel = read_table(folder / "recordings", labels=folder / pattern)
    assert words(panel, 0) == LABELS
    assert words(panel, 1) == ["song"] * 10
    note = f"read 2 files of '{folder / pattern}' as label tracks: a start, an end and a label in each line"
    assert note in panel.notes


def test_frequencies_of_a_label_track_are_skipped(folder: Path) -> None:
    write_tracks(folder, "2.0\t4.5\tsong\n\\\t800\t1200\n7\t7\tcall\n")
    assert words(read_table(folder / "recordings", labels=folder / "labels"), 1) == LABELS


def test_tables_of_intervals_label_the_recordings_of_their_names(folder: Path) -> None:
    for name in ("monday", "tuesday"):
        (folder / "labels" / f"{name}.csv").write_text("onset;duration;event\n2;2.5;song\n7;0;call\n")
    assert words(read_table(folder / "recordings", labels=folder / "labels"), 1) == LABELS


def test_a_folder_may_hold_one_table_of_labels(folder: Path) -> None:
    (folder / "labels" / "all.csv").write_text("id,label\nmonday,song\ntuesday,call\n")
    labels = read_table(folder / "recordings", labels=folder / "labels").labels
    assert labels is not None
    assert labels.tolist() == ["song", "call"]


def test_files_with_other_columns_are_refused(folder: Path) -> None:
    (folder / "labels" / "monday.csv").write_text("start,end,label\n2,4,song\n")
    (folder / "labels" / "tuesday.csv").write_text("start,end,word\n2,4,song\n")
    place = str(folder / "labels")
    assert message_of(DataError, read_table, folder / "recordings", labels=place) == (
        f"expected the same columns in every file of {place!r}, got 'start', 'end', 'word' in 'tuesday.csv' and 'start', "
        "'end', 'label' in 'monday.csv'; make them the same"
    )


def test_several_files_without_intervals_are_refused(folder: Path) -> None:
    for name in ("monday", "tuesday"):
        (folder / "labels" / f"{name}.csv").write_text("id,label\nmonday,song\n")
    place = str(folder / "labels")
    assert message_of(DataError, read_table, folder / "recordings", labels=place) == (
        f"expected one table of labels, or a start and an end in each file of {place!r}, got 'id', 'label'; write the "
        "labels of all series into one table, or name the columns 'start' and 'end'"
    )


def test_the_command_line_takes_a_folder_of_labels(limelight: Commands, folder: Path) -> None:
    write_tracks(folder)
    printed = limelight("inspect", "recordings", "--labels", "labels")
    assert re.search(r"^label +10\.0 % +60\.0 % +30\.0 %$", printed, re.MULTILINE)
