"""Measure what metadata add over eighteen tasks: real ones, and real series with made metadata and a dial.

    python -m benchmarks.run.metadata_tasks DATA
    python -m benchmarks.run.metadata_tasks DATA --sides "conv_lstm + film" --tasks "flip, trace"
    python -m benchmarks.run.metadata_tasks DATA --sides "tsai (constant channels)" --peers PEERS/bin/python

``DATA`` contains the folders that ``python examples/data.py --into DATA`` makes. Every side is fitted on the same folds
of at most 400 series. In the held-out part of each fold, 5 % of the cells of the metadata are missing and 5 % have a
category that no training series has. Differences to the model of the series alone have intervals of 95 % (Nadeau and
Bengio). No setting is chosen on these numbers.

``--peers`` is the Python of an environment with ``tsai``. Its InceptionTime has the metadata as constant channels:
categories one-hot, numbers standardised, 0 for what is missing or was never seen. Since tsai takes series of one length
only, those of unequal length and those above 128 steps are interpolated to the median length, at most 128.

Made tasks: ``sham`` metadata say nothing; ``hint`` names the class of a share of the series, and a random one of the
others; ``flip`` shifts the label to the next class if the mode is ``b``, so that neither series nor mode says much
alone; ``gain`` multiplies each series by a factor of its device; ``level`` asks whether the mean of a series is above
that of its device.

The results are added to ``benchmarks/results/metadata_tasks.json``, so that it can be run in pieces.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict

from benchmarks.processes import run_once
from benchmarks.result_files import describe_environment, read_results, write_results
from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.estimator import TimeSeriesClassifier
from limelight.evaluation.metrics.paired import paired_gain
from limelight.runs.dataset import read_data

MOST, FOLDS, HIDDEN = 400, 5, 0.05
LONGEST = 128
"""Steps of a series that tsai gets; longer ones are interpolated to as many."""
UNSEEN = "never seen"
ALONE = "series alone"
PEER = "tsai (constant channels)"
NETWORK, NETWORK_FUSIONS = "conv_lstm", ("late", "repeat", "film", "attention")
NETWORK_ALONE = f"{NETWORK} (series alone)"


class MetadataTask(NamedTuple):
    """Series with labels and metadata, and the group of each series if folds must not share one."""

    panel: Panel
    groups: NDArray[Any] | None = None


def read_set(data: Path, name: str) -> Panel:
    """Read a set without its labels per step, at most 400 of its series."""
    panel = read_data(read_experiment(data / name, {})).panel
    rows = np.sort(np.random.default_rng(0).permutation(len(panel))[:MOST])
    return panel[rows]


def with_table(panel: Panel, labels: Any, **columns: Any) -> MetadataTask:
    """Return a task of the values of a panel with other labels and metadata."""
    table = pa.table({name: pa.array(list(values)) for name, values in columns.items()})
    values = [panel.series(row) for row in range(len(panel))]
    labels = [str(label) for label in labels]
    return MetadataTask(Panel.from_series(values, labels=labels, channels=list(panel.channels), metadata=table))


def own(data: Path, name: str, group: str | None = None) -> MetadataTask:
    """A real set with its own labels and metadata."""
    panel = read_set(data, name)
    assert panel.metadata is not None
    return MetadataTask(panel, None if group is None else np.array(panel.metadata[group].to_pylist()))


def field_as_label(data: Path, name: str, field: str, kept: list[str]) -> MetadataTask:
    """A real set that asks for one of its fields, with others as metadata."""
    panel = read_set(data, name)
    assert panel.metadata is not None
    table = panel.metadata
    labels = table[field].to_pylist()
    if field == "month":
        labels = [("winter", "spring", "summer", "autumn")[int(month) % 12 // 3] for month in labels]
    return with_table(panel, labels, **{key: table[key].to_pylist() for key in kept})


def sham(data: Path, name: str) -> MetadataTask:
    """Metadata that say nothing: a category, a number and an identifier."""
    panel, random = read_set(data, name), np.random.default_rng(1)
    n = len(panel)
    site = random.choice(["north", "south", "east", "west"], n)
    code = [f"c{number}" for number in random.permutation(n)]
    return with_table(panel, panel.require_labels(), site=site, age=random.normal(size=n), code=code)


def hint(data: Path, name: str, share: float) -> MetadataTask:
    """A category that is the class of a share of the series, and at random in the others."""
    panel, random = read_set(data, name), np.random.default_rng(2)
    labels = panel.require_labels().astype(str)
    shown = np.where(random.random(len(panel)) < share, labels, random.choice(np.unique(labels), len(panel)))
    return with_table(panel, labels, clue=shown, age=random.normal(size=len(panel)))


def flip(data: Path, name: str, share: float) -> MetadataTask:
    """Labels that are the next class for a share of the series of one of two modes."""
    panel, random = read_set(data, name), np.random.default_rng(3)
    classes, codes = np.unique(panel.require_labels().astype(str), return_inverse=True)
    mode = random.random(len(panel)) < 0.5
    moved = mode & (random.random(len(panel)) < share)
    return with_table(panel, classes[(codes + moved) % len(classes)], mode=np.where(mode, "b", "a"))


def gain(data: Path, name: str) -> MetadataTask:
    """Series that are multiplied by a factor of their device, which the metadata name."""
    panel, random = read_set(data, name), np.random.default_rng(4)
    device = random.integers(0, 6, len(panel))
    factors = np.exp(random.normal(size=6))[device]
    scaled = [panel.series(row) * factor for row, factor in enumerate(factors)]
    table = pa.table({"device": [f"d{number}" for number in device]})
    labels = panel.require_labels().astype(str).tolist()
    return MetadataTask(Panel.from_series(scaled, labels=labels, channels=list(panel.channels), metadata=table))


def level(data: Path, name: str) -> MetadataTask:
    """Whether the mean of a series is above a limit that depends on its device, which lifts the series as well."""
    panel, random = read_set(data, name), np.random.default_rng(5)
    device = random.integers(0, 4, len(panel))
    lifts = random.normal(size=len(panel)), np.array([0.0, 2.0, 4.0, 6.0])[device]
    lifted = [panel.series(row) + lift for row, lift in enumerate(sum(lifts))]
    table = pa.table({"device": [f"d{number}" for number in device]})
    labels = np.where(lifts[0] > 0, "high", "low").tolist()
    return MetadataTask(Panel.from_series(lifted, labels=labels, channels=list(panel.channels), metadata=table))


TASKS: dict[str, Callable[[Path], MetadataTask]] = {
    "day, with game": lambda data: own(data, "dodger_loop"),
    "outcome, with patient": lambda data: own(data, "pbcseq"),
    "exercise, with subject": lambda data: own(data, "spar_watch"),
    "exercise, new subjects": lambda data: own(data, "spar_watch", "subject"),
    "city, with month": lambda data: field_as_label(data, "weather_events", "city", ["month"]),
    "season, with city": lambda data: field_as_label(data, "weather_events", "month", ["city"]),
    "indoors, with mote": lambda data: field_as_label(data, "suthaharan", "indoor", ["network", "mote"]),
    "aura, with patient": lambda data: field_as_label(data, "migraine", "hatype", ["sex", "age", "medication"]),
    "sham, ecg200": lambda data: sham(data, "ecg200"),
    "sham, arrow_head": lambda data: sham(data, "arrow_head"),
    "sham, japanese_vowels": lambda data: sham(data, "japanese_vowels"),
    "hint 0.3, dodger_loop": lambda data: hint(data, "dodger_loop", 0.3),
    "hint 0.6, ecg200": lambda data: hint(data, "ecg200", 0.6),
    "flip 0.5, basic_motions": lambda data: flip(data, "basic_motions", 0.5),
    "flip, italy_power_demand": lambda data: flip(data, "italy_power_demand", 1.0),
    "flip, trace": lambda data: flip(data, "trace", 1.0),
    "gain, ecg200": lambda data: gain(data, "ecg200"),
    "level, arrow_head": lambda data: level(data, "arrow_head"),
}


def with_hidden(panel: Panel, random: np.random.Generator) -> Panel:
    """Return held-out series of whose metadata some cells are missing, and some categories never seen."""
    assert panel.metadata is not None
    columns = {}
    for name, column in zip(panel.metadata.column_names, panel.metadata.columns, strict=True):
        values, draw = column.to_pylist(), random.random(len(panel))
        words = isinstance(values[0], str)
        columns[name] = [
            None if one < HIDDEN else UNSEEN if words and one < 2 * HIDDEN else value
            for value, one in zip(values, draw, strict=True)
        ]
    return panel.replace(metadata=pa.table(columns))


def table_of(panel: Panel) -> pd.DataFrame:
    """Return the metadata with words as categories, as gradient boosting takes them."""
    assert panel.metadata is not None
    frame: pd.DataFrame = panel.metadata.to_pandas()
    return frame.apply(lambda column: column if column.dtype.kind in "if" else column.astype("category"))


def frames_of(train: Panel, test: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the metadata of both parts with the categories of the training part; rare identifiers are dropped."""
    first, second = table_of(train), table_of(test)
    for name in first:
        if isinstance(first[name].dtype, pd.CategoricalDtype):
            if len(first[name].cat.categories) > min(255, len(first) // 2):
                first, second = first.drop(columns=name), second.drop(columns=name)
            else:
                second[name] = pd.Categorical(second[name].astype(object), categories=first[name].cat.categories)
    return first, second


Probabilities = tuple[NDArray[Any], NDArray[np.float64]]


def predict_by_model(train: Panel, test: Panel, seed: int, encoder: str, fusion: str | None) -> Probabilities:
    """Fit limelight with default settings; without metadata if there is no fusion."""
    if fusion is None:
        train, test = train.replace(metadata=None), test.replace(metadata=None)
    model = TimeSeriesClassifier(encoder, fusion=fusion or "auto", random_state=seed, progress=False).fit(train)
    return model.classes_, model.predict_proba(test)


def predict_by_table(train: Panel, test: Panel, seed: int) -> Probabilities:
    """Fit gradient boosting on the metadata alone."""
    first, second = frames_of(train, test)
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    model.fit(first, train.require_labels())
    return model.classes_, model.predict_proba(second)


def predict_by_stack(train: Panel, test: Panel, seed: int) -> Probabilities:
    """Fit gradient boosting on the metadata and on out-of-fold log-odds of the series alone."""
    first, second = frames_of(train, test)
    bare = train.replace(metadata=None)
    model = TimeSeriesClassifier("blocks", random_state=seed, progress=False).fit(bare)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    inner = cross_val_predict(model, bare, bare.require_labels(), cv=folds, method="predict_proba")
    outer = model.predict_proba(test.replace(metadata=None))
    for frame, found in ((first, inner), (second, outer)):
        for place in range(found.shape[1]):
            frame[f"log_{place}"] = np.log(np.maximum(found[:, place], 1e-6))
    stack = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    stack.fit(first, train.require_labels())
    return stack.classes_, stack.predict_proba(second)


def constant_channels(train: Panel, test: Panel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the metadata of both parts, shape (series, columns): categories one-hot, numbers standardised."""
    first, second = frames_of(train, test)
    words = first.select_dtypes("category").columns
    numbers = first.columns.difference(words)
    mean, scale = first[numbers].mean(), first[numbers].std().replace(0, 1)
    parts = []
    for part in (first, second):
        codes = [pd.get_dummies(part[word], prefix=word, dtype=float) for word in words]
        parts.append(pd.concat([*codes, (part[numbers] - mean) / scale], axis=1).fillna(0))
    return parts[0].to_numpy(np.float32), parts[1][parts[0].columns].to_numpy(np.float32)


def of_length(panel: Panel, length: int) -> NDArray[np.float32]:
    """Return the series, shape (series, channels, length), interpolated to one length; 0 for what is missing."""
    grid = np.linspace(0, 1, length)
    values = [np.nan_to_num(panel.series(row)) for row in range(len(panel))]
    return np.array(
        [[np.interp(grid, np.linspace(0, 1, len(one)), channel) for channel in one.T] for one in values], np.float32
    )


def predict_by_tsai(train: Panel, test: Panel, seed: int, python: str, fused: bool) -> Probabilities:
    """Fit tsai's InceptionTime in a process of its own, with the metadata as constant channels if ``fused``."""
    length = min(LONGEST, int(np.median([len(train.series(row)) for row in range(len(train))])))
    parts = [of_length(part, length) for part in (train, test)]
    if fused:
        channels = [np.repeat(one[:, :, None], length, axis=2) for one in constant_channels(train, test)]
        parts = [np.concatenate(pair, axis=1) for pair in zip(parts, channels, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "arrays.npz"
        np.savez(file, train=parts[0], test=parts[1], labels=train.require_labels().astype(str))
        result = run_once(python, "tsai_side.py", {"file": str(file), "seed": seed}, threads=1, limit=3600)
    if result.response is None:
        raise RuntimeError(f"tsai ended without probabilities: {result.error}")
    return np.array(result.response["classes"]), np.array(result.response["probabilities"])


SIDES: dict[str, Callable[[Panel, Panel, int], Probabilities]] = {
    ALONE: partial(predict_by_model, encoder="blocks", fusion=None),
    "metadata alone (gradient boosting)": predict_by_table,
    "stacked (gradient boosting)": predict_by_stack,
    "auto": partial(predict_by_model, encoder="auto", fusion="auto"),
    "rocket + late": partial(predict_by_model, encoder="rocket", fusion="late"),
    NETWORK_ALONE: partial(predict_by_model, encoder=NETWORK, fusion=None),
    **{
        f"{NETWORK} + {fusion}": partial(predict_by_model, encoder=NETWORK, fusion=fusion) for fusion in NETWORK_FUSIONS
    },
    "tsai (series alone)": partial(predict_by_tsai, fused=False),
    PEER: partial(predict_by_tsai, fused=True),
}
DEFAULT_SIDES = list(SIDES)[:5]


def processor_seconds() -> float:
    """Return the processor seconds of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def score(task: MetadataTask, predict: Callable[..., Probabilities], repeats: int) -> dict[str, Any]:
    """Return accuracy and log loss of one side on each fold, and its processor seconds."""
    panel, labels = task.panel, task.panel.require_labels().astype(str)
    found: dict[str, Any] = {"accuracy": [], "log_loss": []}
    started = processor_seconds()
    for repeat in range(repeats):
        splitter = StratifiedKFold if task.groups is None else StratifiedGroupKFold
        folds = splitter(FOLDS, shuffle=True, random_state=repeat).split(labels, labels, task.groups)
        for number, (rows, held_out) in enumerate(folds):
            test = with_hidden(panel[held_out], np.random.default_rng(100 * repeat + number))
            classes, probabilities = predict(panel[rows], test, repeat)
            names = [str(name) for name in classes]
            predicted = np.array(names)[probabilities.argmax(axis=1)]
            found["accuracy"].append(round(float(accuracy_score(labels[held_out], predicted)), 4))
            found["log_loss"].append(round(float(log_loss(labels[held_out], probabilities, labels=names)), 4))
    return {**found, "cpu_seconds": round(processor_seconds() - started, 1), "series": len(panel)}


def main() -> None:
    """Score the sides on the tasks and add them to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that contains a folder per data set")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--sides", nargs="+", default=DEFAULT_SIDES, choices=SIDES)
    parser.add_argument("--peers", help="Python of an environment with tsai")
    parser.add_argument("--repeats", type=int, default=1, help="times that the series are split into five folds")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.peers is None and any(side.startswith("tsai") for side in options.sides):
        parser.error("the sides of tsai need --peers, the Python of an environment with tsai")
    for name in options.tasks:
        task = TASKS[name](options.data)
        for side in options.sides:
            predict = partial(SIDES[side], python=options.peers) if side.startswith("tsai") else SIDES[side]
            found = score(task, predict, options.repeats)
            before = read_results("metadata_tasks").get("tasks", {})
            tasks = {**before, name: {**before.get(name, {}), side: found}}
            write_results(
                "metadata_tasks", {**describe_environment("limelight", "torch", "scikit-learn"), "tasks": tasks}
            )
            alone = tasks[name].get(ALONE)
            gained = f"{100 * paired_gain(found['accuracy'], alone['accuracy'], 1 / FOLDS).mean:+.1f}" if alone else ""
            print(f"{name:26}{side:36}{np.mean(found['accuracy']):.3f} {np.mean(found['log_loss']):.3f} {gained}")


if __name__ == "__main__":
    main()
