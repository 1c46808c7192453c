"""One classifier on one set in a process of its own; ``archive.py`` starts it, with the Python that has the classifier.

    python archive_side.py REQUEST.json ANSWER.json

Every side reads the same files with the same lines. limelight takes the series as they are; the peers take none that
differ in length or have missing values, so they get what their users do: zeros behind the shorter series up to the
longest of train and test, and the mean of the training values of a channel for a missing one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet


def read(folder: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, np.ndarray]]:
    """Give the series (time, channels) and labels of train and test."""
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


def as_peers_take_them(series: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Give arrays (n, channels, time): padded with zeros, missing values filled with means."""
    longest = max(len(one) for part in series.values() for one in part)
    means = np.nanmean(np.concatenate(series["train"]), axis=0)
    found = {}
    for part, pieces in series.items():
        filled = [np.where(np.isnan(one), means, one) for one in pieces]
        padded = [np.pad(one, ((0, longest - len(one)), (0, 0))) for one in filled]
        found[part] = np.stack(padded).transpose(0, 2, 1).astype(np.float32)
    return found


def make(name: str, seed: int, threads: int, epochs: int) -> Any:
    """Make a classifier by its name, with its library's defaults but for what is said here."""
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
    """Fit, predict, and write the predictions."""
    request = json.loads(Path(sys.argv[1]).read_text())
    series, labels = read(Path(request["folder"]))
    ours = request["classifier"].startswith("limelight:")
    given: dict[str, Any] = series if ours else as_peers_take_them(series)
    classifier = make(request["classifier"], request["seed"], request["threads"], request["epochs"])
    classifier.fit(given["train"], labels["train"])
    predictions = classifier.predict(given["test"])
    accuracy = float(np.mean(np.asarray(predictions).astype(str) == labels["test"]))
    Path(sys.argv[2]).write_text(json.dumps({"predictions": [str(one) for one in predictions], "accuracy": accuracy}))


if __name__ == "__main__":
    main()
