import pytest

from limelight.errors import ParameterError
from limelight.training.settings import TrainingSettings


@pytest.mark.parametrize(
    ("series", "batch_size", "max_epochs"), [(36, 8, 50), (500, 62, 50), (7000, 64, 14), (1_000_000, 64, 10)]
)
def test_epochs_and_batches_follow_the_number_of_series(series: int, batch_size: int, max_epochs: int) -> None:
    resolve = TrainingSettings().for_series(series)
    assert (resolve.batch_size, resolve.max_epochs) == (batch_size, max_epochs)


def test_batch_is_never_larger_than_the_set() -> None:
    assert TrainingSettings(batch_size=100_000).for_series(24).batch_size == 24


def test_what_is_stated_stays() -> None:
    stated = TrainingSettings(max_epochs=3, patience=2, batch_size=5)
    assert stated.for_series(7000) == stated


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_epochs": 0}, "expected max_epochs of at least 1, got 0"),
        ({"learning_rate": -1}, "expected learning_rate above 0.0, got -1"),
        ({"batch_size": "many"}, "expected batch_size as a whole number, got 'many'"),
        ({"workers": -1}, "expected workers of at least 0, got -1"),
        ({"workers": 65}, "expected workers of at most 64, got 65"),
        ({"device": "abacus"}, "expected device to be 'auto', 'cpu' or 'gpu', got 'abacus'"),
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        TrainingSettings.checked(**setting)
    assert str(error.value) == message
