"""Small models that several tests fit or need only with random weights."""

from typing import Any

import pyarrow as pa

from limelight.data.panel import Panel
from limelight.estimator import TimeSeriesClassifier
from limelight.model.batching import shape_of
from limelight.model.fitted import FittedModel
from limelight.model.vocabulary import fit_vocabulary
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


METADATA = pa.table(
    {
        "machine": ["a", "b", None, "a", "unheard"],
        "age": [3.0, None, 5.0, 8.0, 1e3],
        "built": ["2001-05-01", "2003-07-09", None, "2010-01-31", "1999-12-31"],
        "note": ["pump is loud", "", "quiet", "never seen words", "loud loud"],
    }
)
"""Of five series: every kind of metadata, missing cells, and words that the first four do not have."""


def described_model(context: str, **task: object) -> FittedModel:
    """A model with random weights that reads metadata of every kind."""
    vocabulary = fit_vocabulary(METADATA[:4], schema={"note": "text"}, buckets=32)
    task = Task(("a", "b"), **task)
    architecture = Architecture.of(
        {"name": "gru", "hidden_size": 4}, "none" if task.by_step else "attention", fusion="late", context=context
    )
    network = Network(architecture, 2, task.outputs, shape_of(vocabulary))
    return FittedModel(task, architecture, network, ("channel_0", "channel_1"), vocabulary=vocabulary)
