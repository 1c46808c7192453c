"""Bootstrap intervals: wide for few series, resampled by series and not by steps, and equal to those of a plain bootstrap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import balanced_accuracy_score, f1_score

from limelight.errors import ParameterError
from limelight.evaluation.metrics.bootstrap import intervals
from limelight.evaluation.metrics.counts import HEADLINE, Tally, headline
from limelight.evaluation.metrics.exact_intervals import least_mean_share, wilson_interval
from limelight.evaluation.metrics.labelled_predictions import LabelledPredictions
from limelight.evaluation.metrics.scoring import score
from limelight.task import Task
from support.predictions import random_predictions

TASKS = [
    Task(("fault", "ok"), positive="fault"),
    Task(("a", "b", "c")),
    Task(("rain", "fog"), multilabel=True),
    Task(("rain",), multilabel=True),
]


@given(task=st.sampled_from(TASKS), n=st.integers(1, 40), seed=st.integers(0, 1000), by_step=st.booleans())
@settings(deadline=None, max_examples=50)
def test_headline_scores_from_counts_are_those_of_score(task, n, seed, by_step):
    truth, chances = random_predictions(task, n, seed, unknown=0.2)
    if not (truth >= 0).any():
        return
    lengths = np.bincount(np.random.default_rng(seed).integers(0, 6, n), minlength=6) if by_step else None
    tally = Tally.of(LabelledPredictions.of(task, truth, chances), lengths)
    scores, followed = score(task, truth, chances), headline(task, tally.total())
    for name in HEADLINE:
        expected = np.nan if scores[name] is None else scores[name]
        assert followed[name][0] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("task", TASKS[:2], ids=["binary", "multiclass"])
def test_intervals_are_those_of_scipy(task):
    truth, chances = random_predictions(task, 150)
    given_codes = chances.argmax(axis=1)
    found = intervals(task, truth, chances)
    average = {"average": "macro"} if len(task.classes) > 2 else {"pos_label": 0}
    metrics = {
        "accuracy": lambda true, predicted: np.mean(true == predicted),
        "balanced_accuracy": balanced_accuracy_score,
        "f1": lambda true, predicted: f1_score(true, predicted, **average),
    }
    for name, metric in metrics.items():
        reference = bootstrap(
            (truth, given_codes), metric, paired=True, vectorized=False, n_resamples=500, method="percentile", rng=1
        ).confidence_interval
        assert found[name] == pytest.approx(list(reference), abs=0.03)


def test_intervals_of_labels_are_those_of_a_plain_bootstrap():
    task = TASKS[2]
    truth, chances = random_predictions(task, 120, unknown=0.1)
    draw = np.random.default_rng(5)
    drawn = [score(task, truth[rows], chances[rows]) for rows in draw.integers(0, 120, (100, 120))]
    for name, ends in intervals(task, truth, chances).items():
        assert ends == pytest.approx(np.percentile([one[name] for one in drawn], [2.5, 97.5]), abs=0.04)


def test_steps_of_a_series_are_resampled_together():
    # 20 series of 50 equal steps are as informative as 20 series, not as 1000
    by_series, by_step = Task(("a", "b")), Task(("a", "b"), level="step")
    right = np.arange(20) < 15
    truth, chances = np.zeros(20, dtype=int), np.where(right, 0.9, 0.1)[:, None] * [1, -1] + [0, 1]
    few = intervals(by_series, truth, chances)["accuracy"]
    steps = intervals(by_step, np.repeat(truth, 50), np.repeat(chances, 50, axis=0), np.full(20, 50))["accuracy"]
    alone = intervals(by_series, np.repeat(truth, 50), np.repeat(chances, 50, axis=0))["accuracy"]
    assert steps == pytest.approx(few, abs=0.051)
    assert steps[1] - steps[0] > 5 * (alone[1] - alone[0])


def test_intervals_have_about_the_stated_coverage():
    task, random, covered = Task(("a", "b")), np.random.default_rng(0), 0
    for _ in range(300):
        right = random.random(100) < 0.8
        chances = np.where(right, 0.1, 0.9)[:, None] * [1, -1] + [0, 1]
        low, high = intervals(task, np.ones(100, dtype=int), chances)["accuracy"]
        covered += low <= 0.8 <= high
    assert 0.9 <= covered / 300 <= 0.98


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind} {len(task.classes)}")
def test_series_without_known_labels_change_no_interval(task):
    truth, chances = random_predictions(task, 50)
    more = np.concatenate([truth, np.full_like(truth, -1)])
    assert intervals(task, more, np.concatenate([chances, chances])) == intervals(task, truth, chances)


def test_one_series_has_no_interval():
    task = Task(("a", "b"), level="step")
    found = intervals(task, [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [3])
    assert found == {"accuracy": None, "balanced_accuracy": None, "f1": None}


def test_a_score_undefined_in_most_draws_has_no_interval():
    chances = [[0.1, 0.9]] * 8 + [[0.9, 0.1]]
    found = intervals(Task(("a", "b"), positive="a"), [1] * 8 + [-1], chances)
    assert found["f1"] is None


@pytest.mark.parametrize(("correct", "n"), [(40, 40), (0, 40), (39, 40), (3, 7), (1, 1)])
def test_the_interval_of_the_accuracy_is_that_of_scipy(correct, n):
    chances = [[0.9, 0.1]] * correct + [[0.1, 0.9]] * (n - correct)
    theirs = binomtest(correct, n).proportion_ci(method="wilson")
    assert intervals(Task(("a", "b")), [0] * n, chances)["accuracy"] == pytest.approx([theirs.low, theirs.high])


@pytest.mark.parametrize("n", [1, 5, 40, 1000])
def test_the_mean_of_one_perfect_share_has_the_exact_interval(n):
    assert least_mean_share(np.array([float(n)])) == pytest.approx(binomtest(n, n).proportion_ci(method="exact").low)


@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=4), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=50)
def test_no_mean_below_the_limit_is_compatible_with_the_data(counts, seed):
    n = np.array(counts, dtype=float)
    limit = least_mean_share(n)
    shares = np.random.default_rng(seed).random((4000, len(n))) ** (1 / (1 + n))
    allowed = (n * np.log(shares)).sum(axis=1) >= np.log(0.025)
    assert (shares[allowed].mean(axis=1) >= limit - 1e-9).all()
    assert 0 < limit < 1


def test_perfect_predictions_have_a_lower_limit_for_every_score():
    found = intervals(Task(("a", "b")), [0, 1] * 20, [[0.9, 0.1], [0.1, 0.9]] * 20)
    assert {name: round(ends[0], 3) for name, ends in found.items()} == {
        "accuracy": 0.912, "balanced_accuracy": 0.912, "f1": 0.832,
    }  # fmt: skip
    assert all(ends[1] == 1.0 for ends in found.values())


def test_a_rare_perfect_class_makes_the_balanced_accuracy_uncertain():
    found = intervals(Task(("a", "b")), [0] * 2 + [1] * 38, [[0.9, 0.1]] * 2 + [[0.1, 0.9]] * 38)
    assert found["balanced_accuracy"][0] < 0.6 < 0.9 < found["accuracy"][0]


def test_constant_predictions_have_an_interval_around_chance():
    low, high = intervals(Task(("a", "b")), [0] * 20 + [1] * 20, [[0.9, 0.1]] * 40)["balanced_accuracy"]
    assert low == pytest.approx(1 - high)
    assert low < 0.45 < 0.5 < high


def test_perfect_steps_count_as_many_as_their_series():
    by_step, chances = Task(("a", "b"), level="step"), np.tile([[0.9, 0.1], [0.1, 0.9]], (100, 1))
    found = intervals(by_step, [0, 1] * 100, chances, [20] * 10)
    assert found["accuracy"] == pytest.approx(wilson_interval(10, 10))
    assert found["f1"] == [pytest.approx(0.025**0.1), 1.0]


def test_perfect_labels_have_intervals():
    task, truth = Task(("rain", "fog"), multilabel=True), np.array([[0, 1], [1, 0]] * 10)
    found = intervals(task, truth, np.where(truth, 0.9, 0.1))
    assert found["accuracy"] == pytest.approx(wilson_interval(20, 20))
    assert 0.5 < found["balanced_accuracy"][0] < 1


def test_the_same_seed_gives_the_same_intervals():
    truth, chances = random_predictions(TASKS[2], 50)
    assert intervals(TASKS[2], truth, chances, seed=3) == intervals(TASKS[2], truth, chances, seed=3)


def test_steps_without_lengths_are_refused():
    with pytest.raises(ParameterError) as error:
        intervals(Task(("a", "b"), level="step"), [0, 1], [[0.5, 0.5]] * 2)
    assert str(error.value) == (
        "expected the lengths of the series of the 2 steps, got none; pass them, as the steps of a series are "
        "correlated and must stay together"
    )


def test_lengths_that_do_not_add_up_are_refused():
    with pytest.raises(ParameterError) as error:
        intervals(Task(("a", "b"), level="step"), [0, 1], [[0.5, 0.5]] * 2, [1, 2])
    assert str(error.value) == (
        "expected lengths that add up to the 2 predictions, got 2 with the sum 3; pass the number of steps of each series"
    )
