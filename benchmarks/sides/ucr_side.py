"""Fit and score one classifier on one resample of a data set; the benchmark ``ucr_archive`` starts this script.

    python ucr_side.py REQUEST.json RESPONSE.json

All libraries read the same file with the same code. Every classifier has the defaults of its library.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

EXPLAINED = 20
"""Number of test series whose evidence is summed."""
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def resample(values: np.ndarray, labels: np.ndarray, training: int, seed: int) -> Arrays:
    """Return training and test values and labels: the official split for seed 0, else a stratified resample.

    The numbers of each class stay as in the official split. For the same labels, the rows are those of
    ``aeon.benchmarking.resampling.stratified_resample_data``.
    """
    rows = np.arange(len(labels))
    train, test = rows[:training], rows[training:]
    if seed:
        random = np.random.RandomState(seed)
        counts = dict(zip(*np.unique(labels[:training], return_counts=True), strict=True))
        parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            random.shuffle(own)
            parts[0].append(own[: counts.get(label, 0)])
            parts[1].append(own[counts.get(label, 0) :])
        train, test = (np.concatenate(part) for part in parts)
    return values[train], labels[train], values[test], labels[test]


def build_classifier(name: str, seed: int, threads: int) -> Any:
    """Build a classifier from ``"library:name"``; a block of limelight is a classifier of its own."""
    library, _, kind = name.partition(":")
    if library == "limelight":
        from limelight import TimeSeriesClassifier
        from limelight.parts.architecture import PRESETS
        from limelight.parts.encoders import ENCODERS, Blocks
        from limelight.parts.encoders.blocks import BLOCK_NAMES

        if kind in PRESETS:
            return TimeSeriesClassifier.from_preset(kind, random_state=seed, progress=False)
        names: list[Any] = [kind]
        if kind == "blocks_without_shapelets":
            names = [name for name in BLOCK_NAMES if name != "shapelets"]
        encoder: Any = kind if kind in ENCODERS else Blocks(blocks=names)
        return TimeSeriesClassifier(encoder, random_state=seed, progress=False)
    if kind == "QUANT":
        from aeon.classification.interval_based import QUANTClassifier

        return QUANTClassifier(random_state=seed)
    from aeon.classification import convolution_based

    return getattr(convolution_based, f"{kind}Classifier")(random_state=seed, n_jobs=threads)


def log_loss(probabilities: np.ndarray, classes: np.ndarray, truth: np.ndarray) -> float | None:
    """Compute the mean log loss in nats; None if every probability is 0 or 1."""
    if np.isin(probabilities, (0.0, 1.0)).all():
        return None
    own = probabilities[np.arange(len(truth)), np.searchsorted(classes, truth)]
    return float(-np.log(np.clip(own, 1e-12, 1)).mean())


def evidence_error(model: Any, values: np.ndarray) -> float:
    """Compute the largest difference between a logit and the sum of the evidence for it, relative to 1 + its size."""
    explanation = model.explain(values[:EXPLAINED, :, None], method="evidence")
    steps = np.array([one.sum(dtype=np.float64) for one in explanation.importance])
    sums = steps + sum(explanation.fields.values()) + explanation.base
    logits, codes = explanation.prediction.logits, np.searchsorted(model.classes_, explanation.target)
    own = logits[:, 0] * np.where(codes == 1, 1, -1) if logits.shape[1] == 1 else logits[np.arange(len(codes)), codes]
    return float((np.abs(sums - own) / (1 + np.abs(own))).max())


def main() -> None:
    """Fit, predict, and write the scores and times."""
    request = json.loads(Path(sys.argv[1]).read_text())
    ours = request["classifier"].startswith("limelight:")
    content = np.load(request["file"])
    labels, seed = content["labels"].astype(str), request["resample"]
    train, known, test, truth = resample(content["values"], labels, int(content["training"]), seed)
    axes = (slice(None), slice(None), None) if ours else (slice(None), None, slice(None))
    started = time.perf_counter()
    classifier = build_classifier(request["classifier"], seed, request["threads"])
    classifier.fit(train[axes], known)
    fitted = time.perf_counter()
    probabilities = np.asarray(classifier.predict_proba(test[axes]))
    predicted = time.perf_counter()
    classes = np.asarray(classifier.classes_)
    right = classes[probabilities.argmax(axis=1)] == truth
    response: dict[str, Any] = {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean([right[truth == label].mean() for label in np.unique(truth)])),
        "log_loss": log_loss(probabilities, classes, truth),
        "fit_seconds": fitted - started,
        "predict_seconds": predicted - fitted,
    }
    if ours:
        response["encoder"] = classifier.model_.architecture.encoder.describe()
    if ours and classifier.model_.has_evidence:
        response["evidence_error"] = evidence_error(classifier, test)
    Path(sys.argv[2]).write_text(json.dumps(response))


if __name__ == "__main__":
    main()
