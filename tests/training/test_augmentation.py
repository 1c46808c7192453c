"""Augmentation changes series but not their labels, padding or missing values."""

import math

import pytest
import torch

from limelight.nn.batch import Batch
from limelight.nn.normalisation import Standardisation
from limelight.task import Task
from limelight.training.augmentation import AUGMENTATIONS, augment, suitable_methods
from limelight.training.losses import Loss


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    values = torch.randn(6, 40, 2)
    mask = torch.arange(40) < torch.tensor([40, 35, 30, 1, 20, 40])[:, None]
    values[0, 7, 1] = torch.nan
    return Batch(values * mask[:, :, None], mask, targets=torch.arange(6))


def scaling() -> Standardisation:
    scaled = Standardisation(2)
    scaled.set_statistics(torch.tensor([5.0, 0.0]), torch.tensor([2.0, 1.0]))
    return scaled


@pytest.mark.parametrize("method", AUGMENTATIONS)
def test_padding_stays_zero_and_missing_values_stay_missing(method: str, batch: Batch) -> None:
    changed = augment(batch, [method], scaling()).batch
    assert (changed.values[~batch.mask] == 0).all()
    assert changed.values[0, :, 1].isnan().any()
    assert not changed.values[1:].isnan().any()
    assert changed.values.shape == batch.values.shape
    assert not torch.equal(changed.values[1:3], batch.values[1:3])


@pytest.mark.parametrize("method", AUGMENTATIONS)
def test_same_random_state_gives_the_same_series(method: str, batch: Batch) -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(augment(batch, [method], scaling()).batch.values.nan_to_num())
    assert torch.equal(*found)


def test_without_methods_nothing_changes(batch: Batch) -> None:
    changed = augment(batch, [], scaling())
    assert torch.equal(changed.batch.values.nan_to_num(), batch.values.nan_to_num())
    assert changed.other is None


def test_scale_keeps_the_training_mean(batch: Batch) -> None:
    level = torch.tensor([5.0, 0.0]).expand(6, 40, 2) * batch.mask[:, :, None]
    changed = augment(Batch(level, batch.mask), ["scale"], scaling()).batch
    torch.testing.assert_close(changed.values, level)


def test_warp_keeps_both_ends_and_the_range(batch: Batch) -> None:
    values = batch.values.nan_to_num()
    changed = augment(Batch(values, batch.mask), ["warp"], scaling()).batch.values
    torch.testing.assert_close(changed[:, 0], values[:, 0])
    for row, steps in enumerate(batch.mask.sum(dim=1).tolist()):
        torch.testing.assert_close(changed[row, steps - 1], values[row, steps - 1])
        assert changed[row, :steps].max() <= values[row, :steps].max()


def test_warp_moves_side_signals_with_the_values() -> None:
    steps = torch.arange(50.0)[None, :, None]
    mask = torch.ones(1, 50, dtype=torch.bool)
    torch.manual_seed(1)
    changed = augment(Batch(steps, mask, signals=steps.long()), ["warp"], Standardisation(1)).batch
    assert changed.signals is not None
    assert (changed.signals - changed.values).abs().max() <= 0.5 + 1e-5
    assert not torch.equal(changed.signals, steps.long())


def test_mixed_series_are_weighted_means_of_two(batch: Batch) -> None:
    values = batch.values.nan_to_num()
    mixed = augment(Batch(values, batch.mask, batch.targets), ["mixup"], scaling())
    assert mixed.other is not None
    assert 0.5 <= mixed.share <= 1
    partner = int(mixed.other[0])
    both = batch.mask[0] & batch.mask[partner]
    expected = mixed.share * values[0, both] + (1 - mixed.share) * values[partner, both]
    torch.testing.assert_close(mixed.batch.values[0, both], expected)
    torch.testing.assert_close(mixed.batch.values[0, ~both], values[0, ~both])
    assert mixed.batch.targets is batch.targets


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ({"by_step": True}, ("jitter", "scale")),
        ({"metadata": True}, ("jitter", "scale", "warp")),
        ({"clock": True}, ("jitter", "scale", "mixup")),
        ({}, ("jitter", "scale", "warp", "mixup")),
    ],
    ids=["labels per step", "metadata", "clock", "series alone"],
)
def test_unsuitable_methods_are_omitted(reads: dict[str, bool], expected: tuple[str, ...]) -> None:
    assert suitable_methods(AUGMENTATIONS, **{"by_step": False, "metadata": False, "clock": False, **reads}) == expected


def test_smoothed_loss_of_two_classes_is_that_of_soft_targets() -> None:
    loss = Loss(Task(("a", "b")), smoothing=0.1)(torch.tensor([[math.log(19.0)]]), torch.tensor([1]))
    assert loss.item() == pytest.approx(-0.95 * math.log(0.95) - 0.05 * math.log(0.05))


def test_smoothed_loss_of_three_classes_is_that_of_torch() -> None:
    logits, targets = torch.tensor([[1.0, 0.5, -2.0]]), torch.tensor([2])
    expected = torch.nn.CrossEntropyLoss(label_smoothing=0.3)(logits, targets)
    assert Loss(Task(("a", "b", "c")), smoothing=0.3)(logits, targets) == expected
