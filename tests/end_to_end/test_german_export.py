"""From a German spreadsheet export to predictions: three commands, no settings except the group field."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from support.commands import Commands

MACHINES, RECORDINGS, STEPS = 40, 160, 24
QUICK = ("--set", 'model.encoder={"name": "rocket", "features": 420}', "--set", "explain=false")


def german(number: float, digits: int) -> str:
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Recordings and machines as a German Excel writes them: semicolons, decimal commas, a row of units, cp1252."""
    random, begin = np.random.default_rng(0), datetime(2024, 1, 29, 6)
    rows = ["Messung;Maschine;Zeitstempel;Druck;Öltemperatur;Drehzahl;Zustand", ";;;[bar];[°C];[1/min];"]
    for recording in range(RECORDINGS):
        machine, worn = recording % MACHINES, random.random() < 0.45
        for step in range(STEPS):
            time = begin + timedelta(hours=recording, seconds=10 * step)
            pressure = 5 + np.sin(step / (2 if worn else 4)) + random.normal(0, 0.2)
            numbers = (
                german(pressure, 3),
                german(60 + random.normal(0, 0.5), 1),
                german(1450 + random.normal(0, 8), 1),
            )
            rows.append(
                f"M-{recording:04};Pumpe {machine:02};{time:%d.%m.%Y %H:%M:%S};{';'.join(numbers)};"
                f"{'Lager defekt' if worn else 'in Ordnung'}"
            )
    machines = ["Maschine;Baujahr;Leistung [kW];Standort"]
    for machine in range(MACHINES):
        site = ("Köln", "München", "Berlin")[machine % 3]
        machines.append(f"Pumpe {machine:02};{2000 + machine % 20};{german(7.5 + machine, 1)};{site}")
    for name, lines in (("messungen.csv", rows), ("maschinen.csv", machines)):
        (tmp_path / name).write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))
    return tmp_path


def test_a_german_export_is_inspected_trained_and_predicted(limelight: Commands, export: Path) -> None:
    inspected = limelight("inspect", "messungen.csv", "--metadata", "maschinen.csv")
    assert inspected.splitlines()[0] == (
        "trainable, but fix first: series with the same 'Maschine' are in both train and test (25 of 40 values)"
    )
    for line in (
        "took column 'Messung' as id",
        "took column 'Zeitstempel' as time",
        "read the dates in 'Zeitstempel' with the day first",
        "joined metadata by 'Maschine'",
        "with separator ';', decimal ',', thousands '.', encoding cp1252 and a row of units below the header",
    ):
        assert line in inspected
    limelight("train", "messungen.csv", "--metadata", "maschinen.csv", "--set", "split.group=Maschine", *QUICK)
    run = export / "runs" / "messungen"
    assert json.loads((run / "metrics.json").read_text())["test"]["accuracy"] > 0.9
    model = json.loads((run / "model" / "model.json").read_text())
    assert model["channels"] == ["Druck", "Öltemperatur", "Drehzahl"]
    fields = {field["name"]: field["kind"] for field in model["vocabulary"]["fields"]}
    assert fields == {"Maschine": "ignore", "Baujahr": "number", "Leistung [kW]": "number", "Standort": "category"}
    lines = (export / "messungen.csv").read_bytes().split(b"\r\n")
    (export / "neu.csv").write_bytes(b"\r\n".join([lines[0], lines[1], *lines[2 : 2 + 2 * STEPS]]) + b"\r\n")
    limelight("predict", "runs/messungen", "neu.csv", "--metadata", "maschinen.csv", "-o", "neu.parquet")
    predicted = parquet.read_table(export / "neu.parquet").to_pydict()
    assert predicted["series_id"] == ["M-0000", "M-0001"]
