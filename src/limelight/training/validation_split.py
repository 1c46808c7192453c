"""Which of the training series stop the training early: none where they would be too few to tell."""

from __future__ import annotations

import numpy as np

from limelight.data.labels import count_labelled
from limelight.data.panel import Panel
from limelight.training.settings import enough_to_validate
from limelight.types import Rows


def validation_split(
    panel: Panel,
    share: float,
    *,
    classes: int,
    seed: int,
    by: str = "random",
    group: str | None = None,
    stratify: bool = True,
) -> tuple[Rows, Rows]:
    """Take a validation part out of training series.

    Parameters
    ----------
    panel
        Labelled training series, n of them.
    share
        Of the series whose label is known, in [0, 1).
    classes
        How many there are.
    seed
        At least 0; the same seed gives the same parts.
    by, group, stratify
        As for ``Panel.split``. Windows of one recording stay together, and so do series of a group.

    Returns
    -------
    tuple
        Rows to train on, and rows to stop by, together n; none to stop by where they would be too few or all are of
        one group.

    Raises
    ------
    DataError, ParameterError
        As ``Panel.split``.

    Example
    -------
    >>> panel = Panel.from_series(np.zeros((300, 5)), labels=["a", "b"] * 150)
    >>> [len(rows) for rows in validation_split(panel, 0.1, classes=2, seed=0)]
    [270, 30]
    >>> [len(rows) for rows in validation_split(panel[:100], 0.1, classes=2, seed=0)]
    [100, 0]
    """
    every, by_step = np.arange(len(panel)), panel.labels is None
    groups = panel.groups(group)
    wanted = round(share * count_labelled(panel.labels, len(panel)))
    if not enough_to_validate(wanted, classes, by_step=by_step) or (groups is not None and len(np.unique(groups)) < 2):
        return every, every[:0]
    split = panel.make_split(test=0.0, validation=share, seed=seed, group=group, by=by, stratify=stratify)
    validation = panel[split.validation]
    if not enough_to_validate(count_labelled(validation.labels, len(validation)), classes, by_step=by_step):
        return every, every[:0]
    return split.train, split.validation
