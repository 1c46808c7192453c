"""Novelty: series unlike training are far, series like them are not, and the score is saved with the model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from limelight.data.panel import Panel
from limelight.estimator import TimeSeriesClassifier
from limelight.model.bundle import load_model, save_model
from limelight.model.novelty import NoveltyScore, fit_novelty
from support.models import random_network_model


def waves(n, seed, level=0.0, noise=0.3):
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 6, size=(n, 1))
    return (
        np.sin(np.arange(40) / 3 * (1 + np.arange(n)[:, None] % 2) + phase)
        + noise * random.normal(size=(n, 40))
        + level
    )


@pytest.fixture(scope="module")
def model():
    encoder = {"name": "rocket", "features": 504}
    return TimeSeriesClassifier(encoder, random_state=0).fit(waves(120, 0), ["a", "b"] * 60).model_


def novelty_of(model, values):
    return model.predict(Panel.from_series(values)).novelty


def test_about_a_twentieth_of_series_like_training_is_above_one(model):
    assert 0.01 < (novelty_of(model, waves(400, 1)) > 1).mean() < 0.15


@pytest.mark.parametrize("other", [np.zeros((20, 40)), waves(20, 2, noise=3.0), waves(20, 2, level=4.0)])
def test_series_unlike_training_exceed_every_training_score(model, other):
    assert (novelty_of(model, other) > model.novelty.furthest).all()


def test_the_score_does_not_depend_on_the_batch(model):
    values = waves(30, 3)
    alone = np.concatenate([novelty_of(model, values[[row]]) for row in range(30)])
    np.testing.assert_allclose(novelty_of(model, values), alone, rtol=1e-5)


def test_a_saved_model_keeps_its_score(model, tmp_path):
    again = load_model(save_model(model, tmp_path / "model"))
    np.testing.assert_allclose(novelty_of(again, waves(9, 4)), novelty_of(model, waves(9, 4)), rtol=1e-5)
    assert again.novelty.furthest == pytest.approx(model.novelty.furthest)


def test_a_model_without_a_score_predicts_without_it(model, tmp_path):
    earlier = load_model(save_model(replace(model, novelty=None), tmp_path / "model"))
    assert novelty_of(earlier, waves(3, 4)) is None


def test_damaged_tensors_of_the_score_are_refused(model):
    for name, wrong in (
        ("scale", torch.full((504,), np.nan)),
        ("reference", torch.zeros(1, 32)),
        ("unit", torch.zeros(2)),
    ):
        tensors = {**model.novelty.to_tensors(), f"novelty_{name}": wrong}
        with pytest.raises(ValueError, match="novelty score"):
            NoveltyScore.from_tensors(tensors)


@pytest.mark.parametrize("by_step", [False, True])
def test_networks_of_every_kind_have_a_score(by_step):
    kind = {"pooling": "none", "level": "step"} if by_step else {}
    network = random_network_model("gru", channels=1, **kind)
    panel = Panel.from_series(waves(20, 0))
    score = fit_novelty(network, panel, panel[:5])
    assert replace(network, novelty=score).predict(panel).novelty.shape == (20,)


def test_two_series_are_too_few_for_a_score():
    assert fit_novelty(random_network_model("gru", channels=1), Panel.from_series(waves(2, 0))) is None


def test_stored_features_give_the_score_of_recomputed_features(model):
    panel = Panel.from_series(waves(120, 0), labels=["a", "b"] * 60)
    own, computed = model.novelty.to_tensors(), fit_novelty(model, panel).to_tensors()
    assert all(own[name].equal(tensor) for name, tensor in computed.items())
