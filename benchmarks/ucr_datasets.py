"""Data sets of the UCR archive as series, labels and a split, from the files that ``benchmarks.ucr_sets`` writes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from limelight.data.panel import Panel
from limelight.data.splitting.splits import Split
from limelight.model.targets import task_of
from limelight.runs.dataset import Dataset

SIZES = (60, 1000)
"""The least and most official training series of a chosen set."""
MOST_STEPS = 500


def read_ucr_set(file: Path) -> Dataset:
    """Read a data set with its official split."""
    with np.load(file) as content:
        values, labels, training = content["values"], content["labels"].astype(str), int(content["training"])
    return ucr_dataset(values, labels, np.arange(len(labels)) >= training, "official")


def natural_ucr_sets(folder: Path) -> dict[str, Callable[[], Dataset]]:
    """Return what reads each set whose test series come from other conditions, households, years or persons.

    The description of FordB in the archive says that the training series were recorded in typical conditions and the
    test series under noise. The household sets come from the study "Powering the Nation", as ElectricDevices does; the
    archive does not name the household of a series, but models are 7 points worse on the official test series than on
    random ones (``results/ucr_archive.json``). The three GunPoint sets of 2018 contain the same 451 series, labelled by
    movement, by person and by age, that is by year (2003 or 2018), which the values of the series connect.
    """
    official = {"ford_b": "FordB", "computers": "Computers", "large_kitchen_appliances": "LargeKitchenAppliances"}
    readers: dict[str, Callable[[], Dataset]] = {
        name: (lambda file=folder / f"{title}.npz": read_ucr_set(file)) for name, title in official.items()
    }
    by = {"gun_point_years": "GunPointOldVersusYoung", "gun_point_persons": "GunPointMaleVersusFemale"}
    return readers | {name: (lambda title=title: _gun_point(folder, title)) for name, title in by.items()}


def _gun_point(folder: Path, title: str) -> Dataset:
    """Read the movements of GunPointAgeSpan, split by the label of the same series in another set: training is "1"."""
    with np.load(folder / f"{title}.npz") as other:
        groups = {row.tobytes(): int(label) for row, label in zip(other["values"], other["labels"], strict=True)}
    with np.load(folder / "GunPointAgeSpan.npz") as content:
        values, labels = content["values"], content["labels"].astype(str)
    return ucr_dataset(values, labels, np.array([groups[row.tobytes()] != 1 for row in values]), f"by {title}")


def ucr_dataset(values: np.ndarray, labels: np.ndarray, tested: np.ndarray, rule: str) -> Dataset:
    """Build a data set from the values of equally long series, shape (n, steps), and what is its test part."""
    panel = Panel.from_series(list(values), labels=labels)
    rows = np.arange(len(labels))
    split = Split(rows[~tested], [], rows[tested], rule)
    return Dataset(panel, split, task_of(panel[split.train]), panel)


def chosen_ucr_sets(folder: Path, without: Collection[str]) -> list[Path]:
    """Choose the sets of up to 500 steps and with 60 to 1,000 official training series, in alphabetical order.

    ``without`` names sets in any spelling, with or without underscores.
    """
    known = {_plain(name) for name in without}
    found = []
    for file in sorted(folder.glob("*.npz")):
        with np.load(file) as content:
            steps, training = content["values"].shape[1], int(content["training"])
        if SIZES[0] <= training <= SIZES[1] and steps <= MOST_STEPS and _plain(file.stem) not in known:
            found.append(file)
    return found


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
