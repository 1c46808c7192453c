"""Training on missing values and irregular clocks: resolution of auto, scaling, errors and learning."""

from typing import Any

import numpy as np
import pytest
import torch

from limelight.data.panel import Panel
from limelight.errors import DataError
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import GRU
from limelight.task import Task
from limelight.training.fit import fit
from limelight.training.settings import TrainingSettings

NAN = np.nan
TASK = Task((0, 1))


def fit_gru(panel: Panel, epochs: int = 1, validation: Panel | None = None, **words: str) -> Any:
    architecture = Architecture.of(GRU(hidden_size=8), "attention", "linear", **words)
    settings = TrainingSettings(max_epochs=epochs, learning_rate=0.02)
    return fit(panel, TASK, architecture, validation=validation, settings=settings).model


def alternating_panel(series: list[Any], **arguments: Any) -> Panel:
    return Panel.from_series(series, labels=np.arange(len(series)) % 2, **arguments)


def score(panel: Panel, **words: str) -> float:
    """Fit to two thirds of a panel, and return the accuracy on the rest."""
    cut = 2 * len(panel) // 3
    model = fit_gru(panel[:cut], epochs=12, **words)
    return float(np.mean(model.predict(panel[cut:]).labels == panel[cut:].require_labels()))


def test_scaling_uses_known_values_only() -> None:
    model = fit_gru(alternating_panel([[1.0, NAN, 3.0], [NAN, 5.0]]))
    assert model.network.normalisation.mean.tolist() == [3.0]
    assert model.network.normalisation.scale.tolist() == pytest.approx([np.std([1.0, 3.0, 5.0])])


@pytest.mark.parametrize("missing", ["mask", "last", "linear", "mean"])
def test_a_channel_without_values_is_not_scaled(missing: str) -> None:
    model = fit_gru(alternating_panel([np.array([[1.0, NAN], [2.0, NAN]]), np.array([[4.0, NAN]])]), missing=missing)
    assert model.network.normalisation.mean[1].item() == 0.0
    assert model.network.normalisation.scale[1].item() == 1.0
    assert np.isfinite(model.predict(alternating_panel([np.full((3, 2), NAN)])).logits).all()


def test_the_time_between_steps_is_scaled_like_a_channel() -> None:
    model = fit_gru(alternating_panel([[1.0, 2.0], [3.0, 4.0]], times=[[5.0, 7.0], [1.0, 7.0]]), clock="elapsed")
    assert model.network.normalisation.mean.tolist() == [2.5, 2.0]
    assert model.network.normalisation.scale.tolist() == pytest.approx([np.std([1, 2, 3, 4]), np.std([0, 2, 0, 6])])


@pytest.mark.parametrize(
    ("values", "times", "words"),
    [
        ([1.0, 2.0, 3.0], None, ("error", "order")),
        ([1.0, NAN, 3.0], None, ("mask", "order")),
        ([1.0, 2.0, 3.0], [0.0, 1.0, 2.0], ("error", "order")),
        ([1.0, NAN, 3.0], [0.0, 1.0, 5.0], ("mask", "elapsed")),
    ],
)
def test_auto_is_resolved_on_the_training_series(
    values: list[float], times: list[float] | None, words: tuple[str, str]
) -> None:
    model = fit_gru(alternating_panel([values] * 4, times=None if times is None else [times] * 4))
    assert (model.architecture.missing, model.architecture.clock) == words


def test_missing_values_and_clock_are_noted() -> None:
    dates = np.array(["2024-01-01", "2024-01-02", "2024-01-09"], dtype="datetime64[ns]")
    fitted_on = fit_gru(alternating_panel([[1.0, NAN, 3.0]] * 4, times=[dates] * 4)).fitted_on
    assert (fitted_on["missing_values"], fitted_on["clock"]) == (4, "dates")
    assert fit_gru(alternating_panel([[1.0, 2.0]] * 4)).fitted_on["clock"] is None


def test_missing_values_only_in_validation_series_are_supported() -> None:
    with_gaps = alternating_panel([[1.0, 2.0], [NAN, 2.0]])
    assert fit_gru(alternating_panel([[1.0, 2.0]] * 4), validation=with_gaps).architecture.missing == "mask"
    with pytest.raises(DataError, match=r"got a missing value \(NaN\) in series '1', step 0"):
        fit_gru(alternating_panel([[1.0, 2.0]] * 4), validation=with_gaps, missing="error")


@pytest.mark.parametrize("missing", ["auto", "mask", "error"])
def test_infinite_values_are_refused_before_training(missing: str) -> None:
    with pytest.raises(DataError) as error:
        fit_gru(alternating_panel([[1.0, 2.0], [1.0, np.inf]]), missing=missing)
    assert str(error.value) == (
        "expected a number everywhere, got infinity in series '1', step 1, channel 'channel_0'; correct it, or remove "
        "the series"
    )


def test_a_requested_clock_must_exist() -> None:
    with pytest.raises(DataError) as error:
        fit_gru(alternating_panel([[1.0, 2.0]] * 4), clock="elapsed")
    assert str(error.value) == (
        "expected series with a clock, as in training, got series without times; provide a time for every step, or "
        "train with clock='order'"
    )


def test_a_validation_with_another_kind_of_clock_is_refused() -> None:
    dates = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[ns]")
    with pytest.raises(DataError, match=r"^expected a clock of numbers, as in training, got a clock of dates"):
        fit_gru(
            alternating_panel([[1.0, 2.0]] * 4, times=[[0.0, 1.0]] * 4),
            validation=alternating_panel([[1.0, 2.0]], times=[dates]),
            clock="elapsed",
        )


def test_missingness_is_learned_only_with_the_mask() -> None:
    random = np.random.default_rng(0)
    series = [np.full(20, 7.0) for _ in range(240)]
    for place, one in enumerate(series):
        one[random.integers(0, 6) + 10 * (place % 2) + np.arange(4)] = NAN  # in the first or in the second half
    panel = alternating_panel(series)
    assert score(panel) >= 0.95
    assert score(panel, missing="mean") <= 0.7


def test_elapsed_time_is_learned_only_with_the_clock() -> None:
    random = np.random.default_rng(0)
    series = [random.normal(size=20) for _ in range(240)]
    steps = random.uniform(0.9, 1.1, size=(240, 20))
    for place, one in enumerate(steps):
        one[random.integers(1, 19)] = 2.0 + 4.0 * (place % 2)  # one pause, short or long
    panel = alternating_panel(series, times=list(np.cumsum(steps, axis=1)))
    assert score(panel) >= 0.95
    assert score(panel, clock="order") <= 0.7


def test_training_on_gaps_and_clock_is_reproducible() -> None:
    random = np.random.default_rng(0)
    series = random.normal(size=(40, 15))
    series[random.random(series.shape) < 0.3] = NAN
    panel = alternating_panel(list(series), times=list(np.cumsum(random.uniform(0.1, 2, size=(40, 15)), axis=1)))
    first, second = (fit_gru(panel).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
