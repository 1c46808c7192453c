from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.model.batching import make_batch
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.padding import batches_by_length, require_finite
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task

HOLES = "choose missing='mask', 'last', 'linear' or 'mean' for the model, fill it in, or remove the series"


def model_for(
    classes: tuple[str, ...] = ("a", "b"), channels: tuple[str, ...] = ("x", "y"), **words: str
) -> FittedModel:
    torch.manual_seed(0)
    architecture = Architecture.of("gru", "attention", "linear", **words)
    task = Task(classes)
    return FittedModel(task, architecture, Network(architecture, len(channels), task.outputs), channels)


def random_panel(lengths: list[int], channels: tuple[str, ...] = ("x", "y")) -> Panel:
    random = np.random.default_rng(0)
    return Panel.from_series([random.normal(size=(n, len(channels))) for n in lengths], channels=channels)


def test_predictions_come_in_the_order_of_the_panel() -> None:
    model, panel = model_for(), random_panel([3, 30, 7, 30, 1])
    together = model.predict(panel).logits
    alone = np.concatenate([model.predict(panel[[row]]).logits for row in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_attention_has_one_weight_for_each_step_of_each_series() -> None:
    attention = model_for().predict(random_panel([3, 30, 7]), attention=True).attention
    assert attention is not None
    assert [len(weights) for weights in attention] == [3, 30, 7]
    np.testing.assert_allclose([weights.sum() for weights in attention], 1, atol=1e-5)


def test_attention_is_returned_only_on_request() -> None:
    assert model_for().predict(random_panel([3])).attention is None


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_probabilities_sum_to_one_and_the_largest_names_the_label(classes: tuple[str, ...]) -> None:
    prediction = model_for(classes).predict(random_panel([5] * 20))
    np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1)
    assert prediction.labels.tolist() == [classes[i] for i in prediction.probabilities.argmax(axis=1)]


def test_probabilities_of_huge_logits_are_finite() -> None:
    for logits in (np.array([[1e4], [-1e4]]), np.array([[1e4, -1e4, 0.0]])):
        task = Task(("a", "b")) if logits.shape[1] == 1 else Task(("a", "b", "c"))
        probabilities = Prediction(np.array(["0"]), task, logits).probabilities
        assert np.isfinite(probabilities).all()


def test_predicting_twice_returns_the_same_predictions() -> None:
    model, panel = model_for(), random_panel([5, 9])
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    first, second = model.predict(panel), model.predict(panel)
    assert (first.logits == second.logits).all()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(DataError) as error:
        model_for().predict(random_panel([5], channels=("x",)))
    assert str(error.value) == (
        "expected the channels in training ('x', 'y'), got 'x', which lacks 'y'; rename the channels as in training, or "
        "pass arrays without names in the order of the training"
    )


def test_channels_are_found_by_name_in_any_order() -> None:
    panel = random_panel([5], channels=("x", "y"))
    moved = panel.replace(values=panel.values[:, ::-1], channels=("y", "x"), offset=panel.offset[::-1])
    model = model_for()
    assert (model.predict(moved).logits == model.predict(panel).logits).all()


def test_offsets_follow_their_channels() -> None:
    panel = Panel.from_series([np.array([[1e8 + 0.5, 1.0], [1e8 + 1.5, 2.0], [1e8 + 0.25, 4.0]])], channels=("x", "y"))
    moved = panel.replace(values=panel.values[:, ::-1], channels=("y", "x"), offset=panel.offset[::-1])
    assert panel.offset[0] > 0
    assert model_for().with_channels(moved).offset.tolist() == panel.offset.tolist()


def test_channels_without_names_are_matched_by_order() -> None:
    panel = random_panel([5], channels=("channel_0", "channel_1"))
    assert len(model_for().predict(panel).labels) == 1


@pytest.mark.parametrize(
    ("value", "missing", "found", "advice"),
    [
        (np.nan, "error", "a missing value (NaN)", HOLES),
        (np.inf, "error", "infinity", "correct it, or remove the series"),
        (-np.inf, "mask", "infinity", "correct it, or remove the series"),
    ],
)
def test_missing_and_infinite_values_are_refused_with_their_position(
    value: float, missing: str, found: str, advice: str
) -> None:
    panel = random_panel([5, 6])
    panel.values[7, 1] = value
    with pytest.raises(DataError) as error:
        model_for(missing=missing).predict(panel)
    assert str(error.value) == (
        f"expected a number everywhere, got {found} in series '1', step 2, channel 'y'; {advice}"
    )


def test_infinity_is_found_among_missing_values() -> None:
    panel = random_panel([5, 6])
    panel.values[3] = np.nan
    panel.values[7, 1] = np.inf
    with pytest.raises(DataError, match=r"got infinity in series '1', step 2, channel 'y'"):
        model_for(missing="mask").predict(panel)


def test_the_first_invalid_value_is_named_in_any_block() -> None:
    panel = Panel.from_series(np.zeros((3, 600_000, 1)))[[2, 1, 0]]  # blocks have about a million steps
    panel.values[600_004] = np.nan
    panel.values[7] = np.nan
    with pytest.raises(DataError, match=r"got a missing value \(NaN\) in series '1', step 4, channel 'channel_0'"):
        require_finite(panel)


def test_opposite_infinities_are_found() -> None:
    with pytest.raises(DataError, match=r"got infinity in series '0', step 0"):
        make_batch(Panel.from_series([[np.inf, -np.inf]]), np.array([0]))


def test_series_with_missing_values_are_predicted() -> None:
    panel = random_panel([3, 30, 7])
    panel.values[[1, 4, 5, 20]] = np.nan
    together = model_for(missing="mask").predict(panel).logits
    alone = np.concatenate([model_for(missing="mask").predict(panel[[row]]).logits for row in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


DATES = np.array(["2024-01-01", "2024-01-03", "2024-01-03T00:00:05"], dtype="datetime64[ns]")


@pytest.mark.parametrize(
    ("trained", "times", "message"),
    [
        (
            "dates",
            None,
            "expected series with a clock, as in training, got series without times; provide a time for every step, or "
            "train with clock='order'",
        ),
        (
            "dates",
            np.arange(3),
            "expected a clock of dates, as in training, got a clock of numbers; provide the times in the same form as in "
            "training",
        ),
        (
            "numbers",
            DATES,
            "expected a clock of numbers, as in training, got a clock of dates; provide the times in the same form as in "
            "training",
        ),
        (
            "numbers",
            np.array([0.0, np.nan, 2.0]),
            "expected a time at every step, got none in series '0' at step 1 or the step before; remove these steps",
        ),
    ],
)
def test_a_model_with_a_clock_refuses_another_kind(trained: str, times: np.ndarray | None, message: str) -> None:
    model = model_for(clock="elapsed")
    model.fitted_on["clock"] = trained
    with pytest.raises(DataError) as error:
        model.predict(random_panel([3]).replace(times=times))
    assert str(error.value) == message


def test_a_model_without_a_clock_accepts_any_clock() -> None:
    model, panel = model_for(), random_panel([3])
    model.fitted_on["clock"] = "dates"
    expected = model.predict(panel).logits
    np.testing.assert_array_equal(model.predict(panel.replace(times=np.arange(3))).logits, expected)


def test_predictions_of_blocks_join_to_the_whole_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    model, panel = model_for(), random_panel([3, 30, 7, 30, 1])
    whole = model.predict(panel, attention=True)
    monkeypatch.setattr("limelight.model.predictor.SERIES_PER_BLOCK", 2)
    blocks = list(model.predict_blocks(panel, attention=True))
    assert [block.ids.tolist() for block in blocks] == [["0", "1"], ["2", "3"], ["4"]]
    np.testing.assert_allclose(np.concatenate([block.logits for block in blocks]), whole.logits, atol=1e-6)
    in_blocks = model.predict(panel, attention=True)
    assert in_blocks.ids.tolist() == panel.ids.tolist()
    assert in_blocks.attention is not None
    assert whole.attention is not None
    for mine, theirs in zip(in_blocks.attention, whole.attention, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_blocks_have_a_limited_size_except_for_longer_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limelight.model.predictor.STEPS_PER_BLOCK", 10)
    blocks = model_for().predict_blocks(random_panel([4, 6, 1, 30, 5]))
    assert [block.ids.tolist() for block in blocks] == [["0", "1"], ["2"], ["3"], ["4"]]


def test_invalid_series_are_refused_before_the_first_block() -> None:
    with pytest.raises(DataError, match=r"^expected the channels in training"):
        model_for().predict_blocks(random_panel([5], channels=("x",)))


def test_an_empty_panel_has_no_predictions() -> None:
    prediction = model_for(("a", "b", "c")).predict(random_panel([3])[[]], attention=True)
    assert (prediction.logits.shape, prediction.attention) == ((0, 3), None)


def test_a_batch_holds_the_time_since_the_previous_step() -> None:
    panel = Panel.from_series([[1.0, 2.0, 3.0], [4.0, 5.0]], times=[[10.0, 10.5, 14.0], [3.0, 5.0]])
    batch = make_batch(panel, np.array([1, 0]), elapsed=True)
    assert batch.elapsed is not None
    assert batch.elapsed.dtype == torch.float32
    assert batch.elapsed.tolist() == [[0.0, 2.0, 0.0], [0.0, 0.5, 3.5]]
    assert make_batch(panel, np.array([1, 0])).elapsed is None


def test_the_time_between_dates_is_in_seconds() -> None:
    batch = make_batch(Panel.from_series([[1.0, 2.0, 3.0]], times=[DATES]), np.array([0]), elapsed=True)
    assert batch.elapsed is not None
    assert batch.elapsed.tolist() == [[0.0, 172_800.0, 5.0]]


def test_padding_stays_zero_next_to_a_missing_value() -> None:
    panel = Panel.from_series([[1.0, 2.0, 3.0], [np.nan, np.nan]])
    batch = make_batch(panel, np.array([0, 1]), missing=True)
    np.testing.assert_array_equal(batch.values[:, :, 0], [[1, 2, 3], [np.nan, np.nan, 0]])


def test_reading_a_batch_is_noted_for_panels_in_files() -> None:
    class Files:
        read: ClassVar[list[list[int]]] = []

        def arrays(self) -> dict[str, Any]:
            return {}

        def note_read(self, lengths: np.ndarray) -> None:
            self.read.append(lengths.tolist())

    make_batch(random_panel([3, 5, 4]).replace(backing=Files()), np.array([2, 0]))
    assert Files.read == [[4, 3]]


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=60))
def test_batches_hold_every_row_once_and_stay_small(lengths: list[int]) -> None:
    panel = random_panel(lengths, channels=("x",))
    batches = list(batches_by_length(panel, most_series=16))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) <= 16
        assert len(rows) == 1 or panel.lengths[rows].max() * len(rows) <= 65_536


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), data=st.data())
def test_a_batch_holds_the_series_and_zeros(lengths: list[int], data: st.DataObject) -> None:
    panel = random_panel(lengths)
    rows = np.array(data.draw(st.permutations(range(len(lengths)))))
    batch = make_batch(panel, rows)
    for place, row in enumerate(rows):
        assert batch.mask[place].sum() == lengths[row]
        np.testing.assert_array_equal(batch.values[place, : lengths[row]], panel.series(row))
        assert (batch.values[place, lengths[row] :] == 0).all()
