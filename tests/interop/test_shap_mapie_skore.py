"""Tools around scikit-learn accept the estimator: shap, mapie and skore; ``make peers`` installs them."""

import numpy as np
import pytest

import limelight as ll

WAVES = ll.generate_sine(ll.SineSettings(dataset_size=200, num_points=40))
X, Y = WAVES.values.reshape(200, 40), WAVES.labels
MODEL = ll.TimeSeriesClassifier(ll.Rocket(features=840), random_state=0).fit(X[:100], Y[:100])

pytestmark = pytest.mark.filterwarnings("default")


def test_shap_values_of_the_steps_sum_to_the_probability() -> None:
    shap = pytest.importorskip("shap")
    explain = shap.PermutationExplainer(lambda series: MODEL.predict_proba(series)[:, 1], X[:5])
    explanation = explain(X[100:101], max_evals=81)
    total = explanation.values.sum(axis=1) + explanation.base_values
    np.testing.assert_allclose(total, MODEL.predict_proba(X[100:101])[:, 1], atol=1e-6)


def test_mapie_makes_prediction_sets_of_the_stated_coverage() -> None:
    classification = pytest.importorskip("mapie.classification")
    conformal = classification.SplitConformalClassifier(MODEL, confidence_level=0.9, prefit=True)
    conformal.conformalize(X[100:150], Y[100:150])
    predicted, sets = conformal.predict_set(X[150:])
    np.testing.assert_array_equal(predicted, MODEL.predict(X[150:]))
    assert sets[np.arange(50), np.searchsorted(MODEL.classes_, Y[150:]), 0].mean() >= 0.8


def test_skore_reports_the_accuracy_of_the_estimator() -> None:
    skore = pytest.importorskip("skore")
    report = skore.EstimatorReport(MODEL, X_test=X[100:], y_test=Y[100:])
    assert report.metrics.accuracy() == pytest.approx(MODEL.score(X[100:], Y[100:]))
