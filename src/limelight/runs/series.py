"""The series of an experiment: read or drawn, parted, and the task read off their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limelight.config import Experiment
from limelight.data.panel import Panel
from limelight.data.sine import ANOMALOUS, generate_sine
from limelight.data.splits import Split, carve_validation, random_split
from limelight.data.tables import read_split, read_table
from limelight.errors import LabelError, ParameterError
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
        """Give the series of ``"train"``, ``"validation"`` or ``"test"``."""
        return self.panel[self.split.part(name)]


def read_panel(experiment: Experiment, *, missing: str = "error", labelled: bool = True) -> Panel:
    """Read or draw the series of an experiment; labels where there are some and they are wanted.

    Raises as ``read_table``.
    """
    data = experiment.data
    if data.sine is not None:
        return generate_sine(data.sine, experiment.seed)
    return read_table(
        data.series,
        labels=data.labels if labelled else None,
        id=data.id,
        time=data.time,
        label=data.label if labelled else None,
        channels=data.channels,
        missing=missing,
        sort=data.sort,
    )


def split_panel(experiment: Experiment, panel: Panel) -> Split:
    """Part the series as the split file or the rule says.

    A validation part that no file names is made only where it is large enough to stop a training by.
    """
    rule, labels, named = experiment.split, panel.labels, experiment.data.split
    split = None if named is None else read_split(named, panel.ids, id=experiment.data.id)
    if split is not None and len(split.validation):
        return split
    to_part = len(panel) if split is None else len(split.train)
    classes = 0 if labels is None else len(np.unique(labels))
    share = rule.validation if enough_to_validate(round(rule.validation * to_part), classes) else 0.0
    if split is None:
        split = random_split(len(panel), test=rule.test, validation=share, seed=rule.seed, labels=labels)
    elif share:
        chosen = None if labels is None else labels[split.train]
        train, validation = carve_validation(split.train, chosen, share, rule.seed)
        return Split(train, validation, split.test, f"{split.rule}, validation at random from train")
    if rule.validation and not share:
        said = f"{split.rule}; too few series for a validation part, so all epochs are run"
        return Split(split.train, split.validation, split.test, said)
    return split


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
    if not len(split.train):
        raise ParameterError(
            "expected series to train on, got none; name some as train in the split, or make split.test smaller"
        )
    positive = experiment.data.positive
    if experiment.data.sine is not None and positive is None:
        positive = ANOMALOUS
    return Data(panel, split, Task.from_labels(panel.labels[split.train], positive))
