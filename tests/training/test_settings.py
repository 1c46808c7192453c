import pytest

from limelight.errors import ParameterError
from limelight.parts.encoders import LSTM, Inception
from limelight.training.settings import TrainingSettings


@pytest.mark.parametrize(
    ("series", "batch_size", "max_epochs"), [(36, 8, 50), (500, 62, 50), (7000, 64, 14), (1_000_000, 64, 10)]
)
def test_epochs_and_batches_follow_the_number_of_series(series: int, batch_size: int, max_epochs: int) -> None:
    resolve = TrainingSettings().resolve(series, LSTM())
    assert (resolve.batch_size, resolve.max_epochs) == (batch_size, max_epochs)


def test_batch_is_never_larger_than_the_set() -> None:
    assert TrainingSettings(batch_size=100_000).resolve(24, LSTM()).batch_size == 24


def test_stated_settings_are_kept() -> None:
    stated = TrainingSettings(max_epochs=3, patience=2, batch_size=5, augmentation=["jitter"], label_smoothing=0.2)
    assert stated.resolve(7000, Inception()) == stated


def test_encoder_declares_augmentation_and_smoothing_unless_stated() -> None:
    resolved, plain = (TrainingSettings().resolve(100, encoder) for encoder in (Inception(), LSTM()))
    assert (resolved.augmentation, resolved.label_smoothing) == (["scale", "warp", "mixup"], 0.1)
    assert (plain.augmentation, plain.label_smoothing) == ([], 0.0)
    assert TrainingSettings(augmentation=[]).resolve(100, Inception()).augmentation == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_epochs": 0}, "expected max_epochs of at least 1, got 0"),
        ({"learning_rate": -1}, "expected learning_rate above 0.0, got -1"),
        ({"batch_size": "many"}, "expected batch_size as a whole number, got 'many'"),
        ({"workers": -1}, "expected workers of at least 0, got -1"),
        ({"workers": 65}, "expected workers of at most 64, got 65"),
        ({"augmentation": ["flip"]}, "expected augmentation.0 to be 'jitter', 'scale', 'warp' or 'mixup', got 'flip'"),
        ({"label_smoothing": 1.0}, "expected label_smoothing below 1.0, got 1.0"),
        ({"device": "abacus"}, "expected device to be 'auto', 'cpu' or 'gpu', got 'abacus'"),
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        TrainingSettings.checked(**setting)
    assert str(error.value) == message
