"""Several series as messages: predictions equal those of predict, and a restart continues."""

import json

import numpy as np
import pytest
import torch

from limelight.data.panel import Panel
from limelight.errors import DataError, ParameterError
from limelight.evaluation.events.detection import find_events
from limelight.evaluation.events.rule import EventRule
from limelight.model.fitted import FittedModel
from limelight.parts.architecture import Architecture
from limelight.streaming.lines import StreamCells, read_messages
from limelight.streaming.messages import SeriesStreams, StreamSettings
from support.errors import message_of
from support.exported import model_of
from support.models import METADATA, described_model, random_network_model

RULE = EventRule(on=0.5, off=0.45, min_length=2)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    torch.manual_seed(0)
    return random_network_model("gru", "none", level="step")


def draw(count: int = 2, steps: int = 40) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, steps, 2))


def messages_of(values: np.ndarray) -> list[dict]:
    """The steps of all series in turns."""
    return [
        {"id": f"s{row}", "time": 0.5 * step, "values": values[row, step].tolist()}
        for step in range(values.shape[1])
        for row in range(len(values))
    ]


def test_predictions_and_events_equal_those_of_predict(model: FittedModel) -> None:
    values = draw()
    streams = SeriesStreams(model, StreamSettings(rule=RULE))
    found = [one for message in messages_of(values) for one in streams.receive(message)] + streams.end()
    prediction = model.predict(Panel.from_series(list(values)))
    for row in range(2):
        own = [one for one in found if one["id"] == f"s{row}"]
        predictions = [list(one["probabilities"].values()) for one in own if "prediction" in one]
        np.testing.assert_allclose(predictions, prediction.by_series(prediction.probabilities)[row], atol=1e-6)
        expected = find_events(model.task, prediction.by_series(prediction.probabilities)[row], [40], RULE)
        ended = [one for one in own if one.get("event") == "end"]
        assert [(one["start_step"], one["end_step"] + 1) for one in ended] == list(
            zip(expected.start.tolist(), expected.stop.tolist(), strict=True)
        )
        assert [(one["start"], one["end"]) for one in ended] == [
            (0.5 * one["start_step"], 0.5 * one["end_step"]) for one in ended
        ]


def test_a_restored_state_skips_predicted_steps(model: FittedModel) -> None:
    messages, settings = messages_of(draw()), StreamSettings(rule=RULE)
    whole = SeriesStreams(model, settings)
    expected = [whole.receive(message) for message in messages]
    streams = SeriesStreams(model, settings)
    for message in messages[:33]:
        streams.receive(message)
    again = SeriesStreams(model, settings)
    again.restore(*streams.state())
    assert [again.receive(message) for message in messages] == [[]] * 33 + expected[33:]
    assert (again.skipped, again.steps) == (33, 47)


def test_metadata_of_the_first_step_are_those_of_the_series() -> None:
    model = described_model("embedding")
    values, row = draw(1)[0], METADATA.to_pylist()[0]
    streams = SeriesStreams(model, StreamSettings())
    first = {"metadata": row, "values": values[0].tolist()}
    rest = [{"values": one.tolist()} for one in values[1:]]
    predictions = [streams.receive(message)[0] for message in [first, *rest]]
    expected = model.predict(Panel.from_series([values], metadata=METADATA[:1]))
    np.testing.assert_allclose(list(predictions[-1]["probabilities"].values()), expected.probabilities[0], atol=1e-6)
    apart = SeriesStreams(model, StreamSettings())
    assert apart.receive({**row, "values": values[0].tolist()}) == predictions[:1]


def test_a_model_without_state_has_the_window_of_training() -> None:
    model = model_of(Architecture.of({"name": "gru", "hidden_size": 4, "bidirectional": True}))
    model.fitted_on["lengths"] = [5, 7, 9]
    assert StreamSettings.as_trained(model, {}).window == 9
    cut = {"windows": {"length": 6, "stride": 3}}
    settings = StreamSettings.as_trained(random_network_model(), cut)
    assert (settings.window, settings.every) == (6, 3)
    streams = SeriesStreams(random_network_model(), settings)
    answered = [streams.receive({"values": [1, 2]}) for _ in range(7)]
    assert [len(one) for one in answered] == [1, 0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (3, "expected an object with the values of a step, got 3"),
        ({"values": [1]}, "expected a number for each of 2 channels ('channel_0', 'channel_1'), got 1"),
        ({"values": ["1", 2]}, "expected numbers or null as values, got '1'"),
        (
            {"channel_0": 1},
            "expected values, or a value of each channel ('channel_0', 'channel_1'), got a message without 'channel_1'",
        ),
        ({"values": [1, 2], "id": [1]}, "expected an id of at most 200 letters, got [1]"),
        ({"values": [1, 2], "time": "soon"}, "expected a time as a number or a date, got 'soon'"),
        (
            {"values": [1, 2], "time": "2024-01-01"},
            "expected numbers as times, as before, got '2024-01-01', one of the dates",
        ),
        (
            {"values": [1, 2], "time": 1},
            "expected a time after that of the step before, got 1.0; drop the step, or sort them",
        ),
        ({"values": [1, 2], "metadata": 3}, "expected an object for metadata, got 3"),
        ({"values": [1, 2], "signals": {"mode": []}}, "expected text or a number for each of the signals, got []"),
        ({"id": "x", "end": True}, "expected the id of a series that has begun, got 'x'"),
    ],
)
def test_messages_that_do_not_fit_change_nothing(model: FittedModel, message: object, sentence: str) -> None:
    streams = SeriesStreams(model, StreamSettings(rule=RULE))
    streams.receive({"values": [1.0, 2.0], "time": 1})
    if isinstance(message, dict) and "metadata" in message:
        message = {**message, "id": "new"}
    before = streams.state()
    assert message_of(DataError, streams.receive, message) == sentence
    arrays, description = streams.state()
    assert description == before[1]
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[0][name])


def test_too_many_series_and_foreign_states_are_refused(model: FittedModel) -> None:
    streams = SeriesStreams(model, StreamSettings(most_series=1))
    streams.receive({"id": "a", "values": [1, 2]})
    assert message_of(ParameterError, streams.receive, {"id": "b", "values": [1, 2]}) == (
        "expected at most 1 series at once, got more; end those that are complete"
    )
    streams.receive({"id": "a", "end": True})
    assert streams.receive({"id": "b", "values": [1, 2]})[0]["steps"] == 1
    other = SeriesStreams(model, StreamSettings(window=3))
    assert message_of(ParameterError, other.restore, *streams.state()) == (
        "expected a state with window 3 and every 1, got one with None and 1; use the same settings as before, or another "
        "state file"
    )
    assert message_of(ParameterError, other.restore, {}, json.dumps([])) == (
        "expected the state of streams, got something else; remove the file to begin anew"
    )
    assert message_of(ParameterError, SeriesStreams, model, StreamSettings(window=3, every=2)) == (
        "expected every step to be predicted with labels per step, got every=2; use 1"
    )


def test_lines_of_csv_are_read_as_in_training() -> None:
    cells = StreamCells(frozenset({"x", "time"}), frozenset({"new"}))
    lines = ['"pump","time",x,new', "7,0,1.5,yes", "7,1,,no", "7,1"]
    *read, (number, refused) = read_messages(lines, cells)
    assert read == [
        (2, {"pump": "7", "time": 0.0, "x": 1.5, "new": "true"}),
        (3, {"pump": "7", "time": 1.0, "x": None, "new": "false"}),
    ]
    assert (number, str(refused)) == (4, "expected 4 cells as in the header, got 2")
    assert list(read_messages(["x;y", "1,5;2.5"], StreamCells(frozenset("xy")))) == [(2, {"x": 1.5, "y": 2.5})]
    assert [number for number, _ in read_messages(["", '{"values": [1]}', "\n", "[]"], StreamCells())] == [2, 4]
