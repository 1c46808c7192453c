"""The checks of sktime for its adapter; ``make peers`` installs sktime."""

import pytest

pytest.importorskip("sktime")

import numpy as np
from sktime.datasets import load_japanese_vowels
from sktime.utils.estimator_checks import check_estimator

from limelight import TimeSeriesClassifier
from limelight.interop.sktime import SktimeClassifier

pytestmark = pytest.mark.filterwarnings("default")


def test_sktimes_contract() -> None:
    results = check_estimator(SktimeClassifier, raise_exceptions=False, verbose=False)
    assert {name: result for name, result in results.items() if result != "PASSED"} == {}
    assert len(results) > 200


def test_predictions_are_those_of_the_classifier_itself() -> None:
    X, y = load_japanese_vowels("train")
    X, y = X.iloc[::6], y[::6]
    ours = TimeSeriesClassifier("rocket", random_state=0).fit(X, y)
    np.testing.assert_array_equal(
        SktimeClassifier("rocket", random_state=0).fit(X, y).predict_proba(X), ours.predict_proba(X)
    )
