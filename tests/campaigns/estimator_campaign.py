"""scikit-learn's ``check_estimator`` for every encoder, and which of its checks cannot hold."""

from __future__ import annotations

import warnings

from sklearn.utils.estimator_checks import check_estimator

import limelight
from campaigns.tally import Tally
from limelight.parts.encoders import ENCODERS

BATCHES = "a series that occurs twice is seen in other batches than one of weight 2"
REPEATED = "a series that occurs twice is predicted by its copy in leave-one-out"
ROUNDING = "float32 rounds by up to 2e-7, depending on the series beside, and the check allows 1e-7"
EQUIVALENCE = "check_sample_weight_equivalence_on_dense_data"


def cannot_hold(encoder: str) -> dict[str, str]:
    """Return the checks that cannot hold for an encoder, each with its reason."""
    if encoder == "auto" or ENCODERS[encoder].closed_form:
        return {EQUIVALENCE: REPEATED}
    rounded = {"check_methods_subset_invariance": ROUNDING} if encoder in ("lstm", "gru") else {}
    return {EQUIVALENCE: BATCHES, **rounded}


def run() -> Tally:
    """Run every check for every encoder; a check that is known not to hold counts as refused."""
    tally = Tally("checks of scikit-learn, for every encoder")
    for encoder in ENCODERS:
        training = (
            None if encoder == "auto" or ENCODERS[encoder].closed_form else {"max_epochs": 2, "learning_rate": 1e-2}
        )
        model = limelight.TimeSeriesClassifier(encoder, random_state=0, training=training)
        expected = cannot_hold(encoder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = check_estimator(model, expected_failed_checks=expected, on_fail=None, on_skip=None)
        for result in results:
            if result["status"] != "skipped":
                failed = f"{result['exception']!r:.300}" if result["status"] == "failed" else None
                what = f"{encoder}: {result['check_name']}"
                tally.record(what, failed, "refused" if result["status"] == "xfail" else "fine")
    return tally
