"""Fit and score one classifier on one data set; the benchmarks ``archive`` and ``sine_peers`` start this script.

    python archive_side.py REQUEST.json RESPONSE.json

All libraries read the same files with the same code. limelight gets the series as they are. The classifiers of aeon do
not accept series of different lengths or missing values, so their input is prepared as their users would: shorter
series are padded with zeros to the longest of training and test set, and a missing value is replaced by the training
mean of its channel.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet


def read_parts(folder: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, np.ndarray]]:
    """Read the series, each (time, channels), and the labels of ``"train"`` and ``"test"``."""
    table = pyarrow.parquet.read_table(folder / "series.parquet")
    channels = [name for name in table.column_names if name not in ("series_id", "time")]
    ids = np.asarray(table["series_id"])
    values = np.stack([np.asarray(table[name], dtype=np.float32) for name in channels], axis=1)
    begins = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    pieces = dict(zip(ids[begins], np.split(values, begins[1:]), strict=True))
    text = pyarrow.csv.ConvertOptions(column_types={"label": "string", "series_id": "string"})
    labels = pyarrow.csv.read_csv(folder / "labels.csv", convert_options=text)
    split = pyarrow.csv.read_csv(folder / "split.csv", convert_options=text)
    label_of = dict(zip(labels["series_id"].to_pylist(), labels["label"].to_pylist(), strict=True))
    part_of = dict(zip(split["series_id"].to_pylist(), split["split"].to_pylist(), strict=True))
    rows = {part: [name for name in pieces if part_of[name] == part] for part in ("train", "test")}
    series = {part: [pieces[name] for name in names] for part, names in rows.items()}
    return series, {part: np.array([label_of[name] for name in names]) for part, names in rows.items()}


def pad_and_fill(series: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Return arrays (n, channels, time), padded with zeros and with training means for missing values."""
    longest = max(len(one) for part in series.values() for one in part)
    means = np.nanmean(np.concatenate(series["train"]), axis=0)
    arrays = {}
    for part, pieces in series.items():
        filled = [np.where(np.isnan(one), means, one) for one in pieces]
        padded = [np.pad(one, ((0, longest - len(one)), (0, 0))) for one in filled]
        arrays[part] = np.stack(padded).transpose(0, 2, 1).astype(np.float32)
    return arrays


def build_classifier(name: str, seed: int, threads: int, epochs: int) -> Any:
    """Build a classifier from ``"library:name"`` with the defaults of its library, except for these arguments."""
    library, _, kind = name.partition(":")
    if library == "limelight":
        from limelight import TimeSeriesClassifier

        return TimeSeriesClassifier(kind, random_state=seed, progress=False)
    if kind == "InceptionTime":
        from aeon.classification.deep_learning import InceptionTimeClassifier

        return InceptionTimeClassifier(n_classifiers=1, n_epochs=epochs, random_state=seed)
    from aeon.classification import convolution_based

    return getattr(convolution_based, f"{kind}Classifier")(random_state=seed, n_jobs=threads)


def main() -> None:
    """Fit, predict, and write the predictions and their accuracy."""
    request = json.loads(Path(sys.argv[1]).read_text())
    series, labels = read_parts(Path(request["folder"]))
    ours = request["classifier"].startswith("limelight:")
    inputs: dict[str, Any] = series if ours else pad_and_fill(series)
    classifier = build_classifier(request["classifier"], request["seed"], request["threads"], request["epochs"])
    classifier.fit(inputs["train"], labels["train"])
    predictions = classifier.predict(inputs["test"])
    accuracy = float(np.mean(np.asarray(predictions).astype(str) == labels["test"]))
    Path(sys.argv[2]).write_text(json.dumps({"predictions": [str(one) for one in predictions], "accuracy": accuracy}))


if __name__ == "__main__":
    main()
