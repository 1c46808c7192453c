import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.reading import csv_files, sources
from limelight.data.reading.pack_long import pack_long
from limelight.data.reading.roles import find_roles
from limelight.data.reading.sheets import open_sheets
from limelight.data.reading.tables import join_tables, read_table
from limelight.data.store import write as packing
from limelight.data.store.open import open_store, stored_split
from limelight.data.writing import write_table
from limelight.errors import DataError, LabelError, ParameterError
from support.errors import message_of
from support.strategies import assert_equal, panels


def _pack(given, folder, labels="series", sort=False, missing="keep", **options):
    names = {"id": "series_id", "time": "time", "label": "label", "channels": None}
    sheets, roles = find_roles(open_sheets(given), **names, labels=labels)
    return open_store(pack_long(sheets, roles, folder / "store", sort=sort, missing=missing, **options))


@pytest.fixture(autouse=True, scope="module")
def _small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "CHUNK_ROWS", 3)
        patch.setattr(csv_files, "CHUNK_BYTES", 1024)
        patch.setattr(packing, "RELEASE_AFTER_WRITING", 100)
        yield


@given(panel=panels(), draw=st.randoms(use_true_random=False), mixed=st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_packed_table_is_the_table_that_was_read(panel, draw, mixed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    write_table(panel, folder)
    steps, sort = panel.step_labels is not None, mixed and panel.times is not None
    if mixed:
        table = parquet.read_table(folder / "series.parquet")
        rows = list(range(table.num_rows))
        draw.shuffle(rows)
        parquet.write_table(table.take(rows), folder / "series.parquet")
    read = read_table(folder / "series.parquet", per_step=steps, sort=sort)
    assert_equal(_pack(str(folder / "series.parquet"), folder, "steps" if steps else "series", sort), read)


def _long(rows, folder, kind):
    """A table whose series lie across many pieces."""
    random = np.random.default_rng(0)
    series = random.integers(0, 5, rows)
    table = pa.table(
        {
            "series_id": [f"s{number}" for number in series],
            "time": np.arange(rows),
            "speed": random.normal(size=rows).round(3),
            "label": [f"class {number % 2}" for number in series],
            "site": [f"site {number}" for number in series],
            "remark": [f"row {number}" for number in range(rows)],
        }
    )
    file = folder / f"series.{kind}"
    (parquet.write_table if kind == "parquet" else pyarrow.csv.write_csv)(table, file)
    return file


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_chunks_of_a_file_give_the_same_series(kind, tmp_path):
    file = _long(400, tmp_path, kind)
    rows = []
    packed = _pack(str(file), tmp_path, advance=rows.append)
    assert_equal(packed, read_table(str(file)))
    assert sum(rows) == 400
    assert len(rows) > 5
    assert packed.metadata.column_names == ["site"]
    assert packed.notes == (
        "ignored text columns that change within a series and have more than 50 distinct words: 'remark'",
    )


def test_labels_metadata_and_split_are_packed_too(tmp_path):
    file = _long(50, tmp_path, "csv")
    labels = pa.table({"series_id": [f"s{number}" for number in range(5)], "label": list("uvuvu")})
    metadata = pa.table({"series_id": [f"s{number}" for number in range(4)], "age": [1, 2, 3, 4]})
    packed = _pack(
        str(file),
        tmp_path,
        labels=None,
        complete=lambda panel: join_tables(panel, labels=labels, metadata=metadata),
        split=lambda panel: ["train"] * len(panel),
    )
    of = {name: row for row, name in enumerate(packed.ids.tolist())}
    assert [packed.labels[of[f"s{number}"]] for number in range(5)] == list("uvuvu")
    assert packed.metadata["age"].to_pylist()[of["s4"]] is None
    assert packed.notes[-1] == "no metadata for 1 series: 's4'"
    assert stored_split(tmp_path / "store") == ["train"] * 5


def pack_error(kind, given, folder, **options):
    message = message_of(kind, _pack, given, folder, **options)
    assert not (folder / "store").exists()
    assert not [file.name for file in folder.iterdir() if file.name.startswith(".")]
    return message


def test_an_error_in_a_late_chunk_is_located(tmp_path):
    file = _long(400, tmp_path, "csv")
    lines = file.read_text().splitlines()
    cells = lines[350].split(",")
    lines[350] = ",".join([*cells[:2], "fast", *cells[3:]])
    file.write_text("\n".join(lines) + "\n")
    series = cells[0].strip('"')
    assert pack_error(DataError, str(file), tmp_path) == (
        f"expected a number in column 'speed', got 'fast' in line 351 of '{file}' (series '{series}'); correct it, or "
        "leave the cell empty if the value is unknown"
    )


def test_a_missing_number_in_a_late_chunk_can_be_refused(tmp_path):
    rows = [f"a,{number},{'' if number == 300 else number}" for number in range(400)]
    file = tmp_path / "series.csv"
    file.write_text("\n".join(["series_id,time,speed", *rows]) + "\n")
    assert pack_error(DataError, str(file), tmp_path, missing="error") == (
        f"expected a number in every cell of column 'speed', got 1 missing, the first in line 302 of '{file}' "
        "(series 'a'); fill them in, or set missing='keep' to read them as missing values"
    )


def test_a_label_that_changes_in_a_later_chunk_is_located(tmp_path):
    rows = [f"a,{number},1,{'bad' if number == 390 else 'ok'}" for number in range(400)]
    file = tmp_path / "series.csv"
    file.write_text("\n".join(["series_id,time,speed,label", *rows]) + "\n")
    assert pack_error(LabelError, str(file), tmp_path) == (
        f"expected one label per series, got 'ok' and then 'bad' in series 'a', at line 392 of '{file}'; split "
        "the series where its label changes, give it one label, or cut it into windows"
    )


def test_decreasing_times_between_two_chunks_are_located(tmp_path):
    rows = [f"a,{number if number != 300 else 5},1" for number in range(400)]
    file = tmp_path / "series.csv"
    file.write_text("\n".join(["series_id,time,speed", *rows]) + "\n")
    assert pack_error(DataError, str(file), tmp_path) == (
        f"expected increasing times within each series, got 5 after 299 in line 302 of '{file}' (series 'a'); sort the "
        "rows by time with sort=True (--set data.sort=true), or take their order as the clock with time=None (--time none)"
    )
    assert pack_error(DataError, str(file), tmp_path, sort=True) == (
        f"expected distinct times in each series, got time 5 of series 'a' again in line 302 of '{file}', first in line "
        f"7 of '{file}', with the same values; remove the repetition"
    )


def test_sorting_without_a_clock_is_refused(tmp_path):
    file = tmp_path / "series.csv"
    file.write_text("series_id,speed\na,1\n")
    assert pack_error(ParameterError, str(file), tmp_path, sort=True) == (
        f"expected a time column to sort by, got none in '{file}'; omit sort"
    )


def test_a_field_changing_in_a_late_chunk_is_a_signal(tmp_path):
    file = tmp_path / "series.csv"
    rows = [f"a,{number},1,{'' if number < 300 else 'north'}" for number in range(400)]
    file.write_text("\n".join(["series_id,time,speed,site", *rows]) + "\n")
    for panel in (_pack(str(file), tmp_path), read_table(str(file))):
        assert panel.metadata is None
        assert panel.notes == ("took text columns that change within a series as signals: 'site'",)
        assert panel.signals.classes == (("north",),)
