"""The estimator inside scikit-learn's own tools: one behaviour of each tool, on small data."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
from sklearn.model_selection import (
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import limelight as ll

RNG = np.random.default_rng(0)
y = np.arange(60) % 2
X = RNG.normal(size=(60, 20)) + y[:, None] * np.linspace(0, 1.5, 20)
LATE = X * (np.arange(20) >= 10)
"""Only the second half of the steps differs from zero."""


def quick(**parameters: object) -> ll.TimeSeriesClassifier:
    return ll.TimeSeriesClassifier(ll.Rocket(features=84), random_state=0, **parameters)


def test_calibrated_classifier_fits_and_predicts() -> None:
    model = CalibratedClassifierCV(quick(), cv=2).fit(X, y)
    assert model.predict_proba(X).shape == (60, 2)
    assert model.score(X, y) > 0.8


def test_tuned_threshold_raises_the_recall() -> None:
    tuned = TunedThresholdClassifierCV(quick(), scoring="recall", cv=2).fit(X, y)
    assert 0 <= tuned.best_threshold_ <= 1
    assert tuned.predict(X)[y == 1].mean() >= quick().fit(X, y).predict(X)[y == 1].mean()


def test_stacking_weights_a_good_model_more() -> None:
    stack = StackingClassifier([("good", quick()), ("dummy", DummyClassifier())], LogisticRegression(), cv=2).fit(X, y)
    good, dummy = np.abs(stack.final_estimator_.coef_[0])
    assert good > dummy


def test_soft_vote_is_the_mean_of_probabilities() -> None:
    members = [("one", quick()), ("two", ll.TimeSeriesClassifier(ll.Rocket(features=84), random_state=1))]
    vote = VotingClassifier(members, voting="soft").fit(X, y)
    single = [model.fit(X, y).predict_proba(X) for _, model in members]
    np.testing.assert_allclose(vote.predict_proba(X), np.mean(single, axis=0))


def test_permutation_importance_is_zero_for_steps_without_variation() -> None:
    model = quick().fit(LATE, y)
    importance = permutation_importance(model, LATE, y, n_repeats=2, random_state=0).importances_mean
    assert importance.shape == (20,)
    assert not importance[:10].any()


def test_learning_curve_counts_series() -> None:
    sizes, _, scores = learning_curve(quick(), X, y, cv=3, train_sizes=[0.4, 1.0])
    assert sizes.tolist() == [16, 40]
    assert scores.shape == (2, 3)
    assert scores[1].mean() > 0.7


def test_halving_search_sets_parameters_of_parts() -> None:
    grid = {"encoder__features": [84, 168], "head": ["linear"]}
    found = HalvingGridSearchCV(quick(), grid, cv=2, min_resources=24, factor=2, random_state=0).fit(X, y)
    assert found.best_params_["encoder__features"] in (84, 168)
    assert found.predict(X).shape == (60,)


def test_cross_validation_scores_probabilities() -> None:
    scores = cross_validate(quick(), X, y, cv=3, scoring=["neg_log_loss", "roc_auc"])
    assert scores["test_roc_auc"].mean() > 0.9
    assert cross_val_predict(quick(), X, y, cv=3, method="predict_proba").shape == (60, 2)


def test_displays_are_drawn_from_the_estimator() -> None:
    from matplotlib.figure import Figure

    model, axes = quick().fit(X, y), Figure().subplots(2)
    confusion = ConfusionMatrixDisplay.from_estimator(model, X, y, ax=axes[0]).confusion_matrix
    assert confusion.sum() == 60
    assert RocCurveDisplay.from_estimator(model, X, y, ax=axes[1]).roc_auc > 0.9


def test_names_of_columns_are_kept_and_required() -> None:
    frame = pd.DataFrame(X, columns=[f"t{step}" for step in range(20)])
    model = quick().fit(frame, y)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        model.predict(frame.rename(columns={"t0": "zero"}))


def test_names_are_removed_by_a_fit_without_names() -> None:
    model = quick().fit(pd.DataFrame(X, columns=[f"t{step}" for step in range(20)]), y)
    assert not hasattr(model.fit(X, y), "feature_names_in_")


def test_frames_of_a_pipeline_keep_their_columns() -> None:
    frame = pd.DataFrame(X, columns=[f"t{step}" for step in range(20)])
    pipeline = make_pipeline(StandardScaler(), quick()).set_output(transform="pandas").fit(frame, y)
    assert pipeline[-1].feature_names_in_.tolist() == list(frame.columns)


def test_weights_are_routed_to_fit_and_score() -> None:
    weights = np.where(y == 1, 2.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(model, X, y, cv=2, params={"sample_weight": weights})["test_score"]
        pipeline = make_pipeline(FunctionTransformer(), model).fit(X, y, sample_weight=weights)
    direct = quick().fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(pipeline.predict_proba(X), direct.predict_proba(X))
    assert routed.shape == (2,)


def test_weights_are_routed_only_on_request() -> None:
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(sklearn.exceptions.UnsetMetadataPassedError),
    ):
        cross_validate(quick(), X, y, cv=2, params={"sample_weight": np.ones(60)}, error_score="raise")


def test_diagram_shows_the_parameters() -> None:
    html = quick()._repr_html_()
    assert "TimeSeriesClassifier" in html
    assert "Rocket(features=84" in html


@pytest.mark.parametrize("convert", [list, ll.Panel.from_series], ids=["list", "Panel"])
def test_series_of_different_lengths_are_cross_validated(convert: object) -> None:
    ragged = convert([row[: 12 + number % 5] for number, row in enumerate(X)])  # type: ignore[operator]
    assert cross_validate(quick(), ragged, y, cv=2)["test_score"].mean() > 0.7


def test_stack_of_series_of_different_lengths_is_fitted() -> None:
    ragged = [row[: 12 + number % 5] for number, row in enumerate(X)]
    members = [("one", quick()), ("two", quick(head="linear"))]
    stack = StackingClassifier(members, LogisticRegression(), cv=2).fit(ragged, y)
    assert stack.predict(ragged).shape == (60,)


def test_table_of_other_width_is_refused_after_a_fit() -> None:
    with pytest.raises(
        ValueError, match="X has 19 features, but TimeSeriesClassifier is expecting 20 features as input"
    ):
        quick().fit(X, y).predict(X[:, :19])
