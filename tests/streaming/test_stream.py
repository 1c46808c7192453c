"""Streams: after every step, the prediction equals that of predict for the steps so far."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight.data.annotations import StepSignals
from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.model.batching import shape_of
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel
from limelight.model.vocabulary import fit_vocabulary
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.parts.poolings import POOLINGS
from limelight.streaming.stream import open_stream
from limelight.task import Task
from support.architectures import VARIANTS
from support.errors import message_of

ENCODERS = {
    "lstm": {"name": "lstm", "hidden_size": 5},
    "stacked": {"name": "gru", "hidden_size": [5, 4]},
    "relu lstm": {"name": "lstm", "hidden_size": 5, "activation": "relu"},
    "relu gru": {"name": "gru", "hidden_size": 5, "activation": "relu"},
    "reset before": {"name": "gru", "hidden_size": 5, "reset_after": False},
    "masked": {"name": "gru", "hidden_size": 5, "mask_value": 0.0},
    "conv_lstm": {"name": "conv_lstm", "filters": 6, "hidden_size": 5, "stride": 3},
    "conv_lstm by step": {"name": "conv_lstm", "filters": 6, "hidden_size": 5, "stride": 1, "depth": 1},
    "conv_lstm deep": {"name": "conv_lstm", "filters": 6, "hidden_size": 5, "stride": 5, "depth": 3},
}
FOLLOWED = [name for name, part in POOLINGS.items() if not part.by_encoder and not part.reads_metadata]


def build(encoder: Any, pooling: str = "attention", vocabulary: Any = None, **options: Any) -> FittedModel:
    """A model of two channels with random weights, whose scaling and FiLM have moved."""
    torch.manual_seed(0)
    architecture = Architecture.of(
        encoder, pooling, "linear", **{"missing": "error", "clock": "order", "fusion": [], **options}
    )
    task = Task(("a", "b", "c"), level="step" if architecture.pooling.answers_steps else "series")
    network = Network(architecture, 2, task.outputs, shape_of(vocabulary)).eval()
    torch.nn.init.normal_(network.normalisation.mean)
    if network.film is not None:
        torch.nn.init.normal_(network.film.project.weight, std=0.3)
    decision = Decision(temperature=np.array([1.7]))
    return FittedModel(task, architecture, network, ("x", "y"), {"clock": "numbers"}, vocabulary, decision)


def draw(model: FittedModel, steps: int = 23) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    values = random.normal(size=(steps, 2))
    if model.accepts_missing:
        values[random.random(values.shape) < 0.3] = np.nan
    return values, random.random(steps).cumsum()


def assert_follows(
    model: FittedModel, values: np.ndarray, times: np.ndarray, metadata: Mapping[str, Any] | None = None, **options: Any
) -> None:
    """Require the prediction of predict after every step."""
    stream = open_stream(model, metadata=metadata, **options)
    window = options.get("window", len(values))
    table = None if metadata is None else pa.table({name: [value] for name, value in metadata.items()})
    for last in range(1, len(values) + 1):
        prediction = stream.step(values[last - 1], times[last - 1])
        first = max(0, last - window)
        panel = Panel.from_series([values[first:last]], channels=["x", "y"], times=[times[first:last]], metadata=table)
        expected = model.predict(panel)
        np.testing.assert_allclose(prediction.probabilities, expected.probabilities[-1], atol=1e-6)
        assert (prediction.label, prediction.step) == (expected.labels[-1], last)


@pytest.mark.parametrize("pooling", FOLLOWED)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_prefix_has_the_prediction_of_predict(encoder: str, pooling: str) -> None:
    model = build(ENCODERS[encoder], pooling)
    values, times = draw(model)
    if encoder == "masked":
        values[[0, 5, 6]] = model.network.normalisation.mean.numpy()
    assert_follows(model, values, times)


@pytest.mark.parametrize("missing", ["mean", "mask", "last"])
@pytest.mark.parametrize("encoder", ["lstm", "conv_lstm"])
def test_missing_values_and_the_clock_are_followed(encoder: str, missing: str) -> None:
    model = build(ENCODERS[encoder], missing=missing, clock="elapsed")
    assert_follows(model, *draw(model))


@pytest.mark.parametrize("fusion", [["late"], ["repeat"], ["film"], ["attention"], ["repeat", "film", "late"]])
@pytest.mark.parametrize("encoder", ["stacked", "conv_lstm"])
def test_metadata_are_used_from_the_first_step(encoder: str, fusion: list[str]) -> None:
    table = pa.table({"maker": ["a", "b", "a"], "age": [1.0, 2.0, None]})
    model = build(ENCODERS[encoder], vocabulary=fit_vocabulary(table), fusion=fusion)
    assert_follows(model, *draw(model, 11), {"maker": "b", "age": 1.5})


@pytest.mark.parametrize("context", ["embedding", "one_hot"])
def test_side_signals_are_followed(context: str) -> None:
    vocabulary = fit_vocabulary(None, signals={"mode": ["idle", "run"]})
    model = build(ENCODERS["lstm"], vocabulary=vocabulary, context=context)
    values, _ = draw(model, 8)
    words = ["idle", None, "run", "run", "unheard", "idle", "idle", "run"]
    classes = ("idle", "run", "unheard")
    codes = np.array([[classes.index(word) if word else -1] for word in words], dtype=np.int16)
    signals = StepSignals(codes, ("mode",), (classes,))
    stream = open_stream(model)
    for row, word in zip(values, words, strict=True):
        prediction = stream.step(row, signals={"mode": word})
    expected = model.predict(Panel.from_series([values], channels=["x", "y"], signals=signals))
    np.testing.assert_allclose(prediction.probabilities, expected.probabilities[0], atol=1e-6)


@pytest.mark.parametrize("window", [None, 7])
@pytest.mark.parametrize("encoder", ["lstm", "conv_lstm deep", "stacked"])
def test_a_restored_stream_continues_as_an_uninterrupted_one(encoder: str, window: int | None, tmp_path) -> None:
    model = build(ENCODERS[encoder], clock="elapsed", missing="last")
    values, times = draw(model, 30)
    whole = open_stream(model, window=window)
    expected = [whole.step(*one).probabilities for one in zip(values, times, strict=True)]
    stream = open_stream(model, window=window)
    for one in zip(values[:17], times[:17], strict=True):
        stream.step(*one)
    np.savez(tmp_path / "state.npz", **stream.state())
    again = open_stream(model, window=window)
    with np.load(tmp_path / "state.npz") as saved:
        again.restore(dict(saved))
    found = [again.step(*one).probabilities for one in zip(values[17:], times[17:], strict=True)]
    np.testing.assert_array_equal(found, expected[17:])


@pytest.mark.parametrize("encoder", ["rocket", "blocks", "lstm bidirectional, stacked", "inception"])
def test_a_window_predicts_the_last_steps_with_any_model(encoder: str) -> None:
    part = VARIANTS[encoder]
    model = build(part, part.fixed_parts.get("pooling", "attention"))
    assert_follows(model, *draw(model), window=9)


def test_a_window_can_predict_every_few_steps() -> None:
    model = build(ENCODERS["lstm"])
    values, times = draw(model)
    stream = open_stream(model, window=9, every=5)
    assert [stream.step(*one).step for one in zip(values[:12], times, strict=False)] == [1] * 5 + [6] * 5 + [11] * 2


def test_the_clock_of_a_stream_may_be_dates() -> None:
    model = build(ENCODERS["lstm"], clock="elapsed")
    model.fitted_on["clock"] = "dates"
    values, _ = draw(model, 4)
    times = np.array(["2024-01-01T00:00", "2024-01-01T00:01", "2024-01-01T00:03", "2024-01-02T00:00"], "datetime64[ns]")
    expected = model.predict(Panel.from_series([values], channels=["x", "y"], times=[times])).probabilities[0]
    for window in (None, 4):
        stream = open_stream(model, window=window)
        for one in zip(values, times, strict=True):
            prediction = stream.step(*one)
        np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-6)


def test_a_network_that_looks_ahead_needs_a_window() -> None:
    model = build({"name": "lstm", "hidden_size": 4, "bidirectional": True})
    assert message_of(ParameterError, open_stream, model) == (
        "expected the encoder 'lstm', 'gru' or 'conv_lstm' of one direction to carry its state, got 'bidirectional lstm "
        "(4)'; pass window= to predict the last steps again and again"
    )
    assert message_of(ParameterError, open_stream, build(ENCODERS["lstm"], missing="linear")) == (
        "expected missing values that are filled from the past, got missing='linear', which looks ahead; train with "
        "missing='last' or 'mask', or pass window="
    )


def test_steps_that_do_not_fit_are_refused() -> None:
    stream = open_stream(build(ENCODERS["lstm"], clock="elapsed"))
    assert message_of(DataError, stream.step, [1.0]) == ("expected a number for each of 2 channels ('x', 'y'), got 1")
    assert message_of(DataError, stream.step, [1.0, np.nan], 0) == (
        "expected a number for each channel, got a missing value (NaN); correct it, or leave the step out"
    )
    assert message_of(DataError, stream.step, [1.0, 2.0]) == (
        "expected the time of the step, which the model reads, got none; pass time="
    )
    stream.step([1.0, 2.0], 5)
    assert message_of(DataError, stream.step, [1.0, 2.0], 5) == (
        "expected a time after that of the step before, got 5; drop the step, or sort them"
    )


def test_a_refused_step_changes_nothing() -> None:
    vocabulary = fit_vocabulary(None, signals={"mode": ["idle", "run"]})
    stream = open_stream(build(ENCODERS["lstm"], clock="elapsed", vocabulary=vocabulary))
    stream.step([1.0, 2.0], 1, {"mode": "run"})
    before = stream.state()
    assert message_of(DataError, stream.step, [1.0, 2.0], 2, {"mood": "run"}) == (
        "expected the side signals in training ('mode'), got 'mood'"
    )
    for name, array in stream.state().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_state_of_another_model_is_refused() -> None:
    small, large = (open_stream(build({"name": "gru", "hidden_size": size})) for size in (3, 4))
    assert message_of(ParameterError, large.restore, small.state()) == (
        "expected the state of a stream of this model, got 'state_0' of shape (3,) in place of (4,); restore the stream "
        "that it came from"
    )
    assert message_of(ParameterError, large.restore, {"values": np.zeros(1)}).startswith(
        "expected the state of a stream of this model, with counts, time, known, state_0, sum_0, "
    )
