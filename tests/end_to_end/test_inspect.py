"""``limelight inspect``: whether the series are ready for training, and what to fix first; and the same warnings in every command."""

import bz2
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.data.store.write import write_store
from limelight.data.writing import write_table
from support.commands import Commands
from support.machines import write_machines

DOCS = Path(__file__).parents[2] / "docs"
FAST = ["--set", 'model.encoder={"name": "rocket", "features": 84}', "--set", "explain=false"]
SEVERAL_TIMES = re.compile(r"^warning(?: \d+)?: (.*)$", re.MULTILINE)


def panel_of(n: int = 40, **attributes: Any) -> Panel:
    """Noisy series of two classes that differ in their mean."""
    values = np.random.default_rng(0).normal(size=(n, 12, 1))
    values[::2] += 1
    return Panel.from_series(list(values), **{"labels": ["ok", "worn"] * (n // 2), **attributes})


def warnings_in(text: str) -> list[str]:
    return SEVERAL_TIMES.findall(text)


def with_machines() -> Panel:
    """Ten machines with four series each, of both classes."""
    machines = [f"M{row // 4}" for row in range(40)]
    return panel_of(metadata=pa.table({"Maschine": machines, "outcome": ["good", "bad"] * 20}))


def test_good_series_are_ready_to_train(limelight: Commands, tmp_path: Path) -> None:
    write_table(panel_of(), tmp_path / "data")
    assert limelight("inspect", "data").startswith("ready to train\n")


def test_inspect_train_and_validate_warn_alike(limelight: Commands, tmp_path: Path) -> None:
    write_table(with_machines(), tmp_path / "data")
    printed = limelight("inspect", "data")
    assert printed.startswith("trainable, but fix first: metadata 'outcome' leaks the label")
    warnings = warnings_in(printed)
    assert len(warnings) == 2
    assert "pass --set split.group=Maschine" in warnings[1]
    limelight("train", "data", "-o", "run", *FAST)
    assert warnings_in(limelight.errors) == warnings
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["warnings"] == warnings
    limelight("validate", "data", "-o", "v.json", "--folds", "2", *FAST)
    assert warnings_in(limelight.errors) == warnings


def test_inspect_lists_metadata_as_used_in_training(limelight: Commands, tmp_path: Path) -> None:
    write_table(with_machines(), tmp_path / "data")
    options = ["--set", "split.group=Maschine", "--set", "data.fields.outcome=ignore"]
    printed = limelight("inspect", "data", *options)
    assert printed.startswith("ready to train\n")
    assert re.search(r"^Maschine +ignore: names the groups of the split +0 +10 +M0, M1, M2$", printed, re.MULTILINE)
    assert re.search(r"^outcome +ignore: stated in data.fields +0 +2 +bad, good$", printed, re.MULTILINE)
    fields = json.loads(limelight("inspect", "data", "--json", *options))["fields"]
    assert [(one["name"], one["kind"]) for one in fields] == [("Maschine", "ignore"), ("outcome", "ignore")]


def test_the_group_field_of_the_split_is_not_used(limelight: Commands, tmp_path: Path) -> None:
    write_table(with_machines(), tmp_path / "data")
    limelight("train", "data", "-o", "run", "--set", "split.group=Maschine", *FAST)
    assert "note: metadata 'Maschine' names the groups of the split and is not a feature" in limelight.errors
    fields = json.loads((tmp_path / "run" / "model" / "model.json").read_text())["vocabulary"]["fields"]
    assert [(one["name"], one["kind"]) for one in fields] == [("Maschine", "ignore"), ("outcome", "category")]


@pytest.mark.parametrize(
    ("changes", "options", "verdict"),
    [
        ({"labels": ["ok"] * 40}, [], "expected labels of at least two classes, got one class, 'ok'"),
        ({"labels": None}, [], "expected labels to learn from, got none"),
        (
            {"labels": np.c_[np.arange(40) % 2, np.full(40, np.nan)], "label_names": ("hot", "wet")},
            ["--set", "model.encoder=rocket"],
            "expected every label to be known for at least 2 training series, got 0 for 'wet'; fill it in, or leave such "
            "labels out",
        ),
        (
            {"metadata": pa.table({"machine": [f"M{row // 4}" for row in range(40)]})},
            ["--set", "split.group=machine", "--set", 'model.fusion=["late"]'],
            "expected metadata to learn from, got none that differs between series: 'machine' ignored",
        ),
        (
            {},
            ["--set", "split.test=0"],
            "expected test series, got none of 40 series; set split.test above 0, add series if these are too few, or name some in the "
            "split file",
        ),
        ({}, ["--set", "split.group=machine"], "expected a metadata field 'machine' to group by, found none"),
        ({}, ["--set", "decision.coverage=0.9", "--set", "model.encoder=gru"], "expected validation series"),
    ],
)
def test_errors_of_training_are_the_verdict(
    changes: dict[str, Any], options: list[str], verdict: str, limelight: Commands, tmp_path: Path
) -> None:
    write_table(panel_of(**changes), tmp_path / "data")
    first = limelight("inspect", "data", *options).splitlines()[0]
    assert first.startswith(f"cannot train: {verdict}")
    assert f"limelight: {first.removeprefix('cannot train: ')}\n" == limelight("train", "data", *options, code=2)


def test_commands_read_compressed_tables(limelight: Commands, tmp_path: Path) -> None:
    panel = panel_of()
    rows = "".join(f"s{row},{step},{x}\n" for row in range(40) for step, x in enumerate(panel.series(row)[:, 0]))
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(f"series_id,time,x\n{rows}".encode()))
    labels = "".join(f"s{row},{'ok' if row % 2 else 'worn'}\n" for row in range(40))
    (tmp_path / "y.csv.bz2").write_bytes(bz2.compress(f"series_id,label\n{labels}".encode()))
    assert limelight("inspect", "x.csv.gz", "--labels", "y.csv.bz2").startswith("ready to train\n")
    limelight("train", "x.csv.gz", "--labels", "y.csv.bz2", *FAST)
    assert limelight("predict", "runs/x", "x.csv.gz", "-o", "p.csv") == "40 series predicted; written to p.csv\n"


def test_infinite_values_are_the_verdict(limelight: Commands, tmp_path: Path) -> None:
    panel = panel_of()
    panel.values[30, 0] = np.inf
    write_store(panel, tmp_path / "data.store")
    first = limelight("inspect", "data.store").splitlines()[0]
    assert first.startswith("cannot train: expected a number everywhere, got infinity in series '2', step 6")
    assert f"limelight: {first.removeprefix('cannot train: ')}\n" == limelight("train", "data.store", code=2)


def test_the_summary_fits_on_a_screen(limelight: Commands, tmp_path: Path) -> None:
    columns = {f"field {number}": np.random.default_rng(number).normal(size=40) for number in range(30)}
    values = list(np.random.default_rng(0).normal(size=(40, 8, 25)))
    labels = [f"class {row % 12}" for row in range(40)]
    channels = [f"sensor {chr(97 + number)}" for number in range(25)]
    panel = Panel.from_series(values, labels=labels, metadata=pa.table(columns), channels=channels)
    write_table(panel, tmp_path / "data")
    lines = limelight("inspect", "data").splitlines()
    assert sum(1 + len(line) // 100 for line in lines) <= 42


def test_the_guide_to_data_shows_the_printed_output(limelight: Commands, tmp_path: Path) -> None:
    page = (DOCS / "guides" / "data.md").read_text()
    section = page[page.index("## Look before you train") :]
    command, shown = re.findall(r"```\w+\n(.*?)```", section, flags=re.DOTALL)[:2]
    options = [option.strip("'") for option in re.findall(r"`--set ([^`]+)`", section)]
    write_machines(tmp_path)
    words = command.split()[1:]
    assert limelight(*words).replace(f"{tmp_path}/", "") == shown
    fixed = limelight(*words, *(word for option in options for word in ("--set", option)))
    assert fixed.startswith("ready to train\n")
