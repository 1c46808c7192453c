"""Random tables in the exported page: it reads what ``limelight predict`` reads, or one of the two refuses the table."""

import random
from pathlib import Path

import numpy as np
import pytest

from limelight.errors import InputError
from limelight.export import web_runtime
from limelight.export.web_page import export_page
from limelight.model.fitted import FittedModel
from limelight.model.reading import read_as_trained
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.browser import Browser
from support.web_reading import read_in_page

TABLES = 120
IDS = (["a", "b"], list("abcdef"), ["1", "2"], ["007", "8"], ["1.0", "2.0"], ["s 1", "s 2"], ["ä", "ö"], ["-1", "-2"])
IDS += (["2024-01-01", "2024-01-02"], ["Jan 2024", "Feb 2024"], ["#1", "#2"], ["1,5", "2,5"], ["1.500", "2.500"])
CLOCKS = ("{0}", "{0}.25", "2024-01-0{1}", "{1}.2.2024", "2/1{1}/2024", "{1}/2/2024 {1}:00 PM", "0{0}:15", "{1}:15 PM")
CLOCKS += ("2024-01-01T00:00:0{0}Z", "170000000{0}000", "2024010{1}", "{0}:30,5", "Jan {1}, 2024", "{1} days 00:00:00")
NAMES = ("id", "series_id", "ID", "Messung", "machine", "pump no", "sample", "")
NAMES_OF_CLOCKS = ("time", "t", "Zeit [s]", "date", "sec", "timestamp", "at")
UNITS = {"time": "s", "x": "bar", "y": "°C"}


def model_of(names: tuple[str, ...], clock: str | None) -> FittedModel:
    gru, kind = {"name": "gru", "hidden_size": 2}, "elapsed" if clock else "order"
    architecture = Architecture.of(gru, "last", clock=kind, missing="mask")
    network = Network(architecture, len(names), 1)
    return FittedModel(Task(("a", "b")), architecture, network, names, {"clock": clock} if clock else {})


MODELS = [
    model_of(names, clock) for names in (("x", "y"), ("channel_0", "channel_1")) for clock in (None, "dates", "numbers")
]


def random_columns(draw: random.Random) -> dict[str, list[str]]:
    """Return the cells of each column, the id and the clock under their roles."""
    ids, steps, clock = draw.choice(IDS), draw.choice((1, 2, 3, 4, 8)), draw.choice((*CLOCKS, None))
    order = [(row, step) for row in range(len(ids)) for step in range(steps)]
    if draw.random() < 0.15:
        order.sort(key=lambda one: one[1])
    size, missing = (
        draw.choice((1, 1, 1, 1000, 12345.678)),
        draw.choice((*[None] * 4, "", "NA", "?", "-", "nan", "#N/A")),
    )
    columns = {
        "id": [ids[row] for row, _ in order],
        "time": [clock.format(step, step + 1) for _, step in order] if clock else None,
        "x": [
            missing if missing is not None and draw.random() < 0.3 else (step * 1.5 - row) * size for row, step in order
        ],
        "y": [draw.random() * size for _ in order],
        "mode": [draw.choice("mn") for _ in order],
        "site": ["uv"[row % 2] for row, _ in order],
        "index": [str(row) for row in range(len(order))],
    }
    kept = {name for name in columns if name in ("x", "y") or draw.random() < (0.9 if name in ("id", "time") else 0.1)}
    return {name: cells for name, cells in columns.items() if name in kept and cells is not None}


def random_table(draw: random.Random) -> bytes:
    """Return a CSV file of a random form."""
    columns, separator = random_columns(draw), draw.choice((",", ",", ";", ";", "\t", "|", " "))
    decimal, quote = "," if separator in ";\t|" and draw.random() < 0.4 else ".", draw.choice(("", "", '"', "'"))

    def written(cell: str | float) -> str:
        text = cell if isinstance(cell, str) else f"{cell:.3f}".rstrip("0").rstrip(".").replace(".", decimal)
        return f"{quote}{text}{quote}" if quote else f'"{text}"' if separator in text else text

    names = {**{name: name for name in columns}, "id": draw.choice(NAMES), "time": draw.choice(NAMES_OF_CLOCKS)}
    lines = [[names[name] for name in columns], *zip(*columns.values(), strict=True)]
    if draw.random() < 0.1:
        lines.insert(1, [UNITS.get(name, "") for name in columns])
    text = [separator.join(map(written, line)) for line in lines]
    if draw.random() < 0.1:
        text = [line + separator for line in text]
    if draw.random() < 0.3:
        text = [
            *draw.choice((["# a comment, with; signs"], ["Logger 5", "Serial 77", ""], [f"sep={separator}"])),
            *text,
        ]
    if draw.random() < 0.1:
        text.insert(draw.randrange(len(text) // 2 + 1, len(text) + 1), separator * (len(columns) - 1))
    content = draw.choice(("\n", "\r\n")).join([*text, ""])
    return content.encode(draw.choice((*["utf-8"] * 4, "cp1252", "utf-16", "utf-8-sig")))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / web_runtime.RUNTIME_FILE).write_text("globalThis.limelightRuntime = {};")
    return [export_page(model, folder / f"{place}.html") for place, model in enumerate(MODELS)]


@pytest.mark.parametrize("place", range(len(MODELS)))
def test_random_tables_are_read_as_by_predict(browser: Browser, pages: list[Path], tmp_path: Path, place: int) -> None:
    draw, both = random.Random(place), 0
    browser.open(pages[place])
    for number in range(TABLES // len(MODELS)):
        content = random_table(draw)
        (tmp_path / "new.csv").write_bytes(content)
        found = read_in_page(browser, None, new_csv=content)
        try:
            own = read_as_trained(MODELS[place], {}, str(tmp_path / "new.csv"))
            MODELS[place].predict(own)
        except InputError:
            continue
        if isinstance(found, str):
            continue
        both += 1
        assert [one["id"] for one in found["series"]] == own.ids.tolist(), (number, content)
        for row, one in enumerate(found["series"]):
            np.testing.assert_allclose(
                np.array(one["values"], float).T, own.series(row), rtol=1e-5, err_msg=str(content)
            )
    assert both > 3
