"""Tables that the exported page reads: the same series as ``limelight predict``, or one sentence."""

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limelight.export import web_runtime
from limelight.export.web_page import export_page
from limelight.model.batching import shape_of
from limelight.model.fitted import FittedModel
from limelight.model.reading import read_as_trained
from limelight.model.vocabulary import fit_vocabulary
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.browser import Browser
from support.web_reading import read_in_page


def model_of(names: tuple[str, ...], clock: str | None = None, **metadata: list[Any]) -> FittedModel:
    """A model with random weights; with a clock, it reads the time between steps."""
    vocabulary = fit_vocabulary(pa.table(metadata)) if metadata else None
    gru, fusion = {"name": "gru", "hidden_size": 2}, {"fusion": "late"} if metadata else {}
    architecture = Architecture.of(gru, "last", clock="elapsed" if clock else "order", missing="mask", **fusion)
    network = Network(architecture, len(names), 1, *([shape_of(vocabulary)] if metadata else []))
    fitted_on = {"clock": clock} if clock else {}
    return FittedModel(Task(("a", "b")), architecture, network, names, fitted_on, vocabulary=vocabulary)


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"channel_{place}" for place in range(count))


LEADS = tuple(f"ch{place}" for place in range(1, 9))
MODELS = {
    "named": model_of(("x", "y")),
    "dated": model_of(("x", "y"), "dates"),
    "timed": model_of(("x", "y"), "numbers"),
    "described": model_of(("x", "y"), site=["u", "v"], built=[2001, 2005]),
    "states": model_of(("x", "y"), state=["ok", "bad"]),
    "one channel": model_of(numbered(1)),
    "one dated channel": model_of(numbered(1), "dates"),
    "one timed channel": model_of(numbered(1), "numbers"),
    "two channels": model_of(numbered(2)),
    "leads": model_of(LEADS),
    "eight channels": model_of(numbered(8)),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a page for each model; reading a table needs no runtime."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / web_runtime.RUNTIME_FILE).write_text("globalThis.limelightRuntime = {};")
    return {name: export_page(model, folder / f"{name.replace(' ', '_')}.html") for name, model in MODELS.items()}


def table(head: str, *rows: str) -> str:
    return "\n".join((head, *rows)) + "\n"


def long(head: str, clocks: list[str]) -> str:
    """A long table of two series with the same times."""
    return table(
        head,
        *(
            f"{name},{clock},{step / 4},{place - step}"
            for place, name in enumerate("ab")
            for step, clock in enumerate(clocks)
        ),
    )


def wide(names: list[str], head: str = "id", cells: str = "s{row}") -> str:
    """A wide table of four series."""
    values = [",".join(str(row + step / 4) for step in range(len(names))) for row in range(4)]
    return table(
        ",".join((head, *names)),
        *(f"{cells.format(row=row, word='uv'[row % 2])},{one}" for row, one in enumerate(values)),
    )


def steps(head: str, clocks: list[str]) -> str:
    """A table with a row for each step of eight numbered channels."""
    return table(
        head, *(",".join((clock, *(str(step + place / 2) for place in range(8)))) for step, clock in enumerate(clocks))
    )


LAYOUTS = {
    "a date beside a time": ("dated", long("id,Datum,Uhrzeit,x,y", [f"31.01.2024,10:0{step}" for step in range(4)])),
    "a date beside an hour": ("dated", long("id,date,hour,x,y", [f"2024-01-31,{step}" for step in range(4)])),
    "a compact date beside a time": ("dated", long("id,date,time,x,y", [f"20240131,1:0{step} PM" for step in range(4)])),
    "year, month and day": ("dated", long("id,year,month,day,x,y", [f"2024,1,{step + 1}" for step in range(4)])),
    "a date down to the minute": ("two channels", long("id,year,month,day,hour,minute,x,y", [f"2024,1,1,3,{step}" for step in range(4)])),
    "compact dates": ("dated", long("id,time,x,y", [f"2024013{step}" for step in range(2)])),
    "hours and minutes": ("named", long("id,time,x,y", ["08:15", "08:30", "9:00"])),
    "header lines among the data": ("named", long("id,time,x,y", ["0", "1"]) + long("id,time,x,y", ["2", "3"]).replace("a,", "c,").replace("b,", "d,")),
    "columns named by dates": ("one dated channel", wide([f"2024-01-{day:02}" for day in (3, 1, 2, 5, 4)])),
    "columns named by months": ("one dated channel", wide(["Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024", "May 2024"])),
    "columns named by seconds": ("one timed channel", wide([f"{step / 4} s" for step in range(6)])),
    "columns named by decimals": ("one channel", wide([f"{step / 4:.2f}" for step in range(6)])),
    "columns named by times of day": ("one timed channel", wide([f"{hour:02}:15" for hour in range(6)])),
    "columns named by every tenth": ("one timed channel", wide([str(10 * step) for step in range(6)])),
    "a text column with a number": ("one channel", wide([f"x_{step}" for step in range(6)], "id,site2", "s{row},{word}")),
    "an index of words": ("one channel", wide([str(step) for step in range(6)], "", "w{row}")),
    "steps of two channels": ("two channels", wide([f"{name}_{step}" for step in (2, 0, 1) for name in "yx"])),
    "called channels": ("eight channels", steps(",".join(("time", *LEADS)), ["0", "1", "2"])),
    "channels of the model": ("leads", steps(",".join(("id", *LEADS)), ["a", "a", "a", "b", "b", "b"])),
    "numbered channels and repeated ids": ("eight channels", steps("id,x1,x2,x3,x4,x5,x6,x7,x8", ["a", "a", "a", "b", "b", "b"])),
    "numbered channels and an even clock": ("eight channels", steps("time,x1,x2,x3,x4,x5,x6,x7,x8", ["0.1", "0.2", "0.3", "0.4"])),
    "numbered steps and an uneven time": ("one channel", steps("time,x1,x2,x3,x4,x5,x6,x7,x8", ["3.1", "0.1", "7.4", "0.2"])),
    "times of day with AM and PM": ("timed", long("id,time,x,y", ["11:59 AM", "12:01 PM", "1:05:30 p.m."])),
    "an hour without minutes": ("dated", long("id,time,x,y", ["2024-01-31T10", "2024-01-31T11"])),
    "columns named by months alone": ("one timed channel", wide(["Feb", "January", "Mar", "May", "Sept", "Dec"])),
    "columns named by AM and PM": ("one timed channel", wide(["9:15 AM", "12:15 PM", "1:15 PM", "2:15 PM", "11:15 AM"])),
    "dots, AM and PM": ("dated", long("id,time,x,y", ["1.2.2024 1:05 PM", "2.2.2024 1:05 PM"])),
    "a clock told by its values": ("two channels", table("id,sec,x,y", *(f"{name},{step},{step * step},{-step}" for name in "abc" for step in range(7)))),
    "dates told by their values": ("dated", long("id,when,x,y", ["2024-01-31 10:00", "2024-01-31 10:05"])),
    "ids told by blocks of rows": ("named", table("machine,time,x,y", *(f"m{name},{step},{step},1" for name in range(6) for step in range(3)))),
    "numbers that are ids": ("named", table("pump,time,x,y", *(f"{name},{step},{step},1" for name in range(6) for step in range(3)))),
    "interleaved ids told by times": ("named", table("machine,time,x,y", *(f"m{name},{step},{10 * name + step},{name * step}" for step in range(4) for name in range(3)))),
    "one series without a clock": ("two channels", table("x,y", "1,2", "2,3.5", "3,1")),
    "one series beside words": ("named", table("time,x,y,mode", "0,1,2,idle", "1,2,3,idle", "2,3,4,run")),
    "ids that are unique": ("named", table("id,time,x,y", *(f"{step},{step},{step},1" for step in range(12)))),
    "ids with groups of digits": ("named", table("id;time;x;y", "1.000;0;1,5;2", "1.000;1;2,5;3", "2.000;0;1,5;2")),
    "JSON lines with lists": ("named", '{"id": "a", "x": [1, null, 3], "y": [4, 5, 6]}\n\n{"id": "7", "x": [1], "y": [2.5]}\n'),
    "JSON lines with a clock": ("dated", '{"pump": "a", "time": ["2024-01-31", "2024-02-02"], "x": [1, 2], "y": [4, 5]}\n'),
    "JSON lines of steps": ("named", '{"id": "a", "x": 1, "y": 4}\n{"id": "a", "x": 2, "y": 5}\n'),
    "JSON lines with lists of lists": ("two channels", '{"id": "a", "v": [[1, 4], [2, 5], [3, 6]]}\n'),
    "lists in cells": ("named", 'id,x,y\na,"[1, 2, nan, 4]","[4 5 6. 7]"\nb,"(1, 2, 3)","[4e1, 5, 6]"\n'),
    "lists in cells without ids": ("one channel", 'v,label\n"[1, 2, 3]",u\n"[1, 2, 3, 4]",w\n'),
    "cells between blanks": ("named", "  id  time  x    y\n  a      0  1  2.5\n  a      1  2  3.5\n"),
    "single quotes": ("named", "'id','x','y'\n'a','1','2'\n'a','2','3'\n"),
    "ids that begin with a hash": ("named", table("id,x,y", "#1,1,2", "#1,2,3", "#2,1,2")),
    "a header in a comment": ("named", table("# id,x,y", "a,1,2", "a,2,3")),
    "other comments": ("named", table("% made by hand", "id,x,y", "a,1,2", "% a pause", "a,2,3")),
    "a word for missing that begins with a hash": ("named", table("x,id,y", "#N/A,a,2", "2,a,3")),
    "lines of other text above": ("named", "Logger,5,,\nSerial,77,,\n" + long("id,time,x,y", ["0", "1", "2"])),
    "units below the header": ("named", table("id;x;y", ";bar;°C", "a;1,5;2", "a;2,5;3")),
    "a separator after each row": ("named", table("id,x,y", "a,1,2,", "a,2,3,")),
    "rows of separators alone": ("named", table("id,x,y", "a,1,2", ",,", "a,2,3")),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_page_reads_what_predict_reads(
    browser: Browser, pages: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    name, content = LAYOUTS[layout]
    file = tmp_path / ("new.jsonl" if content.startswith("{") else "new.csv")
    file.write_text(content)
    own = read_as_trained(MODELS[name], {}, str(file))
    found = read_in_page(browser, pages[name], **{file.name.replace(".", "_"): content})["series"]
    assert [one["id"] for one in found] == own.ids.tolist()
    for row, one in enumerate(found):
        np.testing.assert_allclose(np.array(one["values"], float).T, own.series(row) + own.offset, atol=1e-5)
        if own.times is not None:
            np.testing.assert_allclose(
                one["times"], seconds(own.times[own.starts[row] :][: own.lengths[row]]), atol=1e-6
            )


def seconds(times: Any) -> Any:
    return times.astype("datetime64[ns]").astype(np.int64) / 1e9 if times.dtype.kind == "M" else times


REFUSED = {
    "another numbered column": (
        "one channel",
        wide([f"x_{step}" for step in range(6)], "id,pm25", "s{row},{row}"),
        "expected the same steps in every channel of 'new.csv', got other steps for 'pm' than for 'x'; add the missing "
        "columns, or leave these out",
    ),
    "days without an id": (
        "named",
        table("date,time,x,y", *(f"2024-01-0{day},0{hour}:00,{hour},{day}" for day in (1, 2) for hour in (1, 2))),
        "expected a column for id in 'new.csv', got 'date', 'time', 'x', 'y'; name it series_id",
    ),
    "data in place of a header": (
        "one channel",
        table("1,0.5,0.7,0.6,0.8,0.9", "2,0.5,0.6,0.7,0.8,0.95"),
        "expected the names of the columns in the first line of 'new.csv', got data: '1', '0.5', '0.7', '0.6'; write a "
        "line of names above them, such as series_id,time,value",
    ),
    "a step twice": (
        "one channel",
        wide(["0", "00", "1", "2", "3", "4"]),
        "expected each step of a channel once in 'new.csv', got columns '0' and '00' for one step; rename one",
    ),
    "a row without a time": (
        "dated",
        long("id,time,x,y", ["2024-01-31", ""]),
        "expected a time in every row of column 'time', got none in line 3 of 'new.csv'; fill it in, or leave the row out",
    ),
    "a time that does not exist": (
        "dated",
        long("id,time,x,y", ["2024-01-31 10:61", "2024-02-01 10:00"]),
        "expected numbers or dates such as 2024-01-31 12:00:00 in column 'time' of 'new.csv', got '2024-01-31 10:61' "
        "in line 2; write all times in one form",
    ),
    "lists of several lengths": (
        "named",
        'id,x,y\na,"[1, 2, 3]","[4, 5]"\n',
        "expected lists of one length in each row of 'new.csv', got 3 values in 'x' and 2 in 'y' in line 2; give every "
        "channel the same steps",
    ),
    "an empty id": (
        "one channel",
        wide([str(step) for step in range(6)], "series_id").replace("s2,", ","),
        "expected no empty cell in column 'series_id', got one in line 4 of 'new.csv'; write the id of the series in every row, or "
        "leave the row out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_page_refuses_tables_that_it_would_misread(browser: Browser, pages: dict[str, Path], case: str) -> None:
    name, content, sentence = REFUSED[case]
    assert read_in_page(browser, pages[name], new_csv=content) == sentence


def test_ignored_columns_are_named_by_the_page(browser: Browser, pages: dict[str, Path]) -> None:
    found = read_in_page(browser, pages["two channels"], new_csv=long("id,age,time,x,y", ["30,0", "30,1"]))
    assert found["notes"] == ["took column 'id' as id", "ignored columns that do not change within a series: 'age'"]


ARCHIVE = {
    "Waves_TEST.tsv": ("one channel", "1\t0.5\t0.6\tNaN\n2\t?\t0.2\t0.3\nup\t1\t2\tNaN\n"),
    "Waves.txt": ("one channel", "  1.0000000e+00  5.0e-01  6.0e-01\n  2.0000000e+00  5.1e-01  6.1e-01\n"),
    "Vowels.ts": ("two channels", "@timeStamps false\n@classLabel true a b\n@data\n1,?,3:4,5:a\n1,2,:4,5:b\n"),
}


@pytest.mark.parametrize("name", ARCHIVE)
def test_the_page_reads_files_of_the_archive(
    browser: Browser, pages: dict[str, Path], tmp_path: Path, name: str
) -> None:
    model, content = ARCHIVE[name]
    (tmp_path / name).write_text(content)
    own = read_as_trained(MODELS[model], {}, str(tmp_path / name))
    browser.open(pages[model])
    found = browser.run(
        "(() => { const model = JSON.parse(document.querySelector('.description').textContent); return reader.read("
        f"[tables.read(new TextEncoder().encode({json.dumps(content)}), {json.dumps(name)}, model)], model).series.map("
        "({ id, values }) => ({ id, values: values.map((one) => [...one]) })); })()"
    )
    assert [one["id"] for one in found] == own.ids.tolist()
    for row, one in enumerate(found):
        np.testing.assert_allclose(np.array(one["values"], float).T, own.series(row), atol=1e-6)


NOTED = {
    "ambiguous dates": (
        long("id,time,x,y", ["1/2/2024", "1/3/2024"]),
        "read the dates in 'time' with the day first, although no date shows whether day or month comes first; write "
        "dates as 2024-01-31 if the month comes first",
    ),
    "words for missing values": (
        table("id,x,y", "a,?,1", "a,2,?", "a,,3"),
        "words in columns of numbers were read as missing values: '?' in 2 cells of 'x', 'y'",
    ),
    "how the file is written": (
        table("% made by hand", "id;x;y", "a;1.000,5;2", "a;2;3"),
        "read 'new.csv' with separator ';', decimal ',', thousands '.' and comment lines '%'",
    ),
    "commas that may be either sign": (
        table("id;x;y", "a;1,234;2", "a;2,345;3"),
        "read 'new.csv' with separator ';' and decimal ',' and took the comma in '1,234' as a decimal sign, though it "
        "may stand between thousands",
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_assumptions_of_the_page_are_noted(browser: Browser, pages: dict[str, Path], case: str) -> None:
    content, note = NOTED[case]
    assert note in read_in_page(browser, pages["named"], new_csv=content)["notes"]


def test_all_files_have_one_order_of_day_and_month(browser: Browser, pages: dict[str, Path]) -> None:
    a, b = (
        table("time,x,y", f"{first},1,2", f"{second},2,3")
        for first, second in (("1/2/2024", "1/3/2024"), ("1/13/2024", "1/14/2024"))
    )
    found = read_in_page(browser, pages["dated"], a_csv=a, b_csv=b)
    assert found["series"][0]["times"] == [1704153600, 1704240000]
    assert read_in_page(
        browser, pages["dated"], a_csv=b, b_csv=b.replace("1/13", "15/3").replace("1/14", "16/3")
    ).startswith("expected one order of day")


def test_a_series_in_two_files_is_named(browser: Browser, pages: dict[str, Path]) -> None:
    content = table("id,x,y", "a,1,2", "a,2,3")
    assert read_in_page(browser, pages["named"], one_csv=content, two_csv=content) == (
        "expected each series in one file, got 'a' in 'one.csv' and in 'two.csv'; rename one, or choose one of the files"
    )


def test_a_dropped_folder_is_named(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["named"])
    folder = "{ name: 'pumps', arrayBuffer: () => Promise.reject(new Error('no file')) }"
    assert browser.run(f"files.bytesOf({folder}).catch((error) => error.message)") == (
        "expected files, got a folder, or a file that cannot be opened: 'pumps'; choose the files in it"
    )


def test_all_files_have_one_kind_of_time(browser: Browser, pages: dict[str, Path]) -> None:
    a, b = table("time,x,y", "0,1,2", "1,2,3"), table("time,x,y", "2024-01-01,1,2", "2024-01-02,2,3")
    assert read_in_page(browser, pages["timed"], a_csv=a, b_csv=b) == (
        "expected one kind of time in all files, got numbers in 'a.csv' and dates in 'b.csv'; write all times in one form"
    )


def test_wide_rows_without_ids_are_named_by_their_file(browser: Browser, pages: dict[str, Path]) -> None:
    content = "0,1,2,3,4\n1,2,3,4,5\n"
    found = read_in_page(browser, pages["one channel"], a_csv=content, b_csv=content)
    assert [one["id"] for one in found["series"]] == ["a_0", "b_0"]


SERIES = table("id,x,y", "a,1,2", "a,2,3", "7,1,2")
METADATA = {
    "in another order": "id,site,built\n7,v,2003\na,u,2001\n",
    "with other ids": "file,site,built\nA.csv,u,2001\n007.csv,v,2003\n",
    "with an id of another name": "machine,site,built\na,u,2001\n7,v,2003\n",
    "with repeated rows": "id,site,built\na,u,2001\na,u,2001\n7,v,2003\n",
}


@pytest.mark.parametrize("case", METADATA)
def test_a_table_of_metadata_is_joined(browser: Browser, pages: dict[str, Path], case: str) -> None:
    found = read_in_page(browser, pages["described"], new_csv=SERIES, meta_csv=METADATA[case])
    assert found["fields"] == {"site": ["u", "v"], "built": ["2001", "2003"]}


WORDS = ("bad", "unknown", "?", "none", "error")


@pytest.mark.parametrize("beside", [False, True])
def test_missing_value_markers_may_be_categories(browser: Browser, pages: dict[str, Path], beside: bool) -> None:
    words = [word for word in WORDS if not (beside and word == "none")]
    cells = [f"{row},{word}" for row, word in enumerate(words)]
    long = table("id,state,x,y", *(f"{cell},1,2" for cell in cells))
    given = {
        "new_csv": table("id,x,y", *(f"{row},1,2" for row in range(len(words)))),
        "meta_csv": table("id,state", *cells),
    }
    found = read_in_page(browser, pages["states"], **(given if beside else {"new_csv": long}))
    assert found["fields"] == {"state": words}


def test_contradictory_metadata_are_refused(browser: Browser, pages: dict[str, Path]) -> None:
    content = "id,site,built\na,u,2001\na,v,2001\n7,v,2003\n"
    assert read_in_page(browser, pages["described"], new_csv=SERIES, meta_csv=content) == (
        "expected each series once in 'meta.csv', got 'a' with site 'v' in line 3, and with 'u' in line 2; keep one of "
        "the two"
    )


def zipped(content: bytes) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("__MACOSX/._new.csv", b"")
        file.writestr("data/", b"")
        file.writestr("data/new.csv", content)
    return stream.getvalue()


PLAIN = table("id,x,y", "ä,1,2", "ä,2,3")
WRITTEN = {
    "gzip": ("new_csv_gz", gzip.compress(PLAIN.encode())),
    "zip": ("new_csv_zip", zipped(PLAIN.encode())),
    "cp1252": ("new_csv", PLAIN.encode("cp1252")),
    "UTF-16 without a mark": ("new_csv", PLAIN.encode("utf-16-le")),
    "UTF-32": ("new_csv", PLAIN.encode("utf-32")),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_packed_and_encoded_files_are_read(browser: Browser, pages: dict[str, Path], form: str) -> None:
    name, content = WRITTEN[form]
    assert read_in_page(browser, pages["named"], **{name: content})["series"] == [
        {"id": "ä", "values": [[1, 2], [2, 3]], "times": None}
    ]


OTHERS = {
    "new_xlsx": (b"PK\x03\x04", "an Excel workbook: 'new.xlsx'; save the sheet as CSV"),
    "new_csv": (b"PAR1", "a Parquet file: 'new.csv'; save the table as CSV"),
    "new_json": (b"[]", "one JSON document: 'new.json'; save it as JSON lines (.jsonl), one object in each line"),
    "new_csv_xz": (b"", "a packed file: 'new.csv.xz'; unpack it, or pack it as .gz or .zip"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_kinds_are_named(browser: Browser, pages: dict[str, Path], name: str) -> None:
    content, words = OTHERS[name]
    assert read_in_page(browser, pages["named"], **{name: content}) == (
        f"expected a text file, as the page reads CSV, JSON lines and the UCR/UEA archive, got {words}, or "
        "predict it with limelight predict or limelight serve"
    )
