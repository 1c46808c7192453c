"""CSV dialects are detected, noted, and read as the same table as plain CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from limelight.data.reading.sources import columns_of, open_file, open_source, stream_file
from limelight.data.reading.tables import read_table
from limelight.errors import DataError, ParameterError
from support.errors import message_of

CHANGE = "change it with csv={...} (--set data.csv.KEY=...)"
HEADER = ["series_id", "time", "x", "label"]
ROWS = [[f"s{row // 3}", str(row % 3), f"{row - 2.25:.4f}", "ok" if row < 3 else "worn"] for row in range(6)]


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def _table(separator: str = ",", decimal: str = ".", end: str = "\n") -> str:
    rows = [HEADER, *([name, time, x.replace(".", decimal), label] for name, time, x, label in ROWS)]
    return "".join(separator.join(row) + end for row in rows)


def _is_table(path: Path, **options: object) -> tuple[str, ...]:
    """Check that a file is read as the table of this module, at once and in a stream; return the notes."""
    panel = read_table(path, **options)
    assert panel.ids.tolist() == ["s0", "s1"]
    assert panel.labels.tolist() == ["ok", "worn"]
    assert panel.channels == ("x",)
    assert panel.values[:, 0].tolist() == [float(np.float32(row[2])) for row in ROWS]
    assert panel.times.tolist() == [0, 1, 2, 0, 1, 2]
    return panel.notes


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")], ids=["semicolon", "tab", "bar"]
)
def test_separators_are_detected(tmp_path, separator, name):
    path = _write(tmp_path / "a.csv", _table(separator))
    assert _is_table(path) == (f"read '{path}' with separator {name}; {CHANGE}",)


def test_a_decimal_comma_is_detected(tmp_path):
    path = _write(tmp_path / "a.csv", _table(";", ","))
    assert _is_table(path) == (f"read '{path}' with separator ';' and decimal ','; {CHANGE}",)


def test_quoted_decimal_commas_are_detected(tmp_path):
    rows = "".join(f'{name},{time},"{x.replace(".", ",")}",{label}\n' for name, time, x, label in ROWS)
    path = _write(tmp_path / "a.csv", ",".join(HEADER) + "\n" + rows)
    assert _is_table(path) == (f"read '{path}' with decimal ','; {CHANGE}",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_encodings_and_line_ends_are_detected(tmp_path, encoding, end):
    text = _table(";", ",", end)
    path = _write(tmp_path / "a.csv", text, encoding)
    _is_table(path)


def test_the_encoding_of_windows_is_detected(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,größe\nä,1.5\n", "cp1252")
    panel = read_table(path)
    assert (panel.ids.tolist(), panel.channels) == (["ä"], ("größe",))
    assert panel.notes == (f"read '{path}' with encoding cp1252; {CHANGE}",)


def test_a_late_windows_character_changes_the_encoding(tmp_path):
    rows = "".join(f"s{row},{row}\n" for row in range(60000))
    path = _write(tmp_path / "a.csv", f"series_id,x\n{rows}größe,1\n", "cp1252")
    assert read_table(path).ids[-1] == "größe"
    assert [chunk.table["series_id"][-1].as_py() for chunk in stream_file(path)][-1] == "größe"


@pytest.mark.parametrize(
    "head",
    ["# logger 3.1\n", "% a\n% b\n", "// x, y\n", "Logger 7\n", "Logger;ACME\nSerial;12\n\n", "sep=,\n", "\n\n"],
    ids=["hash", "percent", "slashes", "words", "pairs", "sep", "empty"],
)
def test_lines_above_the_header_are_not_data(tmp_path, head):
    _is_table(_write(tmp_path / "a.csv", head + _table()))


def test_comment_lines_between_rows_are_not_data(tmp_path):
    lines = _table().splitlines(keepends=True)
    path = _write(tmp_path / "a.csv", "".join([*lines[:3], "# pause, 3, 4\n", *lines[3:]]))
    assert _is_table(path) == (f"read '{path}' with comment lines '#'; {CHANGE}",)


def test_a_late_comment_line_is_not_data(tmp_path):
    rows = "".join(f"s0,{row},1.5\n" for row in range(60000))
    later = "".join(f"s0,{row},1.5\n" for row in range(60000, 120000))
    path = _write(tmp_path / "a.csv", f"series_id,time,x\n{rows}# pause\n{later}")
    assert read_table(path).lengths.tolist() == [120000]
    assert sum(chunk.rows for chunk in stream_file(path)) == 120000


def test_a_header_in_a_comment_is_the_header(tmp_path):
    _is_table(_write(tmp_path / "a.csv", "# " + _table()))


def test_ids_with_a_hash_are_not_comments(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,x\n#1,0.5\n#2,0.25\n")
    assert read_table(path).ids.tolist() == ["#1", "#2"]


def test_complete_rows_are_not_comments(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,x\na,1\n#b,2\nc,3\nd,4\n")
    assert read_table(path).ids.tolist() == ["a", "#b", "c", "d"]


def test_spreadsheet_errors_are_not_comments(tmp_path):
    path = _write(tmp_path / "a.csv", "# a\nx,series_id\n#N/A,a\n1,a\n")
    assert read_table(path).lengths.tolist() == [2]


def test_a_row_of_units_becomes_units(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id;time;p;t\n;[s];bar;[°C]\na;0;1,5;20\na;1;1,25;21\n")
    panel = read_table(path)
    assert panel.units == {"time": "s", "p": "bar", "t": "°C"}
    assert panel.lengths.tolist() == [2]


def test_a_word_in_the_first_row_is_not_a_unit(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,x\na,fast\na,1\na,2\n")
    assert open_file(path).rows == 3


def test_separators_at_the_end_of_lines_add_no_column(tmp_path):
    path = _write(tmp_path / "a.csv", _table().replace("\n", ",\n"))
    assert columns_of(path) == HEADER
    _is_table(path)


def test_separators_at_the_end_of_rows_alone_add_no_column(tmp_path):
    head, rows = _table().split("\n", 1)
    _is_table(_write(tmp_path / "a.csv", head + "\n" + rows.replace("\n", ",\n")))


def test_rows_of_separators_alone_are_not_data(tmp_path):
    _is_table(_write(tmp_path / "a.csv", _table(";", ",") + ";;;\n;;;\n"))


def test_a_late_cell_without_a_column_name_is_an_error(tmp_path):
    rows = "s0,0,\n" * 40000
    path = _write(tmp_path / "a.csv", f"series_id,x,\n{rows}s0,1,2\n{rows * 4}")
    assert message_of(DataError, read_table, path) == (
        f"expected no cell in column 3 of '{path}', which has no name and is empty at first, got '2' in line 40002; "
        "name the column, or remove the cell"
    )


def test_columns_without_names_are_named_by_position(tmp_path):
    path = _write(tmp_path / "a.csv", ",series_id,,x\n0,a,7,1\n1,a,7,2\n")
    assert columns_of(path) == open_file(path).columns == ["", "series_id", "column_3", "x"]


def test_runs_of_blanks_separate_columns_of_text_files(tmp_path):
    path = _write(tmp_path / "a.dat", "  time    x\n   0   0.5\n  10  -1.5\n")
    assert open_file(path).table.to_pydict() == {"time": ["0", "10"], "x": ["0.5", "-1.5"]}


def test_single_quotes_enclose_text(tmp_path):
    rows = "".join(f"'{name}',{time},{x},'{label}'\n" for name, time, x, label in ROWS)
    path = _write(tmp_path / "a.csv", ",".join(HEADER) + "\n" + rows)
    assert _is_table(path) == (f"""read '{path}' with quote "'"; {CHANGE}""",)


@pytest.mark.parametrize(
    ("separator", "cells", "numbers"),
    [
        (";", ["1.234,5", "0,25"], [1234.5, 0.25]),
        (";", ["1.234", "0,25"], [1234.0, 0.25]),
        ("\t", ["1,234.5", "2"], [1234.5, 2.0]),
        (";", ["1 234,5", "2"], [1234.5, 2.0]),
        (";", ["1\u00a0234,5", "2"], [1234.5, 2.0]),
        (",", ["1'234.5", "2"], [1234.5, 2.0]),
        (";", ["1.234.567", "2"], [1234567.0, 2.0]),
        (";", ["\u22121,5", "2"], [-1.5, 2.0]),
        (",", ["1.234", "2.345"], [1.234, 2.345]),
        (";", ["1.5e3", "2"], [1500.0, 2.0]),
        (";", ["1,5e3", "2"], [1500.0, 2.0]),
    ],
)
def test_thousands_separators_are_distinguished_from_decimal_signs(tmp_path, separator, cells, numbers):
    rows = "".join(f"a{separator}{cell}\n" for cell in cells)
    path = _write(tmp_path / "a.csv", f"series_id{separator}x\n{rows}")
    assert read_table(path).values[:, 0].tolist() == np.float32(numbers).tolist()


def test_the_note_names_what_was_assumed(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id;x\na;1,234\na;2,345\n")
    panel = read_table(path)
    assert panel.values[:, 0].tolist() == np.float32([1.234, 2.345]).tolist()
    assert panel.notes == (
        f"read '{path}' with separator ';' and decimal ',' and took the comma in '1,234' as a decimal sign, though it "
        f"may stand between thousands; {CHANGE}",
    )


def test_counts_below_a_thousand_show_the_thousands_separator(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id;x\na;1,234\na;999\na;12\n")
    assert read_table(path).values[:, 0].tolist() == [1234, 999, 12]


def test_columns_may_differ_in_their_decimals(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id;x;y\na;1,5;0.25\na;2,5;0.5\na;3;0.75\n")
    assert read_table(path).values.tolist() == [[1.5, 0.25], [2.5, 0.5], [3.0, 0.75]]


def test_one_note_for_many_files(tmp_path):
    for name in "abc":
        _write(tmp_path / f"{name}.csv", "time;x\n0;1,5\n1;2,5\n")
    pattern = str(tmp_path / "*.csv")
    notes = [note for note in read_table(pattern).notes if "separator" in note]
    assert notes == [f"read '{pattern}' with separator ';' and decimal ','; {CHANGE}"]


def test_every_table_has_its_own_dialect(tmp_path):
    series = _write(tmp_path / "series.csv", "series_id,x\ná,1\nb,2\n")
    labels = _write(tmp_path / "labels.csv", "series_id;label\ná;ok\nb;worn\n", "cp1252")
    metadata = _write(tmp_path / "metadata.csv", "series_id\tage\ná\t1,5\nb\t2,5\n", "utf-16")
    panel = read_table(series, labels=labels, metadata=metadata)
    assert panel.labels.tolist() == ["ok", "worn"]
    assert panel.metadata["age"].to_pylist() == [1.5, 2.5]
    assert len(panel.notes) == 2


def test_stated_signs_override_detection(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id;x\na;1,234\na;2,345\n")
    assert read_table(path, csv={"thousands": ",", "decimal": "."}).values[:, 0].tolist() == [1234, 2345]


def test_a_stated_row_of_units_is_not_data(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,x\nname,volt\na,1\n")
    panel = read_table(path, csv={"units_row": True})
    assert (panel.ids.tolist(), panel.units) == (["a"], {"x": "volt"})


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        (
            {"seperator": ";"},
            "expected csv with keys separator, decimal, thousands, encoding, quote, comment, units_row, names, got "
            "'seperator'; did you mean 'separator'?",
        ),
        ({"separator": "ab"}, "expected csv separator to be one of [',', ';', '\\t', '|', ' '], got 'ab'"),
        ({"encoding": "no"}, "expected csv encoding such as 'utf-8' or 'cp1252', got 'no', which is unknown"),
        ({"units_row": "yes"}, "expected csv units_row to be true or false, got 'yes'"),
        ({"decimal": ",", "thousands": ","}, "expected csv decimal and thousands to differ, got ',' for both"),
        ({"comment": " x"}, "expected csv comment as one or two signs such as '#' or '//', got ' x'"),
        ({"separator": 1}, "expected csv separator as text, got 1"),
    ],
)
def test_an_invalid_statement_is_an_error(tmp_path, csv, message):
    path = _write(tmp_path / "a.csv", _table())
    assert message_of(ParameterError, read_table, path, csv=csv) == message


def test_a_separator_that_does_not_occur_is_an_error(tmp_path):
    path = _write(tmp_path / "a.csv", _table())
    assert message_of(ParameterError, read_table, path, csv={"separator": ";"}) == (
        f"expected cells of '{path}' separated by ';' (set by csv), got cells separated by ','; correct the "
        "separator, or leave it out to detect it"
    )


def test_a_decimal_sign_that_does_not_occur_is_an_error(tmp_path):
    path = _write(tmp_path / "a.csv", _table(";"))
    assert message_of(ParameterError, read_table, path, csv={"decimal": ","}) == (
        f"expected numbers with decimal ',' in '{path}' (set by csv), got '-2.2500' in column 'x'; correct the "
        "decimal, or leave it out to detect it"
    )


def test_an_encoding_that_does_not_fit_is_an_error(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,x\nä,1\n", "cp1252")
    assert message_of(DataError, read_table, path, csv={"encoding": "utf-8"}) == (
        f"expected text in encoding utf-8 in '{path}', got other bytes; save the file as UTF-8, or state its encoding "
        'with csv={"encoding": ...} (--set data.csv.encoding=...)'
    )


def test_errors_name_the_line_of_the_file(tmp_path):
    head = 'Logger\n\n# a\nseries_id;time;x\n;s;bar\n"a\nb";0;1,5\n# c\n'
    path = _write(tmp_path / "a.csv", head + "a;0;1,5\na;0;fast\n" + "a;1;1\n" * 5)
    source = open_source(path, "series")
    assert [source.location(row) for row in (0, 1, 2)] == [f"line {line} of '{path}'" for line in (6, 9, 10)]


def test_a_line_of_another_width_is_named_with_its_line(tmp_path):
    path = _write(tmp_path / "a.csv", "# a\nseries_id;x\na;1,5\na;1;5\na;2,5\n")
    assert message_of(DataError, read_table, path) == (
        f"expected 2 cells in every line of '{path}', got 3 in line 4; put text that contains semicolons in double "
        "quotes"
    )


def test_a_header_too_short_is_still_an_error(tmp_path):
    path = _write(tmp_path / "a.csv", "series_id,x\na,1,5\na,2,5\n")
    assert message_of(DataError, read_table, path) == (
        f"expected 2 cells in every line of '{path}', got 3 in line 2; if commas are decimal signs, separate the "
        "cells by semicolons, else put text that contains commas in double quotes"
    )


WORDS = st.text(st.sampled_from("abzÄöüß -_.,;|'#\"\n"), min_size=1, max_size=6).map(lambda word: f"w{word}w")
NUMBERS = st.one_of(st.integers(-(10**7), 10**7).map(str), st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}"))


@st.composite
def tables(draw):
    rows = draw(st.integers(3, 12))
    columns = [draw(st.lists(WORDS, min_size=rows, max_size=rows))]
    for _ in range(draw(st.integers(1, 3))):
        cells = draw(st.lists(st.one_of(NUMBERS, st.just("")), min_size=rows, max_size=rows))
        columns.append(cells)
    return [list(row) for row in zip(*columns, strict=True)]


def _in_dialect(number: str, decimal: str, thousands: str) -> str:
    whole, _, fraction = number.partition(".")
    sign, digits = whole[: whole.startswith("-")], whole.lstrip("-")
    groups = f"{int(digits):,}".replace(",", thousands) if digits else ""
    return sign + groups + (decimal + fraction if fraction else "")


def _quoted(cell: str, separator: str) -> str:
    special = any(sign in cell for sign in f'{separator}"\n')
    return '"' + cell.replace('"', '""') + '"' if special else cell


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=tables(),
    separator=st.sampled_from(",;\t|"),
    signs=st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", "'")]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    head=st.sampled_from(["", "# exported, 3.1\n", "Logger 5\n\n"]),
    trailing=st.booleans(),
)
def test_a_table_in_any_dialect_is_read_back(tmp_path, table, separator, signs, encoding, end, head, trailing):
    fractions = [cell for row in table for cell in row[1:] if "." in cell]
    assume(any(cell.lstrip("-").startswith("0.") or not cell.endswith("000") for cell in fractions))
    assume(any(len(_in_dialect(cell, *signs).split(signs[0])[0].lstrip("-")) > 3 for cell in fractions))
    names = ["größe", *(f"x{place}" for place in range(1, len(table[0])))]
    rows = [names, *([row[0], *(_in_dialect(cell, *signs) for cell in row[1:])] for row in table)]
    lines = [separator.join([*(_quoted(cell, separator) for cell in row), *[""] * trailing]) for row in rows]
    path = _write(tmp_path / "a.csv", head.replace("\n", end) + "".join(line + end for line in lines), encoding)
    whole = open_file(path).table
    streamed = [row for chunk in stream_file(path) for row in chunk.table.to_pylist()]
    assert whole.column_names == columns_of(path) == names
    assert whole.to_pylist() == streamed
    read = [[row[name] for name in names] for row in streamed]
    assert [[float(cell) if cell else cell for cell in row[1:]] for row in read] == [
        [float(cell) if cell else cell for cell in row[1:]] for row in table
    ]
    same_ends = str.maketrans({"\r": "\n"})
    assert [row[0].translate(same_ends) for row in read] == [row[0] for row in table]


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        (["s0,0,1.5,ok", "s0,1,1.25,ok", "s1,0,2.5,worn", "s1,1,0.5,worn"], "'s0', '0', '1.5'"),
        (["0,1.5,0.25", "1,0.5,2.25", "2,1.0,0.75", "3,1.5,0.5"], "'0', '1.5', '0.25'"),
    ],
    ids=["words", "numbers"],
)
def test_a_missing_header_is_refused(tmp_path, rows, cells):
    path = _write(tmp_path / "a.csv", "\n".join(rows) + "\n")
    assert message_of(DataError, read_table, path) == (
        f"expected the names of the columns in the first line of '{path}', got data: {cells}; write a line of names "
        "above them, such as series_id,time,value, or pass the names with csv={'names': ['time', 'value']} (--set "
        '\'data.csv.names=["time","value"]\')'
    )


def test_numbers_of_steps_are_a_header(tmp_path):
    rows = "".join(f"{row},{row + 0.5},{row - 0.5}\n" for row in range(4))
    panel = read_table(_write(tmp_path / "a.csv", "0,1,2\n" + rows), layout="wide")
    assert panel.lengths.tolist() == [3, 3, 3, 3]


def test_decimal_commas_between_commas_are_named(tmp_path):
    path = _write(tmp_path / "a.csv", "time,x\n0,1,5\n1,2,5\n2,0,5\n")
    assert message_of(DataError, read_table, path) == (
        f"expected 2 cells in every line of '{path}', got 3 in line 2; if commas are decimal signs, separate the "
        "cells by semicolons, else put text that contains commas in double quotes"
    )


def test_a_first_row_without_numbers_is_not_units(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("series_id,label_a,label_b\nH,,\ns,1,0\nd,0,1\n")
    assert open_file(file).table["series_id"].to_pylist() == ["H", "s", "d"]


def test_plain_numbers_beside_decimal_commas_are_unambiguous(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "time;bar;mbar\n0.00;0,547;547,096\n0.10;1,764;1763,759\n0.20;2,487;2486,761\n")
    assert read_table(path).notes[0] == f"read '{path}' with separator ';' and decimal ','; {CHANGE}"
