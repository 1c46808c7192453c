"""The checks of aeon for its adapter; ``make peers`` installs aeon."""

import pytest

pytest.importorskip("aeon")

import numpy as np
from aeon.testing.data_generation import make_example_3d_numpy_list
from aeon.testing.estimator_checking import parametrize_with_checks

from limelight import TimeSeriesClassifier
from limelight.interop.aeon import AeonClassifier

pytestmark = pytest.mark.filterwarnings("default")


@parametrize_with_checks([AeonClassifier], use_first_parameter_set=True)
def test_aeons_contract(check: object) -> None:
    check()  # type: ignore[operator]


def test_predictions_are_those_of_the_classifier_itself() -> None:
    X, y = make_example_3d_numpy_list(n_cases=20, n_channels=2, random_state=0)
    ours = TimeSeriesClassifier("rocket", layout="nct", random_state=0).fit(X, y)
    np.testing.assert_array_equal(
        AeonClassifier("rocket", random_state=0).fit(X, y).predict_proba(X), ours.predict_proba(X)
    )
