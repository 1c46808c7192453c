"""Streams of rocket and its blocks update counts over a window, and predict exactly as for the window."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight.data.panel import Panel
from limelight.model.batching import shape_of
from limelight.model.fitted import FittedModel
from limelight.model.vocabulary import fit_vocabulary
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.parts.encoders.blocks import BLOCK_NAMES
from limelight.streaming.computed_anew import ComputedAnew
from limelight.streaming.counted import CountedStream
from limelight.streaming.stream import open_stream
from limelight.streaming.windows import WindowStream
from limelight.task import Task

ROCKET = {"name": "rocket", "features": 84 * 5, "dilations": 32, "length": 60}


def blocks(*names: str) -> dict[str, Any]:
    return {
        "name": "blocks",
        "blocks": list(names),
        "features": 84 * 5,
        "groups": 4,
        "depth": 2,
        "length": 60,
        "shapelets": 4,
    }


def model_of(encoder: dict[str, Any], channels: int = 2, vocabulary: Any = None, **options: Any) -> FittedModel:
    """A model whose kernels and thresholds are drawn from noise, with a random head."""
    torch.manual_seed(0)
    options = {"missing": "error", "clock": "order", "fusion": [], **options}
    network = Network(Architecture.of(encoder, "ppv", "linear", **options), channels, 3, shape_of(vocabulary)).eval()
    noise = torch.randn(20, 60, network.input_width)
    network.encoder.fit(noise, torch.ones(20, 60, dtype=torch.bool), torch.Generator().manual_seed(0))
    names = tuple(f"c{place}" for place in range(channels))
    return FittedModel(Task(("a", "b", "c")), network.architecture, network, names, {"clock": "numbers"}, vocabulary)


def changing(steps: int, channels: int = 2) -> np.ndarray:
    """Noise, a constant stretch with ties, and values of other sizes, so that the grid of values changes."""
    values = np.random.default_rng(0).normal(size=(steps, channels))
    values[steps // 4 : steps // 2] = 1.0
    values[steps // 2] = 40.0
    return values


def require_same(
    model: FittedModel, values: np.ndarray, window: int, metadata: Mapping[str, Any] | None = None
) -> None:
    counted, whole = open_stream(model, window=window, metadata=metadata), WindowStream(model, window, 1, metadata)
    assert isinstance(counted, CountedStream)
    for row in values:
        np.testing.assert_array_equal(counted.step(row).probabilities, whole.step(row).probabilities)


@pytest.mark.parametrize("window", [2, 9, 62])
@pytest.mark.parametrize("name", ["rocket", "rocket_differences", "hydra", "shapelets"])
def test_every_step_has_the_prediction_of_its_window(name: str, window: int) -> None:
    require_same(model_of(blocks(name)), changing(80), window)


@pytest.mark.parametrize("window", [2, 9, 62])
@pytest.mark.parametrize("name", ["quantiles", "quantiles_differences"])
def test_quantiles_of_every_step_are_those_of_its_window(name: str, window: int) -> None:
    require_same(model_of({**blocks("hydra", name), "depth": 6}), changing(150), window)


def test_quantiles_of_a_full_window_are_not_computed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, values = open_stream(model_of({**blocks("hydra", "quantiles"), "depth": 6}), window=20), changing(50)
    for row in values[:20]:
        stream.step(row)
    monkeypatch.setattr(ComputedAnew, "features", None)
    for row in values[20:]:
        stream.step(row)


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("encoder", [ROCKET, blocks(*BLOCK_NAMES)], ids=["rocket", "blocks"])
def test_all_blocks_predict_together(encoder: dict[str, Any], channels: int) -> None:
    require_same(model_of(encoder, channels), changing(60, channels), 20)


@pytest.mark.parametrize("missing", ["mean", "mask", "last"])
def test_missing_values_are_filled_within_the_window(missing: str) -> None:
    values = changing(60)
    values[[3, 4, 30], [0, 0, 1]] = np.nan
    require_same(model_of(blocks("rocket", "hydra"), missing=missing), values, 12)


def test_metadata_are_part_of_the_features() -> None:
    table = pa.table({"maker": ["a", "b", "a"], "age": [1.0, 2.0, None]})
    model = model_of(ROCKET, vocabulary=fit_vocabulary(table), fusion="late", context="one_hot")
    require_same(model, changing(30), 10, {"maker": "b", "age": 1.5})


def test_a_restored_stream_counts_from_its_window() -> None:
    model, values = model_of(blocks("rocket", "hydra")), changing(50)
    first, again = (open_stream(model, window=15) for _ in range(2))
    expected = [first.step(row).probabilities for row in values[:30]]
    again.restore(first.state())
    expected = [first.step(row).probabilities for row in values[30:]]
    np.testing.assert_array_equal([again.step(row).probabilities for row in values[30:]], expected)


@pytest.mark.parametrize(
    ("options", "stream"),
    [({"clock": "elapsed"}, {}), ({"missing": "linear"}, {}), ({}, {"every": 5}), ({}, {"window": 1})],
    ids=str,
)
def test_models_without_incremental_counts_predict_whole_windows(
    options: dict[str, Any], stream: dict[str, int]
) -> None:
    assert type(open_stream(model_of(ROCKET, **options), **{"window": 8, **stream})) is WindowStream


def test_long_strides_are_predicted_again() -> None:
    assert type(open_stream(model_of({**ROCKET, "length": 40_000}, 1), window=8)) is WindowStream


def test_several_series_share_kernels_and_nothing_else() -> None:
    model = model_of(blocks("rocket", "rocket_differences", "hydra"))
    first = open_stream(model, window=9)
    streams, values = [first, first.another(), first.another()], changing(40)
    whole = [WindowStream(model, 9) for _ in streams]
    for number, row in enumerate(values):
        for place in range(number % 3 + 1):
            found, expected = (each[place].step(row * (1 + place)).probabilities for each in (streams, whole))
            np.testing.assert_array_equal(found, expected)


def test_a_stream_predicts_as_its_model() -> None:
    model, values = model_of(blocks("rocket_differences", "hydra")), changing(64)
    stream = open_stream(model, window=64)
    predictions = [stream.step(row) for row in values]
    expected = model.predict(Panel.from_series([values], channels=["c0", "c1"]))
    np.testing.assert_array_equal(predictions[-1].probabilities, expected.probabilities[0])
