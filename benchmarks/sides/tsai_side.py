"""Fit tsai's InceptionTime on series and constant channels; the benchmark ``metadata_tasks`` starts this script.

    python tsai_side.py REQUEST.json RESPONSE.json

The request names a file of arrays: ``train`` and ``test``, shape (series, channels, time), and the ``labels`` of the
training series. Metadata are channels that do not change with time, as tsai has no other way for a network of series.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

EPOCHS, RATE, BATCH = 25, 1e-3, 32


def by_channel(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both parts with each channel standardised as over the training series, as ``TSStandardize`` does it."""
    mean, scale = train.mean(axis=(0, 2), keepdims=True), train.std(axis=(0, 2), keepdims=True)
    return (train - mean) / np.maximum(scale, 1e-6), (test - mean) / np.maximum(scale, 1e-6)


def fit_classifier(values: np.ndarray, labels: np.ndarray) -> Any:
    """Fit InceptionTime as tsai's tutorials do: one cycle of 25 epochs."""
    from tsai.basics import TSClassification, TSClassifier

    classifier = TSClassifier(
        values,
        labels,
        splits=(list(range(len(values))), list(range(BATCH))),  # tsai needs a validation part; nothing depends on it
        arch="InceptionTime",
        tfms=[None, TSClassification()],
        bs=BATCH,
        metrics=None,
        verbose=False,
    )
    with classifier.no_bar(), classifier.no_logging():
        classifier.fit_one_cycle(EPOCHS, RATE)
    return classifier


def main() -> None:
    """Fit, predict, and write classes and probabilities."""
    request = json.loads(Path(sys.argv[1]).read_text())
    with patch.object(torch.library, "register_fake", lambda *_, **__: lambda function: function):
        import torchvision  # noqa: F401  # its compiled operators need a build of torch for GPUs; tsai uses none of them
    from tsai.basics import set_seed

    content = np.load(request["file"])
    set_seed(request["seed"])
    train, test = by_channel(content["train"], content["test"])
    classifier = fit_classifier(train, content["labels"])
    with torch.inference_mode():
        logits = classifier.model.cpu().eval()(torch.from_numpy(test))
    response = {
        "classes": [str(name) for name in classifier.dls.vocab],
        "probabilities": logits.double().softmax(dim=1).tolist(),
    }
    Path(sys.argv[2]).write_text(json.dumps(response))


if __name__ == "__main__":
    main()
