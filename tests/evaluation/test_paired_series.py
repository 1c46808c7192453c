import numpy as np
import pytest
from scipy.stats import binomtest, norm

from limelight.evaluation.metrics.paired_series import paired_difference


def two_models(n, seed=0):
    """The second model is wrong twice as often; both have two classes."""
    random = np.random.default_rng(seed)
    codes = random.integers(2, size=n)
    scores = []
    for wrong in (0.1, 0.2):
        guesses = np.where(random.random(n) < wrong, 1 - codes, codes)
        scores.append(np.where(np.eye(2)[guesses] > 0, 0.9, 0.1))
    return codes, scores[0], scores[1], (scores[0].argmax(axis=1), scores[1].argmax(axis=1))


def test_the_interval_is_that_of_a_mean_of_differences():
    codes, *others = two_models(2000)
    found = paired_difference(codes, *others)
    gained = (others[2][0] == codes) * 1.0 - (others[2][1] == codes)
    half = norm.ppf(0.975) * gained.std() / np.sqrt(2000)
    mean, low, high = found.differences["accuracy"]
    assert mean == pytest.approx(gained.mean())
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.004)


def test_mcnemar_counts_series_predicted_by_only_one_model():
    codes, *others = two_models(300)
    found = paired_difference(codes, *others)
    right = [one == codes for one in others[2]]
    assert found.only_first == (right[0] & ~right[1]).sum()
    assert found.p == binomtest(found.only_first, found.only_first + found.only_other).pvalue


def test_equal_models_do_not_differ():
    codes, first, _, (guess, _) = two_models(50)
    found = paired_difference(codes, first, first, (guess, guess))
    assert set(found.differences.values()) == {(0.0, 0.0, 0.0)}
    assert found.p == 1


def test_a_missing_class_does_not_count():
    codes = np.array([0, 0, 2, 2])
    first, other = np.eye(3)[codes], np.eye(3)[[0, 1, 2, 2]]
    found = paired_difference(codes, first, other, (first.argmax(axis=1), other.argmax(axis=1)))
    assert found.differences["balanced_accuracy"][0] == 0.25
