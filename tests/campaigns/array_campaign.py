"""Odd arrays, labels, ids, clocks and metadata at every entry point of Python."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import limelight
from campaigns.kinds import ARRAYS, IDS, LABELS, METADATA, TIMES
from campaigns.tally import Tally
from limelight.parts.encoders.rocket import Rocket
from limelight.training.settings import TrainingSettings

Attempt = tuple[str, Callable[[], Any]]
NORMAL_ARRAY, NORMAL_LABELS = "table", "words"


def attempts() -> Iterator[Attempt]:
    """Yield every attempt of the campaign, each with a name."""
    for array, labels in itertools.product(ARRAYS, LABELS):
        if labels == NORMAL_LABELS or array == NORMAL_ARRAY or hash_of(array, labels) % 13 == 0:
            yield f"fit {array} / {labels}", lambda a=array, y=labels: fit_and_use(ARRAYS[a](), LABELS[y]())
    for array in ARRAYS:
        yield f"predict {array}", lambda a=array: model().predict(ARRAYS[a]())
        yield f"probabilities {array}", lambda a=array: model().predict_proba(ARRAYS[a]())
        yield f"panel {array}", lambda a=array: limelight.Panel.from_series(ARRAYS[a]())
    for labels in LABELS:
        yield f"score {labels}", lambda y=labels: model().score(ARRAYS[NORMAL_ARRAY](), LABELS[y]())
        yield (
            f"weights {labels}",
            lambda y=labels: estimator().fit(
                ARRAYS[NORMAL_ARRAY](), LABELS[NORMAL_LABELS](), sample_weight=LABELS[y]()
            ),
        )
        yield f"labels of a panel {labels}", lambda y=labels: use_panel(labels=LABELS[y]())
    for ids, labels in itertools.product(IDS, ("words", "surrogates", "dict", "pandas")):
        yield f"ids {ids} / {labels}", lambda i=ids, y=labels: use_panel(ids=IDS[i](), labels=LABELS[y]())
    for metadata, labels in itertools.product(METADATA, ("words", "several", "surrogates")):
        yield (
            f"metadata {metadata} / {labels}",
            lambda m=metadata, y=labels: use_panel(metadata=METADATA[m](), labels=LABELS[y]()),
        )
    for times in TIMES:
        yield f"times {times}", lambda t=times: use_panel(times=TIMES[t](), labels=LABELS[NORMAL_LABELS]())
    for encoder in ("blocks", "rocket", "conv_lstm"):
        yield f"float64 by default {encoder}", lambda e=encoder: _with_doubles(e)


def hash_of(*words: str) -> int:
    """Return a number that depends on nothing but the words."""
    return sum(place * ord(letter) for place, letter in enumerate("/".join(words), 1))


def estimator(encoder: Any = None, **changes: Any) -> limelight.TimeSeriesClassifier:
    """Return an unfitted classifier that fits in milliseconds."""
    small = Rocket(features=84) if encoder is None else encoder
    return limelight.TimeSeriesClassifier(
        small, random_state=0, training=TrainingSettings(max_epochs=1), progress=False, **changes
    )


_fitted: list[limelight.TimeSeriesClassifier] = []


def model() -> limelight.TimeSeriesClassifier:
    """Return a classifier fitted to plain input."""
    if not _fitted:
        _fitted.append(estimator().fit(ARRAYS[NORMAL_ARRAY](), LABELS[NORMAL_LABELS]()))
    return _fitted[0]


def fit_and_use(series: Any, labels: Any = None, fresh: Callable[[], Any] = lambda: None, encoder: Any = None) -> None:
    """Fit, predict, save, load and predict again; AssertionError if the loaded model predicts something else."""
    fitted = estimator(encoder).fit(series, labels)
    again = fresh()
    again = series if again is None else again
    before = fitted.predict(again)
    if isinstance(before, np.ndarray) and before.ndim == 1:
        assert np.isin(before, fitted.classes_).all(), "a prediction that is no class"
    with tempfile.TemporaryDirectory() as folder:
        loaded = limelight.load(fitted.save(Path(folder) / "model"))
    after = loaded.predict(again)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True)), "the loaded model differs"


def use_panel(**attributes: Any) -> None:
    """Build a panel, write and read it as a table and a store, print it, and fit a model to it."""
    panel = limelight.Panel.from_series(list(ARRAYS[NORMAL_ARRAY]()), **attributes)
    repr(panel)
    with tempfile.TemporaryDirectory() as folder:
        limelight.write_table(panel, Path(folder))
        written = limelight.read_table(Path(folder) / "series.parquet")
        assert written.ids.tolist() == panel.ids.tolist(), "the table has other ids"
        stored = limelight.open_store(limelight.write_store(panel, Path(folder) / "store"))
        assert stored.ids.tolist() == panel.ids.tolist(), "the store has other ids"
    fit_and_use(panel)


def _with_doubles(encoder: str) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        fit_and_use(ARRAYS[NORMAL_ARRAY](), LABELS[NORMAL_LABELS](), encoder=encoder)
        use_panel(labels=LABELS["several"]())
    finally:
        torch.set_default_dtype(before)


def run(every: int = 1, first: int = 0) -> Tally:
    """Try every attempt, or one of ``every`` of them, spread evenly, from the ``first`` one."""
    tally = Tally("arrays, labels, ids, times and metadata from Python")
    for number, (what, call) in enumerate(attempts()):
        if number % every == first:
            tally.attempt(what, call)
    return tally
