import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from limelight.evaluation.metrics.paired import MORE, TOO_FEW_FOLDS, WITHIN, WORSE, paired_gain

scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=12)


@given(scores)
@settings(deadline=None, max_examples=50)
def test_the_uncorrected_interval_is_scipys_paired_t_test(pairs):
    one, other = np.array(pairs).T
    if np.std(one - other) < 1e-6:  # scipy warns of such
        return
    gain, theirs = paired_gain(one, other, 0.0), ttest_rel(one, other).confidence_interval(0.95)
    np.testing.assert_allclose([gain.low, gain.high], [theirs.low, theirs.high])


def test_the_correction_adds_the_held_out_share():
    one, other = [0.9, 0.7, 0.8, 0.9, 0.8], [0.7, 0.7, 0.6, 0.8, 0.7]
    plain, corrected = paired_gain(one, other, 0.0), paired_gain(one, other, 1 / 4)
    assert corrected.mean == plain.mean
    assert (corrected.high - corrected.mean) / (plain.high - plain.mean) == pytest.approx(np.sqrt((1 / 5 + 1 / 4) * 5))


@pytest.mark.parametrize(
    ("one", "verdict"), [([0.9, 0.8, 0.9, 0.8], MORE), ([0.5, 0.4, 0.6, 0.5], WITHIN), ([0.2, 0.1, 0.2, 0.1], WORSE)]
)
def test_the_verdict_states_where_the_interval_lies(one, verdict):
    assert paired_gain(one, [0.5, 0.5, 0.5, 0.5], 1 / 3).verdict == verdict


def test_a_lower_loss_is_a_gain():
    gain = paired_gain([0.1, 0.2, 0.1], [0.9, 0.9, 0.8], 0.5, lower_is_better=True)
    assert (round(gain.mean, 3), gain.verdict) == (0.733, MORE)


def test_one_fold_has_no_interval():
    gain = paired_gain([0.9], [0.5], 0.5)
    assert (gain.deviation, gain.low, gain.high, gain.verdict) == (None, None, None, TOO_FEW_FOLDS)


def test_folds_of_only_one_model_are_not_compared():
    assert paired_gain([0.9, 0.8, 0.1], [0.5, 0.4], 0.5).mean == pytest.approx(0.4)


def test_equal_models_are_within_the_spread():
    assert paired_gain([0.5, 0.6], [0.5, 0.6], 0.5).verdict == WITHIN
