"""Weights of blocks: the leave-one-out loss against refits by scikit-learn, and what the search finds."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import Ridge
from torch import Tensor

from limelight.training import block_weights
from limelight.training.block_weights import choose_emphasis, leave_one_out_losses
from limelight.training.ridge import fit_ridge


def drawn(n: int = 24, outputs: int = 3) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(0)
    codes = random.permutation(np.arange(n) % outputs)
    wanted = torch.from_numpy(np.where(codes[:, None] == np.arange(outputs), 1.0, -1.0))
    return torch.from_numpy(random.normal(size=(n, 5)) + codes[:, None]), wanted


def test_leave_one_out_equals_refits_without_each_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_weights, "PENALTIES", (0.5,))
    monkeypatch.setattr(block_weights, "SCALES", (2.0,))
    features, wanted = drawn()
    centred = features - features.mean(dim=0)
    scores = np.stack(
        [
            Ridge(alpha=0.5)
            .fit(np.delete(features.numpy(), row, 0), np.delete(wanted.numpy(), row, 0))
            .predict(features[row : row + 1].numpy())[0]
            for row in range(len(features))
        ]
    )
    codes, smoothing = wanted.argmax(dim=1), 3 / (len(features) + 3)  # one more series of each class, wrong
    expected = float(
        torch.nn.functional.cross_entropy(torch.from_numpy(2.0 * scores), codes, label_smoothing=smoothing)
    )
    found = float(leave_one_out_losses(centred @ centred.T, wanted, one_of=True).mean())
    assert found == pytest.approx(expected, abs=1e-9)


def test_labels_have_one_scale_each() -> None:
    scores, wanted = torch.tensor([[0.2, 3.0], [-0.1, -9.0], [0.3, -5.0]]).double(), drawn(3, 2)[1]
    expected = [
        minimize_scalar(
            lambda exponent, label=label: float(
                torch.nn.functional.binary_cross_entropy_with_logits(
                    np.exp(exponent) * scores[:, label], (wanted[:, label] > 0) * 0.6 + 0.2
                )
            ),
            bounds=(np.log(block_weights.SCALES[0]), np.log(block_weights.SCALES[-1])),
            method="bounded",
        ).fun
        for label in (0, 1)
    ]
    found = float(block_weights.lowest_log_losses(scores, wanted, one_of=False).mean())
    assert found == pytest.approx(float(np.mean(expected)), abs=0.01)


def test_a_small_block_is_found_beside_much_noise() -> None:
    weighted, plain = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        wanted = torch.from_numpy(random.choice([-1.0, 1.0], size=(240, 1)))
        features = torch.from_numpy(
            np.c_[random.normal(size=(240, 300)), random.normal(size=(240, 2)) + wanted.numpy()]
        )
        train, test = slice(0, 40), slice(40, 240)
        known = torch.ones(40, 1, dtype=torch.bool)
        spans = [slice(0, 300), slice(300, 302)]
        emphasis = choose_emphasis(features[train], spans, wanted[train], known, one_of=True)
        for accuracies, factors in ((weighted, emphasis), (plain, None)):
            ridge = fit_ridge(features[train].float(), wanted[train], emphasis=factors)
            accuracies.append(float((ridge(features[test].float()).sign() == wanted[test]).double().mean()))
    assert np.mean(weighted) > np.mean(plain) + 0.1
    assert min(weighted) > 0.75


def test_a_copy_of_the_first_block_is_not_added() -> None:
    signal, wanted = drawn()
    features = torch.cat([signal, signal.repeat(1, 4)], dim=1)
    known = torch.ones(len(features), 3, dtype=torch.bool)
    emphasis = choose_emphasis(features, [slice(0, 5), slice(5, 25)], wanted, known, one_of=True)
    assert emphasis is not None
    assert emphasis[5:].tolist() == [0.0] * 20


def test_weights_at_the_start_do_not_depend_on_widths() -> None:
    signal, wanted = drawn()
    features = torch.cat([signal, signal.repeat(1, 4)], dim=1)
    unknown, spans = torch.zeros(len(features), 3, dtype=torch.bool), [slice(0, 5), slice(5, 25)]
    emphasis = choose_emphasis(features, spans, wanted, unknown, one_of=True, start=[1.0, 1.0])
    assert emphasis is not None
    assert float(5 * emphasis[0] ** 2) == pytest.approx(float(20 * emphasis[-1] ** 2))


def test_a_single_block_needs_no_weight() -> None:
    features, wanted = drawn()
    assert choose_emphasis(features, [slice(0, 5)], wanted, torch.ones(24, 3, dtype=torch.bool), one_of=True) is None


def test_columns_of_a_text_count_by_their_variance() -> None:
    random = np.random.default_rng(0)
    wanted = torch.from_numpy(random.choice([-1.0, 1.0], size=(40, 1)))
    text = torch.cat([3 * wanted, torch.from_numpy(random.normal(size=(40, 1)))], dim=1)
    features = torch.cat([torch.from_numpy(random.normal(size=(40, 4))), text], dim=1)
    spans, known = [slice(0, 4), slice(4, 6)], torch.ones(40, 1, dtype=torch.bool)
    emphasis = choose_emphasis(features, spans, wanted, known, one_of=True, metadata=1, texts=1)
    assert emphasis is not None
    deviation = text.std(dim=0, correction=0)
    assert float(emphasis[4] / emphasis[5]) == pytest.approx(float(deviation[0] / deviation[1]), rel=1e-5)
    assert float(emphasis[4]) > 0


@pytest.mark.parametrize("metadata", [1, 0])
def test_metadata_need_a_smaller_gain_than_other_blocks(monkeypatch: pytest.MonkeyPatch, metadata: int) -> None:
    monkeypatch.setattr(block_weights, "STANDARD_ERRORS", 1_000.0)
    random = np.random.default_rng(0)
    wanted = torch.from_numpy(random.choice([-1.0, 1.0], size=(40, 1)))
    features = torch.cat([torch.from_numpy(random.normal(size=(40, 4))), wanted], dim=1)
    spans, known = [slice(0, 2), slice(2, 4), slice(4, 5)], torch.ones(40, 1, dtype=torch.bool)
    emphasis = choose_emphasis(features, spans, wanted, known, one_of=True, metadata=metadata)
    assert emphasis is not None
    assert bool(emphasis[4] > 0) is bool(metadata)
