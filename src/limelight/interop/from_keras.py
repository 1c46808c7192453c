"""``from_keras``: a fitted classifier with the architecture and the weights of a Keras model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limelight.estimator import TimeSeriesClassifier
from limelight.interop.keras_files import read_keras
from limelight.interop.keras_graph import follow
from limelight.interop.keras_network import build_model
from limelight.loading import classifier_of
from limelight.task import Label


def from_keras(
    model: Any,
    *,
    weights: Sequence[Any] | None = None,
    classes: Sequence[Label] | None = None,
    channels: Sequence[str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
) -> TimeSeriesClassifier:
    """Build a fitted classifier from a Keras model, without TensorFlow or Keras; code in a file is never run.

    Recurrent networks for classification are supported: ``LSTM`` and ``GRU``, stacked or ``Bidirectional``;
    ``Masking``, ``Normalization``, ``Rescaling``, ``BatchNormalization`` and ``Dropout``; the last state,
    ``GlobalAveragePooling1D``, ``GlobalMaxPooling1D`` or additive attention (``Dense(units, "tanh")``, ``Dense(1)``,
    softmax over time, weighted sum); ``Dense`` layers, also ``TimeDistributed`` for labels per step; and metadata from
    an ``Embedding`` or as numbers, joined to the series with ``RepeatVector`` and ``Concatenate``, or to the pooled
    features.

    Metadata fields have the names of the Keras inputs; numbers of an input with several columns are called
    ``"age_0"``, ``"age_1"``. Series may have any length.

    Parameters
    ----------
    model
        The path of a ``.keras``, ``.h5`` or ``.hdf5`` file of Keras 2 or 3 (needs ``pip install 'limelight[keras]'``);
        a model in memory; or the configuration that ``model.to_json()`` returns.
    weights
        With a configuration only: the arrays of ``model.get_weights()``.
    classes
        Names of the classes in the order of the Keras output; of a single sigmoid unit two, the second of which is the
        class of output 1. None is 0, 1, ...; for several sigmoid units ``"label_0"``, ``"label_1"``, ...
        ``classes_`` has them in sorted order.
    channels
        Names of the channels in the order of the Keras input; None is ``"channel_0"``, ``"channel_1"``, ...
    words
        For each embedded input the words of a metadata field in the order of their codes; None is ``"0"``, ``"1"``, ...

    Returns
    -------
    TimeSeriesClassifier
        Fitted; its probabilities agree with those of the Keras model to 1e-5.

    Raises
    ------
    ModelFolderError
        If the file is damaged, or layers are not supported; the message names all of them, with reasons.
    ParameterError
        If the classes, channels or words do not match the model, or h5py is not installed.

    Example
    -------
    >>> import numpy as np
    >>> cell = {"units": 1, "activation": "tanh", "recurrent_activation": "sigmoid"}
    >>> layers = [
    ...     {"class_name": "InputLayer", "config": {"name": "series", "batch_shape": [None, None, 1]}},
    ...     {"class_name": "LSTM", "config": {"name": "lstm", **cell}},
    ...     {"class_name": "Dense", "config": {"name": "dense", "units": 1, "activation": "sigmoid"}},
    ... ]
    >>> weights = [np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4), np.zeros((1, 1)), np.array([np.log(3.0)])]
    >>> configuration = {"class_name": "Sequential", "config": {"layers": layers}}
    >>> model = from_keras(configuration, weights=weights, classes=["fine", "worn"])
    >>> model.predict(np.zeros((2, 5, 1))).tolist(), model.predict_proba(np.zeros((1, 5, 1))).round(2).tolist()
    (['worn', 'worn'], [[0.25, 0.75]])
    """
    found = read_keras(model, weights)
    sketch, head = follow(found)
    return classifier_of(build_model(found, sketch, head, classes=classes, channels=channels, words=words))
