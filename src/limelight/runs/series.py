"""The series of an experiment: read or drawn, parted, and the task read off their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limelight.config import Experiment
from limelight.data.panel import Panel
from limelight.data.sine import ANOMALOUS, generate_sine
from limelight.data.splits import Split, carve_validation, random_split
from limelight.data.tables import read_split, read_table
from limelight.errors import LabelError
from limelight.task import Task
from limelight.training.settings import enough_to_validate


@dataclass(frozen=True)
class Data:
    """Labelled series and which of them are for what.

    Parameters
    ----------
    panel
        All series.
    split
        Rows for training, validation and test.
    task
        Read from the training labels.
    """

    panel: Panel
    split: Split
    task: Task

    def part(self, name: str) -> Panel:
        """Give the series of ``"train"``, ``"validation"``, ``"test"`` or ``"all"``."""
        return self.panel if name == "all" else self.panel[self.split.part(name)]


def read_panel(experiment: Experiment, *, missing: str = "error") -> Panel:
    """Read or draw the series of an experiment, with labels where there are some; raises as ``read_table``."""
    data = experiment.data
    if data.sine is not None:
        return generate_sine(data.sine, experiment.seed)
    assert data.series is not None
    return read_table(
        data.series,
        labels=data.labels,
        id=data.id,
        time=data.time,
        label=data.label,
        channels=data.channels,
        missing=missing,
        sort=data.sort,
    )


def split_panel(experiment: Experiment, panel: Panel) -> Split:
    """Part the series as the split file or the rule says.

    A validation part that no file names, and that is too small to stop a training by, goes back to training.
    """
    rule, labels = experiment.split, panel.labels
    if experiment.data.split is None:
        split = random_split(len(panel), test=rule.test, validation=rule.validation, seed=rule.seed, labels=labels)
    else:
        split = read_split(experiment.data.split, panel.ids, id=experiment.data.id)
        if len(split.validation):
            return split
        if rule.validation:
            chosen = None if labels is None else labels[split.train]
            train, validation = carve_validation(split.train, chosen, rule.validation, rule.seed)
            split = Split(train, validation, split.test, f"{split.rule}, validation at random from train")
    if labels is None or enough_to_validate(len(split.validation), len(np.unique(labels))):
        return split
    if not len(split.validation):
        return split
    train = np.sort(np.concatenate([split.train, split.validation]))
    rule_said = f"{split.rule} (too few series to validate with)"
    return Split(train, split.validation[:0], split.test, rule_said)


def read_data(experiment: Experiment) -> Data:
    """Read labelled series, part them, and read the task off the training labels.

    Parameters
    ----------
    experiment
        What was asked.

    Returns
    -------
    Data
        Nothing has been written yet when this fails.

    Raises
    ------
    DataError, LabelError, ParameterError
        If files, labels or the split cannot be used.
    """
    panel = read_panel(experiment)
    if panel.labels is None:
        raise LabelError(
            f"expected labels to learn from, got none: there is no column {experiment.data.label!r} in "
            f"{experiment.data.series!r}; name the column with data.label or the table with data.labels"
        )
    split = split_panel(experiment, panel)
    positive = experiment.data.positive
    if experiment.data.sine is not None and positive is None:
        positive = ANOMALOUS
    return Data(panel, split, Task.from_labels(panel.labels[split.train], positive))
