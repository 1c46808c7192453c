"""Agreement with random masks: by class and sign, and the skill derived from it."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from limelight.data.panel import Panel
from limelight.explanation.explanation import Explanation
from limelight.explanation.quality.agreement import Agreement, _without_share, mask_agreement, random_masks
from limelight.explanation.quality.faithfulness import recommend
from limelight.explanation.quality.skill import Skill, measure_skill
from limelight.explanation.target import resolve_target
from support.linear import linear

MODEL = linear([[1.0]])


def rising(n=12, length=40):
    return Panel.from_series(np.random.default_rng(0).normal(size=(n, length)))


def measure(panel, importance, model=MODEL, target="b", source=None, **options):
    """Measure given importance as if a method had found it."""
    prediction = model.predict(panel)
    resolved = resolve_target(prediction, target)
    explanation = Explanation(panel, prediction, importance, "given", resolved.names)
    zeros = Panel.from_series([np.zeros((3, len(panel.channels)))]) if source is None else source
    return mask_agreement(model, resolved, {"given": explanation}, panel, zeros, **options)["given"]


def values_of(panel):
    return [panel.series(row)[:, 0].astype(float) for row in range(len(panel))]


def test_importance_that_explains_the_drop_agrees():
    assert measure(rising(), values_of(rising())).by_series.mean() > 0.4


def test_inverted_importance_disagrees():
    assert measure(rising(), [-one for one in values_of(rising())]).by_series.mean() < -0.4


def test_importance_at_random_is_near_zero():
    random = np.random.default_rng(1)
    found = measure(rising(40), [random.random(40) for _ in range(40)])
    assert abs(found.by_series.mean()) < 0.1


def test_constant_importance_is_zero():
    assert not measure(rising(), [np.full(40, 2.0)] * 12).by_series.any()


def test_each_sign_is_measured_separately():
    found = measure(rising(), values_of(rising()))
    assert found.supporting > 0.4
    assert found.opposing > 0.4
    assert measure(rising(), [np.abs(one) for one in values_of(rising())]).opposing is None


@pytest.mark.parametrize("sign", [1, -1])
def test_the_ndcg_of_faithful_importance_exceeds_chance(sign):
    ranking = measure(rising(), [sign * one for one in values_of(rising())]).ranking
    assert sign * (ranking[:, 0] - ranking[:, 1]).mean() > 0.08


@pytest.mark.parametrize("importance", ["constant", "random"])
def test_the_ndcg_of_meaningless_importance_is_chance(importance):
    random = np.random.default_rng(1)
    values = [np.ones(40) if importance == "constant" else random.random(40) for _ in range(60)]
    ranking = measure(rising(60), values).ranking
    assert ranking[:, 0].mean() == pytest.approx(ranking[:, 1].mean(), abs=0.02)


def test_the_same_seed_measures_the_same():
    first, second, other = (measure(rising(), values_of(rising()), seed=seed) for seed in (3, 3, 4))
    assert first.to_json() == second.to_json()
    assert first.to_json() != other.to_json()


def test_the_score_is_that_of_the_best_class():
    targets = np.array(["a", "a", "b", "b", "c"])
    ranking = np.array([[0.8, 0.4], [0.9, 0.5], [0.7, 0.1], [0.7, 0.1], [1.0, 0.1]])
    found = Agreement(np.array([0.1, 0.3, 0.5, 0.9, 1.0]), ranking, None, None, targets)
    assert found.by_class == {"a": pytest.approx(0.2), "b": pytest.approx(0.7)}
    assert found.to_json() == {
        "ndcg": pytest.approx(0.85),
        "ndcg_by_chance": pytest.approx(0.45),
        "ndcg_class": "a",
        "score": pytest.approx(0.7),
        "error": pytest.approx(0.2),
        "class": "b",
        "by_class": found.by_class,
        "supporting": None,
        "opposing": None,
    }


def test_a_correlation_without_the_share_is_partial():
    random = np.random.default_rng(0)
    shares, first, second = random.normal(size=(3, 1, 50))
    x, y = _without_share(first + shares, shares)[0], _without_share(second - 2 * shares, shares)[0]
    corner = np.linalg.inv(np.corrcoef([(first + shares)[0], (second - 2 * shares)[0], shares[0]]))
    assert pearsonr(x, y).statistic == pytest.approx(-corner[0, 1] / np.sqrt(corner[0, 0] * corner[1, 1]))


def test_masks_hide_a_part_of_every_series():
    panel = Panel.from_series([np.zeros((length, 3)) for length in (1, 7, 100)])
    mask = random_masks(panel, np.random.default_rng(0))
    assert mask.shape == (108, 3)
    assert [bool(mask[start : start + length].any()) for start, length in ((0, 1), (1, 7), (8, 100))] == [True] * 3


def test_a_model_at_chance_has_no_agreement():
    agreement = Agreement(np.array([0.6, 0.7, 0.8]), np.ones((3, 2)), None, None, np.array(["a"] * 3))
    found = recommend({"evidence": agreement}, Skill(0.52, False, 60))
    assert found["trusted"] == []
    assert found["verdict"] == (
        "The model is not shown to be better than guessing (balanced accuracy 0.52 on 60 series): trust no explanation."
    )


@pytest.mark.parametrize(("signs", "better"), [([1, -1], True), ([-1, 1], False)])
def test_skill_is_better_only_if_classes_are_predicted(signs, better):
    panel = Panel.from_series(np.repeat([[1.0], [-1.0]], 20, axis=0) * np.ones(5), labels=["b"] * 20 + ["a"] * 20)
    panel = panel.replace(values=panel.values * signs[0])
    found = measure_skill(MODEL, panel)
    assert (found.better, found.series) == (better, 40)
    assert found.balanced_accuracy == float(better)


def test_skill_needs_labels_of_two_classes():
    assert measure_skill(MODEL, rising()) is None
    assert measure_skill(MODEL, rising().replace(labels=np.array(["a"] * 12))) is None
