"""Resamples, scores and tests of the benchmark ``ucr_archive``."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

ROOT = Path(__file__).parents[2]
LABELS = np.array(["2", "10", "1", "2", "1", "10", "1", "2", "2", "10", "1", "1"])
AEON = {
    1: ([6, 4, 1, 8, 7], [11, 2, 10, 9, 5, 0, 3]),
    2: ([6, 11, 1, 8, 3], [4, 10, 2, 5, 9, 0, 7]),
}
"""Rows of ``stratified_resample_data_indices`` of aeon 1.6.0 for these labels, the first 5 of them for training."""


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def side() -> ModuleType:
    from benchmarks.sides import ucr_side

    return ucr_side


@pytest.fixture
def scores() -> ModuleType:
    from benchmarks import ucr_scores

    return ucr_scores


def run_of(accuracy: float, error: str = "") -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "log_loss": None,
        "processor_seconds": 1.0,
        "error": error,
    }


@pytest.mark.parametrize("seed", AEON)
def test_resamples_have_the_rows_of_aeon(side: ModuleType, seed: int) -> None:
    train, known, test, truth = side.resample(np.arange(12), LABELS, 5, seed)
    assert (train.tolist(), test.tolist()) == AEON[seed]
    assert (known == LABELS[train]).all()
    assert (truth == LABELS[test]).all()


def test_resample_0_is_the_official_split(side: ModuleType) -> None:
    train, _, test, _ = side.resample(np.arange(12), LABELS, 5, 0)
    assert train.tolist() == [0, 1, 2, 3, 4]
    assert test.tolist() == [5, 6, 7, 8, 9, 10, 11]


def test_log_loss_is_the_mean_surprise(side: ModuleType) -> None:
    probabilities = np.array([[0.5, 0.5], [0.2, 0.8]])
    loss = side.log_loss(probabilities, np.array(["a", "b"]), np.array(["a", "b"]))
    assert loss == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)


def test_votes_without_probabilities_have_no_log_loss(side: ModuleType) -> None:
    assert side.log_loss(np.eye(2), np.array(["a", "b"]), np.array(["a", "b"])) is None


def test_tests_of_pairs_are_corrected_by_holm(scores: ModuleType) -> None:
    random = np.random.default_rng(0)
    base = random.uniform(0.6, 0.8, size=30)
    columns = {"a": base, "b": base + random.normal(0.01, 0.02, size=30), "c": base + random.normal(0.1, 0.02, size=30)}
    pairs = scores.compare({name: {"accuracy": column.tolist()} for name, column in columns.items()})
    raw = sorted(wilcoxon((columns[pair["better"]] - columns[pair["worse"]]).round(6)).pvalue for pair in pairs)
    expected = np.maximum.accumulate([min(1.0, p * (3 - place)) for place, p in enumerate(raw)])
    assert sorted(pair["p"] for pair in pairs) == pytest.approx(expected.tolist())
    assert all(pair["wins"] + pair["ties"] + pair["losses"] == 30 for pair in pairs)


def test_equal_classifiers_are_not_significantly_different(scores: ModuleType) -> None:
    (pair,) = scores.compare({name: {"accuracy": [0.5, 0.75, 1.0]} for name in ("a", "b")})
    assert (pair["gain"], pair["ties"], pair["p"], pair["significant"]) == (0.0, 3, 1.0, False)


def test_means_skip_sets_that_a_classifier_did_not_finish(scores: ModuleType) -> None:
    runs = {
        "one": {"a": {"0": run_of(0.5), "1": run_of(0.7)}, "b": {"0": run_of(0.9), "1": run_of(0.9)}},
        "two": {"a": {"0": run_of(0.5), "1": run_of(0.5)}, "b": {"0": run_of(0.9), "1": run_of(0.0, "too slow")}},
    }
    names, means = scores.mean_scores(runs, ["a", "b"], ["0", "1"])
    assert names == ["one"]
    assert means["a"]["accuracy"] == [pytest.approx(0.6)]


def test_other_encoders_are_compared_with_blocks_on_their_own_sets(scores: ModuleType) -> None:
    runs = {
        name: {who: {"0": run_of(accuracy) | {"log_loss": 0.5}} for who, accuracy in own.items()}
        for name, own in {
            "one": {"limelight:blocks": 0.9, "limelight:hydra": 0.8, "aeon:QUANT": 0.7},
            "two": {"limelight:blocks": 0.5},
        }.items()
    }
    (row,) = scores.rows_of_others(runs)
    assert (row["classifier"], row["sets"]) == ("limelight:hydra", 1)
    assert (row["accuracy"], row["blocks_accuracy"]) == (0.8, 0.9)


def test_ties_share_the_mean_of_their_ranks() -> None:
    from benchmarks.critical_difference import mean_ranks

    assert mean_ranks({"a": [0.9, 0.8], "b": [0.9, 0.9], "c": [0.1, 0.1]}) == {"a": 1.75, "b": 1.25, "c": 3.0}


def test_critical_difference_is_the_one_of_demsar() -> None:
    from benchmarks.critical_difference import critical_difference

    scores = {name: [0.0] * 14 for name in "abcd"}
    assert critical_difference(scores) == pytest.approx(1.25, abs=0.005)  # his example: 4 classifiers, 14 sets


def test_cliques_are_maximal_groups() -> None:
    from benchmarks.critical_difference import cliques

    assert cliques([1.0, 1.5, 2.0, 3.5], 1.0) == [(0, 2)]
    assert cliques([1.0, 1.8, 2.6], 1.0) == [(0, 1), (1, 2)]
