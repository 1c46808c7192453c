import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.errors import ModelFolderError, ParameterError
from limelight.evaluation.early.early_model import EarlyModel
from limelight.evaluation.early.looks import Looks, early_margins, first_steps, look_at, steps_of_looks
from limelight.evaluation.early.measure import measure_early
from limelight.evaluation.early.rule import EarlyRule, choose_early_rule
from limelight.evaluation.metrics.exact_intervals import exact_interval
from limelight.model.targets import targets_of
from limelight.model_selection import early_fit
from limelight.model_selection.early_fit import fit_early, fit_looks
from limelight.recipe import Recipe
from limelight.streaming.early import EarlyStream
from limelight.task import Task
from limelight.training.validation_split import HoldOut
from support.errors import message_of

TWO = Task(("a", "b"))
STEPS = np.array([10, 20, 30])
BUMP = 60


def _draw(n, seed, informative=True):
    """Draw looks at series whose predictions become final at some look, with higher margins from then on."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 2, n)
    settled = random.integers(0, 6, n)
    decisions, margins = np.zeros((4, n), dtype=np.int64), np.ones((4, n))
    decisions[-1] = codes if informative else random.integers(0, 2, n)
    for look in range(3):
        known = settled <= look
        decisions[look] = np.where(known, decisions[-1], random.integers(0, 2, n))
        margins[look] = np.where(known, random.beta(5, 2, n), random.beta(2, 5, n))
    return Looks(TWO, STEPS, np.full(n, 40), margins, decisions), codes


def _differing(looks, rule):
    predictions = looks.answer(rule.margin)
    return looks.differing(predictions)[predictions.early].mean() if predictions.early.any() else 0.0


@pytest.fixture(scope="module")
def late():
    """Series of two classes: half of them differ from the beginning, half only in their last third."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 160)
    series = random.normal(size=(160, BUMP, 1))
    begins = np.where(random.random(160) < 0.5, 0, 40)
    for one, label, begin in zip(series, labels, begins, strict=True):
        one[begin : begin + 18] += 4.0 * (2 * label - 1)
    return Panel.from_series(list(series), labels=np.array(["down", "up"])[labels])


@pytest.fixture(scope="module")
def early(late):
    return fit_early(Recipe.of({"encoder": "rocket"}), late[:110], cost_of_delay=0.2, shares=(0.3, 0.6))


# The rule


@pytest.mark.parametrize("differ", [0.05, 0.2])
def test_the_bound_holds_in_most_draws(differ):
    broken = 0
    for seed in range(100):
        rule = choose_early_rule(*_draw(250, seed), differ=differ, confidence=0.9)
        broken += _differing(_draw(5_000, 10_000 + seed)[0], rule) > differ
    assert broken <= 15  # 10 expected at most; more than 15 has a chance of 4 % at exactly 10 %


def test_a_looser_bound_predicts_earlier():
    looks, codes = _draw(1000, 0)
    margins = [choose_early_rule(looks, codes, differ=differ).margin for differ in (0.02, 0.1, 0.3)]
    assert margins == sorted(margins, reverse=True)
    assert len(set(margins)) > 1


def test_a_higher_cost_of_delay_predicts_earlier():
    looks, codes = _draw(1000, 0)
    seen = [
        looks.answer(choose_early_rule(looks, codes, cost_of_delay=cost).margin).seen.mean()
        for cost in (0.01, 0.2, 2.0)
    ]
    assert seen[0] > seen[1] > seen[2]


def test_the_cost_is_the_lowest_of_all_margins():
    looks, codes = _draw(300, 0)
    rule = choose_early_rule(looks, codes, cost_of_delay=0.3)

    def cost(margin):
        predictions = looks.answer(margin)
        return (predictions.decisions != codes).mean() + 0.3 * predictions.seen.mean()

    assert cost(rule.margin) <= min(cost(margin) for margin in np.linspace(0, 1.01, 50)) + 0.01


@pytest.mark.parametrize("goal", [{"differ": 0.3}, {"cost_of_delay": 0.5}])
def test_predictions_at_chance_are_not_made_early(goal):
    looks, codes = _draw(100, 1, informative=False)
    rule = choose_early_rule(looks, codes, **goal)
    correct, usual = int((looks.decisions[-1] == codes).sum()), int(np.bincount(codes).max())
    assert rule.waits
    assert rule.notes == (
        f"waits, as there is nothing to gain: {correct} of 100 held-out series are answered correctly at their end, which "
        f"is not shown to be better than always the most frequent class ({usual})",
    )


def test_too_few_held_out_series_disable_early_predictions():
    rule = choose_early_rule(*_draw(50, 0), differ=0.05)
    assert rule.waits
    assert rule.notes == (
        "waits: 50 held-out series cannot show that at most 5 % of early answers differ, at least 59 are needed",
    )


@pytest.mark.parametrize(("goal", "got"), [({}, "neither"), ({"differ": 0.1, "cost_of_delay": 1.0}, "both")])
def test_one_goal_is_needed(goal, got):
    assert message_of(ParameterError, choose_early_rule, *_draw(50, 0), **goal) == (
        f"expected either differ or cost_of_delay, got {got}; state one, such as differ=0.05"
    )


def test_a_share_out_of_range_is_an_error():
    assert message_of(ParameterError, choose_early_rule, *_draw(50, 0), differ=1.5) == (
        "expected a number between 0 and 1 for differ, got 1.5; use for example 0.05"
    )


# Margins and looks


def test_the_margin_is_zero_at_the_threshold():
    probabilities = np.array([[0.7, 0.3], [0.0, 1.0], [1.0, 0.0]])
    assert early_margins(TWO, probabilities, np.array([0.3])).round(9).tolist() == [0.0, 1.0, 1.0]


def test_several_labels_are_as_certain_as_the_least_certain():
    task = Task(("rain", "fog"), multilabel=True)
    assert early_margins(task, np.array([[0.9, 0.6], [0.5, 1.0]])).round(9).tolist() == [0.2, 0.0]


def test_looks_of_short_series_coincide():
    assert steps_of_looks(np.array([4, 4, 4]), (0.1, 0.2, 0.5)).tolist() == [1, 2]


def test_a_series_that_ends_before_a_look_is_whole():
    looks = Looks(TWO, np.array([5]), np.array([5, 6]), np.ones((2, 2)), np.zeros((2, 2), dtype=int))
    assert looks.answer(0.5).early.tolist() == [False, True]


def test_first_steps_share_values_and_keep_labels():
    panel = generate_sine(SineSettings(dataset_size=5, num_points=20))
    cut = first_steps(panel, 8)
    assert cut.series(1).tolist() == panel.series(1)[:8].tolist()
    assert cut.labels.tolist() == panel.labels.tolist()
    assert np.shares_memory(cut.values, panel.values)


def test_the_interval_is_that_of_scipy():
    low, high = exact_interval(3, 20)
    assert (low, high) == pytest.approx((beta.ppf(0.025, 3, 18), beta.ppf(0.975, 4, 17)))


# Fit, measure, save, stream


def test_series_decided_at_the_beginning_are_predicted_there(early, late):
    found = early.measure(late[110:])
    assert found["accuracy"] > 0.9
    assert found["seen"] < 0.85
    assert 0.2 < found["early"] < 0.9


def test_random_labels_are_not_predicted_early(late):
    shuffled = late.with_labels(np.random.default_rng(1).permutation(late.labels))
    found = fit_early(Recipe.of({"encoder": "rocket"}), shuffled, cost_of_delay=0.2, shares=(0.3, 0.6), folds=2)
    assert found.rule.waits


def test_stated_validation_series_choose_the_rule(late):
    recipe = Recipe.of({"encoder": "rocket"})
    found = fit_early(recipe, late[:100], validation=late[100:], cost_of_delay=0.2, shares=(0.5,))
    assert [model.fitted_on["validation_series"] for model in found.models] == [60, 60]


def test_without_validation_series_every_series_is_out_of_fold(late):
    fitted = fit_looks(Recipe.of({"encoder": "rocket"}), late[:60], shares=(0.5,), folds=2)
    assert len(fitted.held_out) == len(fitted.codes) == 60
    inside = look_at(fitted.models, fitted.steps, late[:60])
    assert (inside.decisions[-1] == targets_of(fitted.models[-1].task, late[:60]).every()).all()
    assert (
        0.5 < (fitted.held_out.decisions[0] == fitted.codes).mean() < 0.95
    )  # half of the labels cannot be predicted yet


def test_folds_are_used_beside_validation_series_if_stated(late):
    fitted = fit_looks(Recipe.of({"encoder": "rocket"}), late[:40], validation=late[40:80], shares=(0.5,), folds=2)
    assert len(fitted.held_out) == 40
    assert fitted.models[0].fitted_on["validation_series"] == 40


def test_groups_stay_in_one_fold(late, monkeypatch):
    groups = np.arange(60) // 6
    panel = late[:60].replace(metadata=pa.table({"pump": groups.astype(str)}))
    seen, fit_all = [], early_fit._fit_each_look
    monkeypatch.setattr(early_fit, "_fit_each_look", lambda *given: seen.append(given[1]) or fit_all(*given))
    recipe = Recipe.of({"encoder": "rocket"}, hold_out=HoldOut(share=0, group="pump"))
    fit_looks(recipe, panel, shares=(0.5,), folds=2)
    one, other = (set(part.metadata["pump"].to_pylist()) for part in seen[1:])
    assert not one & other
    assert one | other == set(groups.astype(str))


def test_too_few_series_for_the_folds_are_an_error(late):
    few = late[np.flatnonzero(late.labels == "up")[:3].tolist() + np.flatnonzero(late.labels == "down")[:3].tolist()]
    assert message_of(ParameterError, fit_early, Recipe.of({"encoder": "rocket"}), few, differ=0.1) == (
        "expected a class with at least 5 series for 5 folds, got at most 3 of a class; use fewer folds, or more series"
    )


def test_measures_agree_with_a_plain_count(early, late):
    test = late[110:]
    found, predictions = early.measure(test), early.predict(test)
    codes = targets_of(early.whole.task, test).every()
    whole = early.whole.predict(test)
    decided = early.whole.task.decide(whole.probabilities, whole.thresholds)
    assert found["accuracy"] == np.mean(predictions.decisions == codes)
    assert found["accuracy_of_whole"] == np.mean(decided == codes)
    assert found["differ"] == np.mean(predictions.decisions[predictions.early] != decided[predictions.early])
    assert sum(one["answered"] for one in found["looks"]) == pytest.approx(1)
    assert found["curve"][0] == [1.0, found["accuracy_of_whole"]]


def test_unknown_labels_are_not_counted(early, late):
    test = late[110:]
    labels = test.labels.astype(object)
    labels[:20] = None
    assert early.measure(test.with_labels(labels))["accuracy"] == early.measure(test[20:])["accuracy"]


def test_a_saved_early_model_predicts_the_same(early, late, tmp_path):
    again = EarlyModel.load(early.save(tmp_path / "early"))
    assert again.predict(late[110:]).looks.tolist() == early.predict(late[110:]).looks.tolist()
    assert again.rule.to_json() == early.rule.to_json()


def test_a_folder_without_a_rule_is_an_error(tmp_path):
    assert message_of(ModelFolderError, EarlyModel.load, tmp_path) == (
        f"expected a folder with the file 'early.json', got {str(tmp_path)!r} without that file; run limelight early on "
        "the run first"
    )


def test_a_stream_predicts_once_and_as_the_panel(early, late):
    predictions = early.predict(late[110:130])
    labels = early.whole.task.decode(predictions.decisions)
    for row in range(20):
        stream, found = EarlyStream(early), []
        for values in late.series(110 + row):
            prediction = stream.step(values)
            found += [prediction] if prediction.step == stream.steps else []
        last = stream.finish()
        found += [] if last is None else [last]
        assert len(found) == 1
        assert (found[0].label, found[0].step) == (labels[row], round(predictions.seen[row] * BUMP))


def test_a_restored_stream_does_not_predict_again(early, late):
    row = 110 + int(np.flatnonzero(early.predict(late[110:]).early)[0])
    stream = EarlyStream(early)
    for values in late.series(row):
        prediction = stream.step(values)
    again = EarlyStream(early)
    again.restore(stream.state())
    assert again.step(late.series(row)[0]).step == prediction.step < again.steps
    assert again.finish() is None


def test_labels_per_step_are_an_error():
    model = type("Model", (), {"task": Task(("a", "b"), level="step")})()
    assert message_of(ParameterError, look_at, [model], np.array([3]), None) == (
        "expected labels of whole series to answer early, got labels per step, which are answered at every step"
    )


def test_the_rule_is_described_with_its_bound():
    held_out = {"n": 200, "early": 0.5, "differ": 0.01, "upper": 0.047, "seen": 0.6}
    assert EarlyRule(0.71, "differ", 0.05, 0.95, held_out).describe() == [
        "answers early from a margin of 0.71; at most 5 % of early answers differ from those for whole series, with a "
        "confidence of 0.95",
        "of 200 held-out series 50.0 % are answered early, after 60.0 % of the steps on average; 1.0 % of these answers "
        "differ (upper limit 4.7 %)",
    ]


def test_the_share_of_differing_predictions_needs_early_predictions():
    looks, codes = _draw(30, 0)
    found = measure_early(looks, EarlyRule(2.0, "cost", 0.1), codes)
    assert (found["differ"], found["interval"], found["seen"], found["harmonic_mean"]) == (None, None, 1.0, 0.0)
