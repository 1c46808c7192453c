"""Small models that several tests fit or need only with random weights."""

from typing import Any

from limelight.data.panel import Panel
from limelight.estimator import TimeSeriesClassifier
from limelight.model.fitted import FittedModel
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import ConvLSTM
from limelight.task import Task


def fit_small_conv_lstm(train: Panel, **parameters: Any) -> TimeSeriesClassifier:
    """Return a classifier fitted in ten epochs, which are enough for ``bump_panel(800, **LEARNABLE)``."""
    encoder = ConvLSTM(filters=16, hidden_size=16, stride=4, dropout=0.0)
    settings = {"random_state": 0, "progress": False, "max_epochs": 10, "training": {"learning_rate": 1e-2}}
    return TimeSeriesClassifier(encoder, **{**settings, **parameters}).fit(train)


def random_network_model(
    encoder: str = "lstm",
    pooling: str = "attention",
    classes: Any = ("a", "b"),
    channels: int = 2,
    **task: Any,
) -> FittedModel:
    """Return a model with random weights for channels named channel_0, channel_1, ..."""
    task = Task(tuple(classes), **task)
    parts = {"conv_lstm": {"name": "conv_lstm", "stride": 4, "hidden_size": 6}}
    architecture = Architecture.of(parts.get(encoder, {"name": encoder, "hidden_size": 6}), pooling)
    names = tuple(f"channel_{place}" for place in range(channels))
    return FittedModel(task, architecture, Network(architecture, channels, task.outputs), names)
