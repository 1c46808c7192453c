"""Tables that the exported page reads: the series are those that ``limelight predict`` reads, or there is a sentence."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limelight.export import web_runtime
from limelight.export.web_page import export_page
from limelight.model.fitted import FittedModel
from limelight.model.reading import read_as_trained
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.browser import BROWSER, Browser

READ = """(() => {
  const model = JSON.parse(document.querySelector(".description").textContent), missing = new Set(model.words.missing);
  const bytes = new TextEncoder().encode(CONTENT), table = tables.read(bytes, "new.csv", model.reading.csv || {}, missing);
  const { series, notes } = reader.read([table], model), plain = (one) => one && [...one];
  return { notes, series: series.map(({ id, values, times }) => ({ id, values: values.map(plain), times: plain(times) })) };
})()"""


def model_of(names: tuple[str, ...], clock: str | None = None) -> FittedModel:
    """A model with random weights; with a clock, it reads the time between steps."""
    architecture = Architecture.of({"name": "gru", "hidden_size": 2}, "last", clock="elapsed" if clock else "order")
    fitted_on = {"clock": clock} if clock else {}
    return FittedModel(Task(("a", "b")), architecture, Network(architecture, len(names), 1), names, fitted_on)


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"channel_{place}" for place in range(count))


LEADS = tuple(f"ch{place}" for place in range(1, 9))
MODELS = {
    "named": model_of(("x", "y")),
    "dated": model_of(("x", "y"), "dates"),
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if BROWSER is None:
        pytest.skip("no chromium or chrome on the PATH")
    one = Browser()
    yield one
    one.close()


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
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_page_reads_what_predict_reads(
    browser: Browser, pages: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    name, content = LAYOUTS[layout]
    (tmp_path / "new.csv").write_text(content)
    own = read_as_trained(MODELS[name], {}, str(tmp_path / "new.csv"))
    browser.open(pages[name])
    found = browser.run(READ.replace("CONTENT", json.dumps(content)))["series"]
    assert [one["id"] for one in found] == own.ids.tolist()
    for row, one in enumerate(found):
        np.testing.assert_allclose(np.array(one["values"]).T, own.series(row) + own.offset, atol=1e-5)
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
    "an empty id": (
        "one channel",
        wide([str(step) for step in range(6)], "series_id").replace("s2,", ","),
        "expected no empty cell in column 'series_id', got one in line 4 of 'new.csv'; write the id of the series, or "
        "leave the row out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_page_refuses_what_it_would_read_otherwise(browser: Browser, pages: dict[str, Path], case: str) -> None:
    name, content, sentence = REFUSED[case]
    browser.open(pages[name])
    code = f"(() => {{ try {{ return {READ.replace('CONTENT', json.dumps(content))}; }} catch (error) {{ return error.message; }} }})()"
    assert browser.run(code) == sentence


def test_columns_that_the_page_leaves_out_are_named(browser: Browser, pages: dict[str, Path]) -> None:
    content = long("id,age,time,x,y", ["30,0", "30,1"])
    browser.open(pages["two channels"])
    found = browser.run(READ.replace("CONTENT", json.dumps(content)))
    assert found["notes"] == ["took column 'id' as id", "ignored columns that do not change within a series: 'age'"]
