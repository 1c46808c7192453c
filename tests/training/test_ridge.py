import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge, RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from limelight.errors import LabelError, ParameterError
from limelight.training.ridge import ALPHAS, fit_ridge, fit_ridge_streamed
from support.codes import targets_of_codes


def _planted(n, width, classes, seed=0):
    random = np.random.default_rng(seed)
    codes = random.permutation(np.arange(n) % classes)
    features = random.normal(size=(n, width)) + 0.5 * random.normal(size=(classes, width))[codes]
    return torch.tensor(3 + 2 * features, dtype=torch.float32), torch.tensor(codes)


def _reference_sklearn(features, codes):
    scaler = StandardScaler().fit(features.double().numpy())
    return scaler, RidgeClassifierCV(ALPHAS, store_cv_results=True).fit(
        scaler.transform(features.double().numpy()), codes.numpy()
    )


@pytest.mark.parametrize(("n", "width"), [(40, 60), (40, 40), (60, 20)], ids=["few series", "as many", "many series"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_is_that_of_sklearn(n, width, classes):
    features, codes = _planted(n, width, classes)
    ridge = fit_ridge(features, targets_of_codes(codes, classes))
    scaler, reference = _reference_sklearn(features, codes)
    expected = reference.decision_function(scaler.transform(features.double().numpy())).reshape(n, -1)
    assert ridge.alpha.tolist() == pytest.approx([reference.alpha_] * len(ridge.alpha))
    np.testing.assert_allclose(
        ridge.weight * torch.tensor(scaler.scale_), np.atleast_2d(reference.coef_), rtol=2e-6, atol=1e-9
    )
    np.testing.assert_allclose(ridge(features).numpy(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("n", "width"), [(12, 30), (30, 5)])
def test_leave_one_out_scores_equal_those_of_refits(n, width):
    features, codes = _planted(n, width, 3)
    targets = targets_of_codes(codes, 3)
    ridge = fit_ridge(features, targets, alphas=[0.7])
    scaled = StandardScaler().fit_transform(features.double().numpy())
    for row in range(n):
        rest = np.arange(n) != row
        model = Ridge(alpha=0.7).fit(scaled[rest], targets.numpy()[rest])
        np.testing.assert_allclose(ridge.scores[row], model.predict(scaled[row : row + 1])[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("n", "width"), [(12, 30), (30, 5)], ids=["few series", "many series"])
@pytest.mark.parametrize("weighted", [False, True])
def test_left_out_groups_are_scored_as_by_refitting_without_them(n: int, width: int, weighted: bool) -> None:
    features, codes = _planted(n, width, 3)
    targets, groups = targets_of_codes(codes, 3), torch.arange(n) % 4
    weights = 0.5 + torch.rand(n, generator=torch.Generator().manual_seed(0)) if weighted else torch.ones(n)
    ridge = fit_ridge(features, targets, alphas=[0.7], weights=weights[:, None].expand(n, 3), groups=groups)
    share = (weights.double() / weights.double().mean()).numpy()
    scaler = StandardScaler().fit(features.double().numpy(), sample_weight=share)
    scaled = scaler.transform(features.double().numpy())
    for group in range(4):
        own = (groups == group).numpy()
        model = Ridge(alpha=0.7).fit(scaled[~own], targets.numpy()[~own], sample_weight=share[~own])
        assert ridge.without_groups is not None
        np.testing.assert_allclose(ridge.without_groups[own], model.predict(scaled[own]), rtol=1e-5, atol=1e-7)


def test_groups_of_one_series_are_left_out_like_series() -> None:
    features, codes = _planted(20, 30, 2)
    targets = targets_of_codes(codes, 2)
    ridge = fit_ridge(features, targets, groups=torch.arange(20))
    assert ridge.without_groups is not None
    np.testing.assert_allclose(ridge.without_groups, ridge.scores, rtol=1e-8)


def test_a_single_group_cannot_be_left_out() -> None:
    features, codes = _planted(8, 3, 2)
    with pytest.raises(
        LabelError,
        match=r"^expected labelled series of at least 2 groups, got 1; give more groups, or do not group$",
    ):
        fit_ridge(features, targets_of_codes(codes, 2), groups=torch.zeros(8, dtype=torch.int64))


@given(
    n=st.integers(4, 20), width=st.integers(1, 25), copies=st.integers(1, 2), alpha=st.sampled_from([1e-3, 1.0, 1e3])
)
@settings(deadline=None, max_examples=50)
def test_primal_and_dual_solutions_agree(n, width, copies, alpha):
    features, codes = _planted(n, width, 2)
    features = features.repeat(1, copies)
    padding = torch.zeros(n, n)
    targets = targets_of_codes(codes, 2)
    ridge = fit_ridge(features, targets, alphas=[alpha])
    wide = fit_ridge(torch.cat([features, padding], dim=1), targets, alphas=[alpha])
    torch.testing.assert_close(wide.scores, ridge.scores, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(wide.weight[:, : width * copies], ridge.weight, rtol=1e-4, atol=1e-6)


def test_a_feature_that_never_changes_has_no_weight():
    features, codes = _planted(20, 5, 2)
    features[:, 2] = 7.0
    assert fit_ridge(features, targets_of_codes(codes, 2)).weight[0, 2].abs() < 1e-12


def test_a_feature_of_denormal_numbers_counts_as_constant():
    features, codes = _planted(20, 5, 2)
    features[:, 2] *= 1e-40
    weight = fit_ridge(features, targets_of_codes(codes, 2)).weight
    assert torch.isfinite(weight).all()
    assert weight[0, 2].abs() < 1e-12


def test_labels_with_missing_targets_are_fitted_on_their_own_rows():
    features, codes = _planted(30, 8, 2)
    targets = targets_of_codes(codes, 2).repeat(1, 2)
    known = torch.ones(30, 2, dtype=torch.bool)
    known[20:, 1] = False
    targets[20:, 1] = float("nan")
    both = fit_ridge(features, targets, known)
    first, second = fit_ridge(features, targets[:, :1]), fit_ridge(features[:20], targets[:20, 1:])
    torch.testing.assert_close(both.weight, torch.cat([first.weight, second.weight]))
    torch.testing.assert_close(both.scores[:, :1], first.scores)
    torch.testing.assert_close(both.scores[:20, 1:], second.scores)
    torch.testing.assert_close(both.scores[20:, 1:], second(features[20:]).double())


def test_batches_give_the_head_of_all_rows():
    features, codes = _planted(300, 20, 3)
    targets = targets_of_codes(codes, 3)
    batches = [(features[start : start + 70], targets[start : start + 70]) for start in range(0, 300, 70)]
    streamed = fit_ridge_streamed(batches, alphas=[1e-9, 1.0, 10.0])
    whole = fit_ridge(features, targets, alphas=[streamed.alpha[0].item()])
    assert len(streamed.weight) == 3
    torch.testing.assert_close(streamed.weight, whole.weight, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(streamed(features), whole(features), rtol=0, atol=1e-4)


def test_held_out_rows_are_scored_without_being_fitted():
    features, codes = _planted(100, 10, 2)
    targets = targets_of_codes(codes, 2)
    streamed = fit_ridge_streamed([(features[:33], targets[:33]), (features[33:], targets[33:])], alphas=[2.0], every=4)
    assert streamed.rows.tolist() == list(range(3, 100, 4))
    rest = torch.arange(100) % 4 != 3
    others = fit_ridge(features[rest], targets[rest], alphas=[2.0])
    torch.testing.assert_close(streamed.scores, others(features[streamed.rows]).double(), rtol=0, atol=1e-5)


def test_features_far_from_zero_are_streamed_accurately():
    features, codes = _planted(400, 6, 2)
    targets = targets_of_codes(codes, 2)
    near, far = (fit_ridge_streamed([(features + shift, targets)], alphas=[1.0]) for shift in (0, 1_000))
    torch.testing.assert_close(far.weight, near.weight, rtol=1e-3, atol=1e-5)


def test_one_known_target_is_too_few():
    with pytest.raises(LabelError) as error:
        fit_ridge(torch.zeros(3, 2), torch.ones(3, 2), torch.tensor([[True, True], [True, False], [True, False]]))
    assert str(error.value) == (
        "expected at least 2 series with a known target for every output, got 1 for output 1; give more labelled series"
    )


@pytest.mark.parametrize(("n", "width"), [(14, 20), (30, 4)])
def test_weights_are_those_of_sklearn_and_of_refits(n: int, width: int) -> None:
    features, codes = _planted(n, width, 2)
    targets = targets_of_codes(codes, 2)
    weights = torch.from_numpy(np.random.default_rng(0).uniform(0.3, 3.0, n))
    ridge = fit_ridge(features, targets, alphas=[2.0], weights=weights[:, None].expand_as(targets))
    relative = (weights / weights.mean()).numpy()
    mean = np.average(features.numpy(), axis=0, weights=relative)
    scaled = (features.numpy() - mean) / np.sqrt(np.average((features.numpy() - mean) ** 2, axis=0, weights=relative))
    whole = Ridge(alpha=2.0).fit(scaled, targets.numpy(), sample_weight=relative)
    assert np.allclose(ridge(features).numpy(), whole.predict(scaled).reshape(n, -1), atol=1e-4)
    for row in range(0, n, 5):
        rest = np.delete(np.arange(n), row)
        without = Ridge(alpha=2.0).fit(scaled[rest], targets.numpy()[rest], sample_weight=relative[rest])
        assert np.allclose(ridge.scores[row].numpy(), without.predict(scaled[[row]])[0], atol=1e-6)


def test_weighted_batches_give_the_head_of_all_rows():
    features, codes = _planted(60, 5, 2)
    targets = targets_of_codes(codes, 2)

    def weigh(targets):
        return torch.where(targets[:, 0] > 0, 3.0, 1.0).double()

    parts = [(features[start : start + 20], targets[start : start + 20]) for start in range(0, 60, 20)]
    streamed = fit_ridge_streamed([(*part, weigh(part[1])) for part in parts], alphas=[1.0])
    weights = weigh(targets) / weigh(targets).mean()
    whole = fit_ridge(
        features, targets, alphas=[1.0 / float(weigh(targets).mean())], weights=weights[:, None].expand_as(targets)
    )
    assert torch.allclose(streamed.weight, whole.weight, atol=1e-4)
    assert torch.allclose(streamed.bias, whole.bias, atol=1e-4)


def test_a_penalty_of_zero_is_refused():
    with pytest.raises(ParameterError) as error:
        fit_ridge(torch.zeros(3, 2), torch.ones(3, 1), alphas=[0.0, 1.0])
    assert str(error.value) == "expected penalties above 0, got [0.0, 1.0]; use for example [0.1, 1, 10]"


def test_a_stream_too_short_to_hold_rows_out_is_refused():
    with pytest.raises(LabelError) as error:
        fit_ridge_streamed([(torch.zeros(5, 2), torch.ones(5, 1))])
    assert str(error.value) == "expected more than 10 labelled series, got 5; give more, or use fit_ridge"
