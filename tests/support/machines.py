"""The example of docs/guides/data.md: machines that were measured several times, with the faults of real data."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def write_machines(folder: Path) -> None:
    """Write measurements.csv, states.csv and machines.csv: 30 machines, each measured four times."""
    draw = np.random.default_rng(0)
    level = draw.normal(0, 2, 30)
    years, makers = draw.integers(1998, 2020, 30), ["Alba", "Borg", "Cima"]
    worn = draw.permutation(np.repeat([0, 1], 60))
    steps = np.arange(40)
    rows: list[list[object]] = []
    for number in range(120):
        machine = number // 4
        pressure = level[machine] + np.sin(steps / 3) * (1 + worn[number]) + draw.normal(0, 0.3, 40)
        pressure[draw.random(40) < 0.002] = -999
        heat = 60 + level[machine] + draw.normal(0, 1, 40)
        rows += [[number + 1, step / 2, f"{pressure[step]:.3f}", f"{heat[step]:.2f}"] for step in steps.tolist()]
    _write(folder / "measurements.csv", ["measurement", "seconds", "pressure", "heat"], rows)
    states = [
        [number + 1, f"M{number // 4 + 1:02d}", ["ok", "worn"][worn[number]], ["no", "yes"][worn[number]]]
        for number in range(120)
    ]
    _write(folder / "states.csv", ["measurement", "state"], [[row[0], row[2]] for row in states])
    described = [
        [row[0], row[1], makers[(row[0] - 1) // 4 % 3], int(years[(row[0] - 1) // 4]), row[3]] for row in states
    ]
    _write(folder / "machines.csv", ["measurement", "machine", "maker", "built", "repaired"], described)


def _write(file: Path, header: list[str], rows: Iterable[list[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
