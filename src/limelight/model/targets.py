"""Targets: the labels of a panel as codes, for one batch or for the whole panel."""

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
    """The true class codes of the series, or of the steps, of a panel.

    Parameters
    ----------
    panel
        The labelled series.
    series
        The code of each series, shape (n,) or (n, labels); None for per-step labels.
    columns
        With per-step labels, the index in the panel of each label of the task.
    codes
        With per-step labels, the task's code for each class of the panel, shape (classes of the panel + 1,), or
        (columns, classes of the panel + 1) for multi-label. The last entry stands for an unknown label, whose panel
        code is -1.
    """

    panel: Panel
    series: Codes | None = None
    columns: tuple[int, ...] = ()
    codes: Codes | None = None

    def at(self, rows: NDArray[np.int64], places: NDArray[np.int64], mask: NDArray[np.bool_]) -> Codes:
        """Return the codes of a batch of series.

        Parameters
        ----------
        rows
            Row numbers of the series in the panel, shape (batch,).
        places
            Positions of their steps in ``Panel.values``, shape (batch, time).
        mask
            True for real steps, False for padding, shape (batch, time).

        Returns
        -------
        NDArray[np.int64]
            Codes with the shape of ``Batch.targets``.
        """
        if self.series is not None:
            return self.series[rows]
        step_codes = self._step_codes(self.panel, places)
        step_codes[~mask] = UNKNOWN
        return step_codes

    def every(self) -> Codes:
        """Return the codes of all series, or of all their steps concatenated, shape (N,) or (N, labels)."""
        if self.series is not None:
            return self.series
        blocks = [self._step_codes(block, block.step_positions()) for block in self.panel.blocks()]
        empty = np.empty((0, len(self.columns)) if self.is_multilabel else 0, dtype=np.int64)
        return np.concatenate([empty, *blocks])

    @property
    def is_multilabel(self) -> bool:
        """Whether the codes have one column per label."""
        return self.series.ndim == 2 if self.series is not None else self.codes is not None and self.codes.ndim == 2

    def _step_codes(self, panel: Panel, places: NDArray[np.int64]) -> Codes:
        if panel.step_labels is None or self.codes is None:
            raise InternalError("per-step targets were requested for series without per-step labels")
        panel_codes = panel.step_labels.codes
        if self.codes.ndim == 1:
            task_codes: Codes = self.codes[panel_codes[places, self.columns[0]]]
            return task_codes
        columns = [codes[panel_codes[places, column]] for column, codes in zip(self.columns, self.codes, strict=True)]
        return np.stack(columns, axis=-1)


def targets_of(task: Task, panel: Panel) -> Targets:
    """Encode the labels of a panel for a task.

    Parameters
    ----------
    task
        The task with its classes.
    panel
        Labelled series.

    Returns
    -------
    Targets
        Codes of the series, or of the steps.

    Raises
    ------
    LabelError
        If the panel lacks the labels of the task, or a label is not a class of the task.

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
        raise LabelError("expected a label at each step, got none; pass per-step labels with the series")
    if not task.multilabel:
        code_of = {str(name): code for code, name in enumerate(task.classes)}
        unknown = [name for name in _classes_present(panel) if name not in code_of]
        if unknown:
            raise LabelError(
                f"expected labels among the classes {listing(task.classes, 20)}, got {listing(unknown)}; "
                "remove these steps, or train with steps of that class"
            )
        codes = [code_of.get(one, UNKNOWN) for one in labels.classes]
        return Targets(panel, columns=(0,), codes=np.array([*codes, UNKNOWN]))
    names = names_of_columns(labels.names)
    missing = [name for name in task.classes if name not in names]
    if missing:
        raise LabelError(f"expected the labels {listing(task.classes, 20)} at each step, {listing(missing)} is missing")
    columns = tuple(names.index(str(name)) for name in task.classes)
    return Targets(panel, columns=columns, codes=np.tile(np.array([0, 1, UNKNOWN]), (len(columns), 1)))


def task_of(panel: Panel, positive: Label | None = None) -> Task:
    """Infer the task from the labels of the training series.

    Parameters
    ----------
    panel
        Series with labels; per-step labels are used only if the series themselves have none.
    positive
        The positive class of a binary task; None means the last in sorted order.

    Returns
    -------
    Task
        A task per series or per step: binary, multi-class, or multi-label if the panel has several labels.

    Raises
    ------
    LabelError
        If there are no labels, or only one class.

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
    return Task(
        labels.classes if _are_opposites(labels.classes) else tuple(_classes_present(panel)), positive, level="step"
    )


def _are_opposites(classes: tuple[str, ...]) -> bool:
    """Whether classes are 0 and 1, or "not x" and "x": both are classes of a task, even if only one of them occurs."""
    return classes == ("0", "1") or (len(classes) == 2 and classes[0] == f"not {classes[1]}")


def _classes_present(panel: Panel) -> list[str]:
    """Return the classes that occur among the steps of these series, in order."""
    assert panel.step_labels is not None
    present = np.zeros(len(panel.step_labels.classes) + 1, dtype=bool)
    for block in panel.blocks():
        assert block.step_labels is not None
        present[block.step_labels.codes[:, 0]] = True  # an unknown label, -1, sets the extra last entry
    return [name for name, occurs in zip(panel.step_labels.classes, present[:-1], strict=True) if occurs]
