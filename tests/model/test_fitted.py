import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.model.batching import batches_by_length, make_batch
from limelight.model.fitted import FittedModel, Prediction
from limelight.nn.network import Network
from limelight.parts.sentence import Sentence
from limelight.task import Task


def model_for(classes: tuple[str, ...] = ("a", "b"), channels: tuple[str, ...] = ("x", "y")) -> FittedModel:
    torch.manual_seed(0)
    sentence = Sentence.of("gru", "attention", "linear")
    task = Task(classes)
    return FittedModel(task, sentence, Network(sentence, len(channels), task.outputs), channels)


def panel_of(lengths: list[int], channels: tuple[str, ...] = ("x", "y")) -> Panel:
    random = np.random.default_rng(0)
    return Panel.from_series([random.normal(size=(n, len(channels))) for n in lengths], channels=channels)


def test_answers_come_in_the_order_of_the_panel() -> None:
    model, panel = model_for(), panel_of([3, 30, 7, 30, 1])
    together = model.predict(panel).logits
    alone = np.concatenate([model.predict(panel[[row]]).logits for row in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_attention_has_one_weight_for_each_step_of_each_series() -> None:
    attention = model_for().predict(panel_of([3, 30, 7]), attention=True).attention
    assert attention is not None
    assert [len(weights) for weights in attention] == [3, 30, 7]
    np.testing.assert_allclose([weights.sum() for weights in attention], 1, atol=1e-5)


def test_attention_is_left_out_when_not_asked_for() -> None:
    assert model_for().predict(panel_of([3])).attention is None


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_probabilities_sum_to_one_and_the_largest_names_the_label(classes: tuple[str, ...]) -> None:
    prediction = model_for(classes).predict(panel_of([5] * 20))
    np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1)
    assert prediction.labels.tolist() == [classes[i] for i in prediction.probabilities.argmax(axis=1)]


def test_probabilities_of_huge_logits_are_still_numbers() -> None:
    for logits in (np.array([[1e4], [-1e4]]), np.array([[1e4, -1e4, 0.0]])):
        task = Task(("a", "b")) if logits.shape[1] == 1 else Task(("a", "b", "c"))
        probabilities = Prediction(np.array(["0"]), task, logits).probabilities
        assert np.isfinite(probabilities).all()


def test_predicting_twice_gives_the_same_and_changes_nothing() -> None:
    model, panel = model_for(), panel_of([5, 9])
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    first, second = model.predict(panel), model.predict(panel)
    assert (first.logits == second.logits).all()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(DataError) as error:
        model_for().predict(panel_of([5], channels=("x",)))
    assert str(error.value) == "expected 2 channels as in training ('x', 'y'), got 1 ('x')"


def test_channels_in_another_order_are_refused() -> None:
    with pytest.raises(DataError) as error:
        model_for().predict(panel_of([5], channels=("y", "x")))
    assert str(error.value) == (
        "expected the channels of the training in their order ('x', 'y'), got 'y', 'x'; "
        "pick and order them with channels=[...] when reading"
    )


def test_channels_without_names_are_taken_in_order() -> None:
    panel = panel_of([5], channels=("channel_0", "channel_1"))
    assert len(model_for().predict(panel).labels) == 1


@pytest.mark.parametrize(("value", "said"), [(np.nan, "a missing value (NaN)"), (np.inf, "infinity")])
def test_missing_and_infinite_values_are_refused_with_their_place(value: float, said: str) -> None:
    panel = panel_of([5, 6])
    panel.values[7, 1] = value
    with pytest.raises(DataError) as error:
        model_for().predict(panel)
    assert str(error.value) == (
        f"expected a number everywhere, got {said} in series '1', step 2, channel 'y'; "
        "fill it (for example with the value before it) or leave the series out"
    )


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=60))
def test_batches_hold_every_row_once_and_stay_small(lengths: list[int]) -> None:
    panel = panel_of(lengths, channels=("x",))
    batches = list(batches_by_length(panel, most_series=16))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) <= 16
        assert len(rows) == 1 or panel.lengths[rows].max() * len(rows) <= 65_536


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), data=st.data())
def test_a_batch_holds_the_series_and_zeros(lengths: list[int], data: st.DataObject) -> None:
    panel = panel_of(lengths)
    rows = np.array(data.draw(st.permutations(range(len(lengths)))))
    batch = make_batch(panel, rows)
    for place, row in enumerate(rows):
        assert batch.mask[place].sum() == lengths[row]
        np.testing.assert_array_equal(batch.values[place, : lengths[row]], panel.series(row))
        assert (batch.values[place, lengths[row] :] == 0).all()
