"""Ranking of values by estimated effects: exact if masks determine them, and scored as by scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from limelight.data.panel import Panel
from limelight.explanation.quality.agreement import random_masks
from limelight.explanation.quality.ranking import (
    MEASURED_STRETCHES,
    PENALTY,
    estimate_effects,
    hidden_by_part,
    part_numbers,
    rank_by_effect,
)


@pytest.mark.parametrize("length", [1, 5, 16, 100])
def test_a_mask_of_everything_hides_every_part(length):
    panel = Panel.from_series(np.zeros((3, length, 2)))
    shares = hidden_by_part(panel, np.ones((3 * length, 2), dtype=bool))
    assert shares.shape == (3, MEASURED_STRETCHES, 2)
    assert set(np.flatnonzero(shares[0, :, 0])) == set(part_numbers(panel)[:length])
    assert set(np.unique(shares)) <= {0.0, 1.0}


def test_the_share_of_a_part_is_that_of_its_steps():
    panel = Panel.from_series([np.zeros(32), np.zeros(64)])
    mask = np.zeros((96, 1), dtype=bool)
    mask[[0, 32]] = True
    assert hidden_by_part(panel, mask)[:, 0, 0].tolist() == [0.5, 0.25]


def test_effects_are_those_of_scikit_learns_ridge():
    panel = Panel.from_series(np.zeros((40, 48, 2)))
    random = np.random.default_rng(0)
    hidden, drops = hidden_by_part(panel, random_masks(panel, random)), random.normal(size=40)
    centred = hidden.reshape(40, -1) - hidden.reshape(40, -1).mean(axis=0)
    ridge = Ridge(alpha=PENALTY * (centred**2).sum() / 40).fit(hidden.reshape(40, -1), drops)
    assert estimate_effects(hidden, drops) == pytest.approx(ridge.coef_.reshape(MEASURED_STRETCHES, 2))


def test_masks_that_hide_nothing_have_no_effect():
    assert not estimate_effects(np.zeros((8, MEASURED_STRETCHES, 3)), np.arange(8.0)).any()


def test_the_order_of_the_effects_ranks_best():
    effects = np.random.default_rng(0).normal(size=(30, 2))
    assert rank_by_effect(effects, effects)[0] == pytest.approx(1.0)
    assert rank_by_effect(-effects, effects)[0] < rank_by_effect(effects, effects)[1]


def test_equal_importance_ranks_as_chance():
    own, chance = rank_by_effect(np.ones(9), np.arange(9.0))
    assert own == pytest.approx(chance)


def test_ranking_needs_a_positive_effect():
    assert rank_by_effect(np.arange(4.0), np.zeros(4)) == (0.0, 0.0)
    assert rank_by_effect(np.ones(1), np.ones(1)) == (0.0, 0.0)
