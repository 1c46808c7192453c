import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from limelight.training.logit_scale import fit_scale
from support.codes import targets_of_codes


def test_the_scale_matches_logistic_regression_on_the_score():
    random = np.random.default_rng(0)
    scores = torch.tensor(random.normal(size=(5_000, 1)))
    targets = torch.where(torch.tensor(random.random((5_000, 1))) < torch.sigmoid(2.5 * scores), 1.0, -1.0)
    reference = LogisticRegression(C=1e9, fit_intercept=False).fit(scores.numpy(), targets[:, 0].numpy())
    assert fit_scale(scores, targets).item() == pytest.approx(reference.coef_.item(), rel=0.01)


def test_classes_share_one_scale_which_is_recovered():
    random = torch.Generator().manual_seed(0)
    scores = torch.randn(5_000, 4, generator=random, dtype=torch.float64)
    codes = torch.multinomial(torch.softmax(3 * scores, dim=1), 1, generator=random)[:, 0]
    assert fit_scale(scores, targets_of_codes(codes, 4)).tolist() == pytest.approx([3.0] * 4, rel=0.05)


def test_each_label_has_a_scale_from_known_targets():
    scores, targets = (
        torch.tensor([[0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]),
        torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]]),
    )
    known = torch.tensor([[True, True], [True, True], [True, False]])
    both = fit_scale(scores, targets, known, one_of=False)
    assert both[1] == fit_scale(scores[:2, 1:], targets[:2, 1:], one_of=False)[0]
    assert both[0] > both[1]


def test_perfect_scores_have_a_finite_scale():
    targets = targets_of_codes(torch.tensor([0, 1, 2] * 10), 3)
    assert 0 < fit_scale(targets, targets)[0] < 10


def test_scores_no_better_than_chance_give_probabilities_near_the_half():
    targets = targets_of_codes(torch.tensor([0, 1] * 50), 2)
    scores = torch.tensor([[0.5], [0.5], [-0.5], [-0.5]]).repeat(25, 1)
    assert fit_scale(scores, targets).item() < 0.01
