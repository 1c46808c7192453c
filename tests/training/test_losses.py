"""Losses on known targets, compared with torch and scikit-learn, and weights of rare classes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.model.targets import targets_of
from limelight.parts.architecture import Architecture
from limelight.task import Task
from limelight.training.loaders import BatchesOfPanel, training_loader
from limelight.training.losses import FOCUS, Loss, loss_for, loss_of_shares, series_weights

TWO, THREE = Task(("a", "b")), Task(("a", "b", "c"))
LABELS = Task(("rain", "fog", "hail"), multilabel=True)
TASKS = {
    "two classes": (TWO, (7,)),
    "three classes": (THREE, (7,)),
    "several labels": (LABELS, (7, 3)),
    "steps, two classes": (Task(TWO.classes, level="step"), (4, 5)),
    "steps, three classes": (Task(THREE.classes, level="step"), (4, 5)),
    "steps, several labels": (Task(LABELS.classes, multilabel=True, level="step"), (4, 5, 3)),
}


def random_case(kind: str, unknown: float = 0.3, seed: int = 0) -> tuple[Task, torch.Tensor, torch.Tensor]:
    """A task, logits and targets of which a share is unknown."""
    task, shape = TASKS[kind]
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3 if task.kind == "multiclass" else 2, shape)
    codes[random.random(shape) < unknown] = -1
    places = shape[:-1] if task.multilabel else shape
    logits = torch.from_numpy(random.normal(size=(*places, task.outputs)))
    return task, logits.requires_grad_(), torch.from_numpy(codes)


def by_hand(task: Task, logits: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
    """Return the probability of each known target."""
    known = targets.numpy() >= 0
    codes = targets.numpy()[known]
    if task.kind == "multiclass":
        chances = logits.detach().softmax(dim=-1).numpy()[known]
        return chances[np.arange(len(codes)), codes]
    there = logits.detach().sigmoid().numpy().reshape(known.shape)[known]
    return np.where(codes == 1, there, 1 - there)


@pytest.mark.parametrize("kind", TASKS)
def test_the_loss_is_the_mean_over_known_targets(kind: str) -> None:
    task, logits, targets = random_case(kind)
    assert Loss(task)(logits, targets).item() == pytest.approx(-np.log(by_hand(task, logits, targets)).mean())


@pytest.mark.parametrize("imbalance", ["none", "weights", "focal"])
@pytest.mark.parametrize("kind", TASKS)
def test_unknown_targets_have_no_gradient(kind: str, imbalance: str) -> None:
    task, logits, targets = random_case(kind)
    loss_for(task, np.array([[0, 1, 1], [1, 0, 1]] if task.multilabel else [0, 0, 1]), imbalance)(
        logits, targets
    ).backward()
    unknown = targets == -1
    gradient = logits.grad if task.multilabel else logits.grad.abs().sum(dim=-1)
    assert (gradient[unknown] == 0).all()
    assert (gradient[~unknown] != 0).all()


@pytest.mark.parametrize("kind", TASKS)
def test_the_loss_without_known_targets_is_zero(kind: str) -> None:
    task, logits, targets = random_case(kind, unknown=1.0)
    loss = Loss(task)(logits, targets)
    loss.backward()
    assert (loss.item(), logits.grad.abs().sum().item()) == (0.0, 0.0)


@pytest.mark.parametrize("kind", TASKS)
def test_the_focal_loss_weighs_by_the_error_of_a_prediction(kind: str) -> None:
    task, logits, targets = random_case(kind)
    right = by_hand(task, logits, targets)
    expected = (-((1 - right) ** FOCUS) * np.log(right)).mean()
    assert loss_for(task, np.zeros(1, dtype=np.int64), "focal")(logits, targets).item() == pytest.approx(expected)


@pytest.mark.parametrize("imbalance", ["none", "weights"])
@pytest.mark.parametrize("task", [TWO, THREE, LABELS], ids=["two", "three", "labels"])
def test_the_loss_of_guessing_is_that_of_the_best_constant(task: Task, imbalance: str) -> None:
    codes = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 1], [0, 0, 1]])
    if not task.multilabel:
        codes = codes.sum(axis=1) if task is THREE else codes[:, 1]
        codes = np.minimum(codes, 2)
    loss = loss_for(task, codes, imbalance)

    def of_constant(logits: np.ndarray) -> float:
        return float(loss(torch.from_numpy(logits).expand(len(codes), -1), torch.from_numpy(codes)))

    best = minimize(of_constant, np.zeros(task.outputs), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert loss_of_shares(loss, codes, codes) == pytest.approx(best.fun, abs=1e-6)


def test_weights_of_classes_are_the_balanced_weights_of_scikit_learn() -> None:
    codes = np.array([0] * 6 + [1] * 3 + [2] + [-1] * 5)
    weights = loss_for(THREE, codes, "weights").weights
    np.testing.assert_allclose(weights, compute_class_weight("balanced", classes=np.arange(3), y=codes[:10]), rtol=1e-6)


def test_weighted_classes_give_the_weighted_log_loss() -> None:
    task, logits, targets = random_case("three classes", unknown=0.0)
    weights = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
    expected = log_loss(
        targets, logits.detach().softmax(dim=1), labels=[0, 1, 2], sample_weight=weights.numpy()[targets.numpy()]
    )
    assert Loss(task, weights)(logits, targets).item() == pytest.approx(expected)


def test_weights_balance_present_and_absent_labels() -> None:
    codes = np.array([[1, 0, 1], [0, 0, 1], [0, 1, -1], [0, 1, -1]])
    assert loss_for(LABELS, codes, "weights").weights.tolist() == pytest.approx([3.0, 1.0, 0.01])
    assert loss_for(TWO, codes[:, 0], "weights").weights.tolist() == [3.0]


@pytest.mark.parametrize("kind", ["two classes", "several labels", "steps, several labels"])
def test_weighted_labels_are_torchs_with_a_positive_weight(kind: str) -> None:
    task, logits, targets = random_case(kind)
    weights = torch.tensor([3.0, 1.0, 0.5][: task.outputs], dtype=torch.float64)
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        logits,
        targets.reshape(logits.shape).double().clip(min=0),
        pos_weight=weights,
        reduction="none",
    )
    expected = each[targets.reshape(logits.shape) >= 0].mean()
    assert Loss(task, weights)(logits, targets).item() == pytest.approx(expected.item())


def test_the_weight_of_a_rare_label_is_limited() -> None:
    assert loss_for(TWO, np.zeros(1000, dtype=int), "weights").weights.tolist() == [100.0]
    assert loss_for(THREE, np.repeat([0, 1], 500), "weights").weights.tolist() == pytest.approx([2 / 3, 2 / 3, 100.0])


# How often series are drawn


@given(st.lists(st.integers(-1, 2), min_size=3, max_size=40).filter(lambda codes: {0, 1, 2} <= set(codes)))
@settings(deadline=None, max_examples=50)
def test_every_class_is_drawn_as_often_as_any_other(codes: list[int]) -> None:
    weights = series_weights(THREE, np.array(codes), np.ones(len(codes)))
    shares = [weights[np.array(codes) == place].sum() for place in range(3)]
    assert weights.sum() == pytest.approx(1)
    assert shares == pytest.approx([shares[0]] * 3)


def test_a_series_is_drawn_by_its_rarest_label() -> None:
    codes = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [-1, -1, -1]])
    weights = series_weights(LABELS, codes, np.ones(6))
    assert (weights / weights.min()).tolist() == pytest.approx([3, 1, 1, 1, 1, 1])  # fog once, the others three times


def test_a_series_is_drawn_by_its_rarest_step() -> None:
    task = Task(("0", "1"), level="step")
    weights = series_weights(task, np.array([0, 0, 0, 1, 0, -1, 0]), np.array([2, 2, 1, 1, 1]))
    assert weights.tolist() == pytest.approx(np.array([1 / 4, 1, 1 / 4, 1 / 4, 1 / 4]) / 2)


@pytest.mark.parametrize("ragged", [False, True])
def test_balanced_batches_draw_rare_classes_more_often(ragged: bool) -> None:
    codes = np.repeat([0, 1], [90, 10])
    lengths = np.arange(100) % 3 + 1 if ragged else np.ones(100, dtype=int)
    panel = Panel.from_series([np.zeros((length, 1)) for length in lengths], labels=codes)
    architecture = Architecture.of("gru").resolve(1, missing=False, irregular=False)
    batches = BatchesOfPanel(panel, targets_of(Task((0, 1)), panel), architecture)
    shares = {}
    for name, weights in (("plain", None), ("balanced", series_weights(Task((0, 1)), codes, lengths))):
        loader = training_loader(batches, 10, 0, 100, weights=weights)
        shares[name] = torch.cat([batch.targets for batch in loader]).double().mean().item()
        again = torch.cat([batch.targets for batch in training_loader(batches, 10, 0, 100, weights=weights)])
        assert (again == torch.cat([batch.targets for batch in loader])).all()
    assert shares["plain"] == pytest.approx(0.1)
    assert shares["balanced"] == pytest.approx(0.5, abs=0.05)


def test_stated_weights_are_those_of_classes() -> None:
    codes = np.array([0, 1, 2, 2])
    assert loss_for(Task(("a", "b", "c")), codes, {"c": 5.0}).weights.tolist() == [1.0, 1.0, 5.0]
    assert loss_for(Task(("a", "b")), codes[:2], {"a": 2.0, "b": 5.0}).weights.tolist() == [2.5]


def test_a_weight_of_an_unknown_class_is_refused() -> None:
    with pytest.raises(ParameterError) as error:
        loss_for(Task(("fault", "ok")), np.array([0, 1]), {"falt": 2.0})
    assert str(error.value) == "expected a class in imbalance, got 'falt'; did you mean 'fault'?"
