"""Targets: the truth about a panel as codes, given out batch by batch or as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limelight.data.labels import names_of_columns
from limelight.data.panel import Panel
from limelight.errors import InternalError, LabelError, listing
from limelight.task import UNKNOWN, Label, Task
from limelight.types import Codes


@dataclass(frozen=True, eq=False)
class Targets:
    """The truth about the series, or about the steps, of a panel.

    Parameters
    ----------
    panel
        The series.
    series
        Codes of each series, shape (n,) or (n, labels); None for a task of steps.
    columns
        For a task of steps, which label of the panel each label of the task is.
    codes
        For each of them and each class of the panel the code in the task; the last is for an unknown one (-1), shape
        (columns, classes of the panel + 1).
    """

    panel: Panel
    series: Codes | None = None
    columns: tuple[int, ...] = ()
    codes: Codes | None = None

    def at(self, rows: NDArray[np.int64], places: NDArray[np.int64], mask: NDArray[np.bool_]) -> Codes:
        """Return the codes of some series.

        Parameters
        ----------
        rows
            Which, shape (batch,).
        places
            Where their steps stand in the values of the panel, shape (batch, time).
        mask
            True where a step is real, shape (batch, time).

        Returns
        -------
        NDArray[np.int64]
            As in ``Batch.targets``.
        """
        if self.series is not None:
            return self.series[rows]
        found = self._of_steps(self.panel, places)
        found[~mask] = UNKNOWN
        return found

    def every(self) -> Codes:
        """Return the codes of all series, or of all their steps concatenated, shape (N,) or (N, labels)."""
        if self.series is not None:
            return self.series
        found = [self._of_steps(block, block.step_positions()) for block in self.panel.blocks()]
        several = self.several
        return np.concatenate([np.empty((0, len(self.columns)) if several else 0, dtype=np.int64), *found])

    @property
    def several(self) -> bool:
        """Whether there is a code for each of several labels."""
        return self.series.ndim == 2 if self.series is not None else self.codes is not None and self.codes.ndim == 2

    def _of_steps(self, panel: Panel, places: NDArray[np.int64]) -> Codes:
        if panel.step_labels is None or self.codes is None:
            raise InternalError("targets of steps were asked of series without labels of steps")
        given = panel.step_labels.codes
        if self.codes.ndim == 1:
            found: Codes = self.codes[given[places, self.columns[0]]]
            return found
        chosen = [codes[given[places, column]] for column, codes in zip(self.columns, self.codes, strict=True)]
        return np.stack(chosen, axis=-1)


def targets_of(task: Task, panel: Panel) -> Targets:
    """Find the truth for a task in the labels of a panel.

    Parameters
    ----------
    task
        What is asked.
    panel
        Labelled series.

    Returns
    -------
    Targets
        Of series or steps.

    Raises
    ------
    LabelError
        If there are no such labels, or one is not a class of the task.

    Example
    -------
    >>> from limelight.data.annotations import StepLabels
    >>> panel = Panel.from_series([[1.0, 2.0], [3.0]], step_labels=StepLabels.of(["ok", None, "worn"]))
    >>> targets_of(task_of(panel), panel).every().tolist()
    [0, -1, 1]
    """
    if not task.by_step:
        return Targets(panel, series=task.encode(panel.require_labels()))
    labels = panel.step_labels
    if labels is None:
        raise LabelError("expected a label at each step, got none; give labels of steps with the series")
    if not task.multilabel:
        known = {str(name): code for code, name in enumerate(task.classes)}
        strange = [name for name in _classes_met(panel) if name not in known]
        if strange:
            raise LabelError(
                f"expected labels among the classes {listing(task.classes, 20)}, got {listing(strange)}; "
                "leave these steps out, or train with steps of that class"
            )
        codes = [known.get(one, UNKNOWN) for one in labels.classes]
        return Targets(panel, columns=(0,), codes=np.array([*codes, UNKNOWN]))
    names = names_of_columns(labels.names)
    absent = [name for name in task.classes if name not in names]
    if absent:
        raise LabelError(f"expected the labels {listing(task.classes, 20)} at each step, got none of {listing(absent)}")
    columns = tuple(names.index(str(name)) for name in task.classes)
    return Targets(panel, columns=columns, codes=np.tile(np.array([0, 1, UNKNOWN]), (len(columns), 1)))


def task_of(panel: Panel, positive: Label | None = None) -> Task:
    """Read the task off the labels of the training series.

    Parameters
    ----------
    panel
        With labels of series; or, where there are none, of steps.
    positive
        The positive class when there are two; None means the last in sorted order.

    Returns
    -------
    Task
        Of series or of steps; binary, multi-class, or multi-label where there are several labels.

    Raises
    ------
    LabelError
        If there is no label, or one class only.

    Example
    -------
    >>> from limelight.data.annotations import StepLabels
    >>> task_of(Panel.from_series([[1.0, 2.0]], step_labels=StepLabels.of(["ok", "worn"]))).describe()
    'binary: one of ok, worn at each step'
    """
    if panel.labels is not None:
        return Task.from_labels(panel.labels, positive, panel.label_names)
    labels = panel.step_labels
    if labels is None:
        raise LabelError("expected labelled series, got series without labels; give labels with them")
    if len(labels.names) > 1:
        return Task(names_of_columns(labels.names), positive, multilabel=True, level="step")
    binary = labels.classes == ("0", "1")  # both are classes, also where only one is met
    return Task(labels.classes if binary else tuple(_classes_met(panel)), positive, level="step")


def _classes_met(panel: Panel) -> list[str]:
    """Return the per-step classes that occur in these series, sorted."""
    assert panel.step_labels is not None
    met = np.zeros(len(panel.step_labels.classes) + 1, dtype=bool)
    for block in panel.blocks():
        assert block.step_labels is not None
        met[block.step_labels.codes[:, 0]] = True  # -1 marks the last place
    return [name for name, one in zip(panel.step_labels.classes, met[:-1], strict=True) if one]
