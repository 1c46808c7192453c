"""The weight of each series in a head that is solved in closed form: its own times that of its class."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from limelight.data.panel import Panel
from limelight.task import Task
from limelight.training.losses import loss_for
from limelight.training.settings import TrainingSettings
from limelight.types import Codes


def weights_of_series(
    panel: Panel, task: Task, codes: Codes, wanted: Float[Tensor, "n outputs"], settings: TrainingSettings
) -> Float[Tensor, "n outputs"] | None:
    """Return the weight of each series for each output: its own times that of its class; None if all are alike.

    Parameters
    ----------
    panel
        Training series, with or without weights.
    task
        The classes or labels.
    codes, wanted
        Codes of the targets, and the same as -1 and 1, shape (n, outputs).
    settings
        Only ``imbalance`` is used.

    Returns
    -------
    Tensor or None
        Float64, shape (n, outputs).
    """
    weighting = "weights" if settings.imbalance == "balanced" else settings.imbalance
    of_classes = loss_for(task, codes, weighting).weights
    weights = None if of_classes is None else row_weights(wanted, of_classes, one_of=not task.multilabel)
    if panel.weights is None or bool((panel.weights == panel.weights[0]).all()):
        return weights
    own = torch.from_numpy(panel.weights)[:, None].expand_as(wanted)
    return own if weights is None else own * weights


def row_weights(
    wanted: Float[Tensor, "n outputs"], of_classes: Float[Tensor, " k"], *, one_of: bool
) -> Float[Tensor, "n outputs"]:
    """Return the weight of each series for each output, from the weights of the classes.

    Parameters
    ----------
    wanted
        Targets of -1 and 1, shape (n, outputs).
    of_classes
        The weight of each class, shape (classes,); if binary or multi-label, that of positive targets, shape
        (outputs,).
    one_of
        Whether the outputs are exclusive classes; else each is a label.

    Returns
    -------
    Tensor
        Float64, shape (n, outputs).

    Example
    -------
    >>> wanted = torch.tensor([[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]])
    >>> row_weights(wanted, torch.tensor([0.5, 1.0, 2.0]), one_of=True)[:, 0].tolist()
    [0.5, 2.0]
    >>> row_weights(torch.tensor([[-1.0], [1.0]]), torch.tensor([3.0]), one_of=True).flatten().tolist()
    [1.0, 3.0]
    """
    positive = wanted > 0
    if one_of and wanted.shape[1] > 1:
        return (positive.double() @ of_classes.double())[:, None].expand_as(wanted)
    return torch.where(positive, of_classes.double(), 1.0)
