"""Models whose explanations are known exactly: their logits are weighted sums of the values."""

import numpy as np
import torch
from torch import nn

from limelight.data.panel import Panel
from limelight.model.fitted import FittedModel
from limelight.nn.network import NetworkOutput
from limelight.nn.normalisation import Standardisation
from limelight.parts.architecture import Architecture
from limelight.task import Task


class Linear(nn.Module):
    """Adds up every real value times the weight of its channel, for each output; or step by step."""

    def __init__(self, weights, by_step=False, mean=0.0):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights, dtype=torch.float32))  # (channels, outputs)
        self.normalisation = Standardisation(len(weights))
        self.normalisation.mean.fill_(mean)
        self.by_step = by_step

    def forward(self, batch):
        each = (batch.values * batch.mask[:, :, None]) @ self.weights
        return NetworkOutput(each if self.by_step else each.sum(dim=1), None)


def linear(weights, classes=("a", "b"), mean=0.0, **task):
    """Return a model with these weights (channels, outputs) for channels channel_0, channel_1, ..."""
    task = Task(tuple(classes), **task)
    network = Linear(weights, task.by_step, mean)
    architecture = Architecture.of({"name": "lstm", "hidden_size": 2}, "none" if task.by_step else "last")
    return FittedModel(task, architecture, network, tuple(f"channel_{place}" for place in range(len(weights))))


def noise(*lengths, width=1, seed=0, **arguments):
    random = np.random.default_rng(seed)
    return Panel.from_series([random.normal(size=(length, width)) for length in lengths], **arguments)
