"""Roles of columns, inferred by name and by content."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from limelight.data.reading.pack_long import pack_long
from limelight.data.reading.roles import find_roles
from limelight.data.reading.sheets import open_sheets
from limelight.data.reading.tables import read_table
from limelight.data.store.open import open_store
from limelight.data.writing import write_table
from limelight.errors import DataError, LabelError
from limelight.model.targets import task_of
from support.errors import message_of

RANDOM = np.random.default_rng(0)
ROWS = 12 * 20
IGNORED = (
    "ignored row numbers in column {}; to use one as a channel, name all channels with channels=[...] (--channels)"
)


def recordings(**names: str) -> pd.DataFrame:
    """Twelve recordings of 20 steps, sorted by class, as sorted tables are."""
    table = pd.DataFrame(
        {
            "series_id": np.repeat([f"s{number}" for number in range(12)], 20),
            "time": np.tile(np.arange(20), 12),
            "x": RANDOM.normal(size=ROWS),
            "label": np.repeat(["ok", "worn"], ROWS // 2),
        }
    )
    return table.rename(columns=names)


@pytest.fixture(params=["csv", "parquet", "pack"])
def read(request: pytest.FixtureRequest, tmp_path: Path):
    """Write a pandas frame with its index to a file and read it, also streamed."""

    def written_and_read(frame: pd.DataFrame, **options: object):
        file = tmp_path / f"table.{'parquet' if request.param == 'parquet' else 'csv'}"
        frame.to_parquet(file) if request.param == "parquet" else frame.to_csv(file)
        if request.param != "pack":
            return read_table(file, **options)
        sort = options.pop("sort", False)
        names = {"id": "series_id", "time": "time", "label": "label", "channels": None, "labels": "series"}
        sheets, roles = find_roles(open_sheets(file), **{**names, **options})
        return open_store(pack_long(sheets, roles, tmp_path / "packed", sort=sort))

    written_and_read.streams = request.param == "pack"
    return written_and_read


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.sort_values("x"),
        lambda table: table[table["x"] > 0],
        lambda table: table[table["x"] > 0].sample(frac=1, random_state=0),
        lambda table: table.rename(index=float),
        lambda table: pd.concat([part.reset_index(drop=True) for _, part in table.groupby("series_id", sort=False)]),
        lambda table: table.reset_index(),
        lambda table: table.reset_index().rename(columns={"index": "level_0"}),
        lambda table: table.assign(nth=np.arange(1, ROWS + 1)),
    ],
    ids=["sorted", "filtered", "shuffled", "floats", "joined", "index", "level_0", "any name"],
)
def test_row_numbers_are_not_a_channel(read, change) -> None:
    panel = read(change(recordings()), sort=True)
    assert panel.channels == ("x",)
    assert panel.labels.tolist().count("ok") == 6


def test_ignored_row_numbers_are_noted(tmp_path: Path) -> None:
    recordings().to_csv(tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv").notes == (IGNORED.format("''"),)
    recordings().sort_values("x").to_parquet(tmp_path / "table.parquet")
    panel = read_table(tmp_path / "table.parquet", sort=True)
    assert panel.notes == (IGNORED.format("'__index_level_0__'"),)


def test_row_numbers_are_a_channel_on_request() -> None:
    assert read_table(recordings().reset_index(), channels=["index", "x"]).channels == ("index", "x")


def test_an_index_that_measures_is_a_channel() -> None:
    table = recordings().assign(index=RANDOM.integers(1, 6, ROWS))
    assert read_table(table).channels == ("x", "index")


def test_row_numbers_of_wide_tables_are_not_metadata(tmp_path: Path) -> None:
    wide = pd.DataFrame(RANDOM.normal(size=(24, 10))).assign(label=["a", "b"] * 12)
    wide.to_csv(tmp_path / "wide.csv")
    panel = read_table(tmp_path / "wide.csv")
    assert (panel.channels, panel.metadata) == (("channel_0",), None)
    assert panel.notes[-1] == "ignored row numbers in column ''"
    wide.reset_index().rename(columns={"index": "Unnamed: 0"}).to_csv(tmp_path / "wide.csv", index=False)
    assert read_table(tmp_path / "wide.csv").notes[-1] == "ignored row numbers in column 'Unnamed: 0'"


def test_an_unnamed_text_index_is_the_id(tmp_path: Path) -> None:
    wide = pd.DataFrame(RANDOM.normal(size=(3, 10)), index=["p", "q", "r"])
    wide.to_csv(tmp_path / "wide.csv")
    assert read_table(tmp_path / "wide.csv").ids.tolist() == ["p", "q", "r"]


def test_numbers_constant_within_series_are_metadata(read) -> None:
    ages = RANDOM.integers(20, 60, 12)
    panel = read(recordings().assign(age=np.repeat(ages, 20), gain=np.repeat(ages / 8, 20)))
    assert panel.channels == ("x",)
    assert panel.metadata.to_pydict() == {"age": ages.tolist(), "gain": (ages / 8).tolist()}
    assert panel.notes[-1] == (
        "took numbers that are constant within each series as metadata: 'age', 'gain'; to use one as a channel, name "
        "all channels with channels=[...] (--channels)"
    )


def test_a_sensor_that_never_changes_is_a_channel() -> None:
    assert read_table(recordings().assign(stuck=1.0)).channels == ("x", "stuck")


def test_a_constant_column_is_a_channel_on_request() -> None:
    table = recordings().assign(age=np.repeat(np.arange(12.0), 20))
    panel = read_table(table, channels=["x", "age"])
    assert (panel.channels, panel.metadata) == (("x", "age"), None)


@pytest.mark.parametrize(
    ("id", "time", "label"),
    [
        ("Messung", "Zeit [s]", "Zustand"),
        ("Recording-ID", "Time (ms)", "Class"),
        ("essai", "Horodatage", "Étiquette"),
        ("Ensayo", "tiempo", "estado"),
    ],
)
def test_common_names_in_several_languages_are_recognised(id: str, time: str, label: str) -> None:
    panel = read_table(recordings(series_id=id, time=time, label=label))
    assert (len(panel), panel.channels, panel.labels[0]) == (12, ("x",), "ok")
    assert panel.times.tolist()[:2] == [0, 1]


def test_columns_are_found_by_their_content() -> None:
    panel = read_table(recordings(series_id="Lauf", time="k", label="Sorte"))
    assert (len(panel), panel.channels, panel.labels[0]) == (12, ("x",), "ok")
    assert panel.notes == (
        "took column 'Lauf' as id: each of its values fills a block of rows; name another with id=... (--id)",
        "took column 'k' as time: it counts the steps of each series; name another with time=... (--time)",
        "took column 'Sorte' as label: it is constant within each series; name another with label=... (--label)",
    )


def test_dates_that_increase_within_series_are_the_clock() -> None:
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(RANDOM.integers(1, 9, ROWS)), "s")
    panel = read_table(recordings().drop(columns="time").assign(written=dates.astype(str)))
    assert panel.times.dtype == "datetime64[ns]"


def test_a_counter_that_increases_unevenly_is_a_channel() -> None:
    energy = np.cumsum(RANDOM.exponential(size=ROWS))
    assert read_table(recordings().drop(columns="time").assign(energy=energy)).channels == ("x", "energy")


def test_several_possible_labels_are_listed() -> None:
    table = recordings(label="Sorte").assign(site=np.repeat(["n", "s", "n"], ROWS // 3))
    panel = read_table(table)
    assert panel.labels is None
    assert panel.notes == ("no label was read: candidates are 'Sorte', 'site'; name one with label=... (--label)",)


def test_a_state_that_changes_within_series_is_a_signal() -> None:
    panel = read_table(recordings().assign(state=np.tile(["on", "off"], ROWS // 2)))
    assert panel.signals.names == ("state",)


def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    table = recordings(series_id="Lauf", time="k", label="Sorte").sample(frac=1, random_state=0)
    table.to_csv(tmp_path / "table.csv", index=False)
    assert message_of(DataError, read_table, tmp_path / "table.csv") == (
        f"expected columns for id, time, label in '{tmp_path / 'table.csv'}', got 'Lauf', 'k', 'x', 'Sorte'; "
        "candidates are 'Lauf', 'Sorte' for id; 'Sorte' for label; name them with --id Lauf --time NAME --label Sorte "
        "(id='Lauf', time='NAME', label='Sorte' in Python)"
    )


def test_all_missing_stated_columns_are_named_at_once() -> None:
    assert message_of(DataError, read_table, recordings(), id="run", label="state") == (
        "expected columns 'run' for id and 'state' for label in the series table, got 'series_id', 'time', 'x', "
        "'label'; name the columns with --id NAME --label NAME (id=..., label=... in Python)"
    )


def test_the_order_of_the_rows_is_the_clock_on_request() -> None:
    panel = read_table(recordings().sample(frac=1, random_state=0), time=None)
    assert panel.times is None
    assert panel.notes == ("the clock is the order of the rows: column 'time' was not read",)


@pytest.mark.parametrize("empty", [False, True])
def test_labels_that_change_within_series_are_labels_of_steps(read, empty: bool) -> None:
    words = np.array(["ok", "worn", "ok", "ok"] * (ROWS // 4), dtype=object)
    words[0] = "" if empty else "ok"
    panel = read(recordings().assign(label=words), **({} if read.streams is False else {"labels": "auto"}))
    assert panel.labels is None
    assert panel.step_labels.classes == ("ok", "worn")
    assert panel.step_labels.codes[:4, 0].tolist() == [-1 if empty else 0, 1, 0, 0]
    note = panel.notes[-1]
    assert note.startswith(f"the labels in column 'label' change within {len(panel)} of {len(panel)} series, first in ")
    assert note.endswith(
        ", and were read as labels of steps; set per_step=False (--set data.level=series) to require one label for each "
        "series"
    )


def test_a_label_that_differs_in_one_cell_is_located(read) -> None:
    words = np.array(["ok"] * ROWS, dtype=object)
    words[5] = "OK"
    options = {} if read.streams is False else {"labels": "auto"}
    note = read(recordings().assign(label=words), **options).notes[-1]
    assert "change within 1 of " in note
    assert "first in line 7 of" in note or "first in row 5 " in note


def test_labels_of_steps_need_few_classes() -> None:
    table = recordings().assign(label=[f"note {row}" for row in range(ROWS)])
    assert message_of(LabelError, read_table, table).startswith("expected one label per series, got 'note 0' and then")


def test_an_empty_label_among_equal_ones_is_an_error() -> None:
    table = recordings().assign(label=["ok"] * (ROWS - 1) + [""])
    assert message_of(LabelError, read_table, table) == (
        "expected no empty cell in column 'label', got one in row 239 (the first is 0) of the series table; "
        "write the label in every row of its series"
    )


@pytest.mark.parametrize("words", [[0, 1], ["0", "1"], [False, True], [0.0, 1.0]])
def test_two_classes_of_steps_are_named_by_their_column(words: list[object]) -> None:
    panel = read_table(recordings().assign(label_worn=np.tile(words, ROWS // 2)).drop(columns="label"), per_step=True)
    assert panel.step_labels.classes == ("not worn", "worn")
    assert panel.step_labels.codes[:3, 0].tolist() == [0, 1, 0]
    assert task_of(panel).positive_index == 1


def test_two_classes_named_by_their_column_read_back(tmp_path: Path) -> None:
    table = recordings().assign(label_worn=np.repeat([0, 1], ROWS // 2)).drop(columns="label")
    panel = read_table(table, per_step=True)
    for one in (panel, panel[:3].compact()):
        write_table(one, tmp_path)
        again = read_table(tmp_path / "series.parquet", per_step=True).step_labels
        assert again.classes == ("not worn", "worn")
        assert again.codes.tolist() == one.step_labels.codes.tolist()


def test_the_id_of_interleaved_rows_is_found_by_the_clock() -> None:
    panel = read_table(recordings(series_id="Gerät").sort_values(["time", "x"]))
    assert (len(panel), panel.lengths.tolist()) == (12, [20] * 12)
    assert panel.notes[0] == (
        "took column 'Gerät' as id: the times rise within each of its values; name another with id=... (--id)"
    )


def test_seconds_that_increase_over_midnight_are_the_clock() -> None:
    seconds = 1_700_000_000 + np.arange(ROWS)
    assert read_table(recordings().drop(columns="time").assign(epoch=seconds)).times.tolist() == seconds.tolist()
    assert read_table(recordings().assign(epoch=seconds)).channels == ("x",)


def test_a_file_with_increasing_times_is_one_series(tmp_path):
    file = tmp_path / "r01.csv"
    file.write_text("t,x\n0,1.5\n1,0.5\n2,2.5\n")
    panel = read_table(file)
    assert panel.ids.tolist() == ["r01"]
    assert panel.notes[-1] == (
        "no column 'series_id': the file is one series, named by its file, as its times rise throughout"
    )


@pytest.mark.parametrize("clock", [True, False])
def test_text_beside_stated_channels_does_not_split_a_series(tmp_path, clock: bool) -> None:
    rows = [f"{step}," * clock + f"{step**2},{'on' if step % 3 else 'off'},north," for step in range(9)]
    (tmp_path / "r01.csv").write_text("\n".join(["t," * clock + "x,mode,site,dead", *rows]) + "\n")
    panel = read_table(tmp_path / "r01.csv", label=None, channels=["x"])
    assert (panel.ids.tolist(), panel.lengths.tolist()) == (["r01"], [9])


def test_blocks_of_text_are_not_one_series(tmp_path) -> None:
    rows = "".join(f"{step},{step**2},{'pump' if step < 9 else 'fan'}\n" for step in range(18))
    (tmp_path / "r01.csv").write_text("t,x,machine\n" + rows)
    assert "candidates are 'machine'" in message_of(
        DataError, read_table, tmp_path / "r01.csv", label=None, channels=["x"]
    )


def test_a_file_that_may_be_one_series_needs_an_id(tmp_path) -> None:
    file = tmp_path / "r01.csv"
    file.write_text("t,x,mode,label\n" + "".join(f"{step},{step**2},{'ab'[step % 2]},ok\n" for step in range(9)))
    assert message_of(DataError, read_table, file).endswith(
        "; if the file is one series, add a column 'series_id' with its name in each row"
    )


def test_decreasing_times_without_an_id_are_refused(tmp_path):
    file = tmp_path / "r01.csv"
    file.write_text("t,x\n0,1.5\n1,0.5\n0,2.5\n1,1.5\n")
    assert message_of(DataError, read_table, file) == (
        f"expected columns for id, label in '{file}', got 't', 'x'; name them with --id NAME --label NAME "
        "(id='NAME', label='NAME' in Python); the times begin again in line 4 of "
        f"'{file}', as where a series begins: add a column of ids"
    )


def test_times_of_day_are_not_sorted_over_midnight(tmp_path):
    file = tmp_path / "night.csv"
    file.write_text("series_id,time,x\na,23:30:00,1.5\na,00:30:00,0.5\n")
    assert message_of(DataError, read_table, file) == (
        "expected increasing times within each series, got 1800 seconds after midnight after 84600 in line 3 of "
        f"'{file}' (series 'a'), as when midnight passes; write the date before each time, or take the order of the "
        "rows as the clock with time=None (--time none)"
    )
