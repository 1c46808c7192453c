"""Evidence of networks with conjunctive pooling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.methods.evidence import explain_evidence
from limelight.explanation.methods.registry import methods_of
from limelight.model.bundle import load_model, save_model
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel
from support.planted import bumps, shuffled

SMALL = {"name": "inception", "filters": 16, "depth": 1, "dropout": 0.0}


def bumped(n: int = 200, ragged: bool = True, seed: int = 0) -> tuple[Panel, list[np.ndarray]]:
    """Series with an upward bump or not, whose step masks are returned, and a metadata field."""
    series, inside = bumps(n, ragged=ragged, seed=seed)
    labels = np.array([one[:, 0].max() for one in inside])
    random = np.random.default_rng(seed)
    mode = np.where(random.random(n) < 0.8, labels, 1 - labels)
    return Panel.from_series(series, labels=labels, metadata=pa.table({"mode": [f"m{one}" for one in mode]})), inside


def fit_inception(panel: Panel, epochs: int = 3, **parameters: object) -> FittedModel:
    classifier = TimeSeriesClassifier(
        SMALL, pooling="conjunctive", max_epochs=epochs, random_state=0, progress=False, **parameters
    )
    return classifier.fit(panel).model_


@pytest.fixture(scope="module")
def learnt() -> FittedModel:
    return fit_inception(bumped()[0], epochs=10, fusion=[])


@pytest.mark.parametrize("fusion", [[], "late", "film", "repeat", "attention"])
def test_evidence_and_base_sum_to_the_logit(fusion: object) -> None:
    panel, _ = bumped(n=60)
    model = fit_inception(panel, fusion=fusion)
    model = replace(model, decision=Decision(temperature=np.array([2.5])))
    explanation = explain_evidence(model, panel, 1)
    sums = [steps.sum() for steps in explanation.importance] + explanation.base
    np.testing.assert_allclose(sums, explanation.prediction.logits[:, 0], rtol=0, atol=1e-5)
    assert [len(steps) for steps in explanation.importance] == panel.lengths.tolist()
    assert explanation.channels is None


def test_base_shows_what_late_metadata_add() -> None:
    panel, _ = bumped(n=120)
    explanation = explain_evidence(fit_inception(panel, epochs=10, fusion="late"), panel, 1)
    mode = np.array([one.as_py() for one in panel.metadata["mode"]])
    assert explanation.base[mode == "m1"].min() > explanation.base[mode == "m0"].max()


def test_evidence_lies_on_the_bump(learnt: FittedModel) -> None:
    panel, inside = bumped(seed=1)
    explanation = explain_evidence(learnt, panel, 1)
    found = [where[:, 0].astype(bool) for where in inside]
    gains = [
        steps[there].mean() - steps[~there].mean()
        for steps, there in zip(explanation.importance, found, strict=True)
        if there.any()
    ]
    assert np.mean(np.array(gains) > 0) >= 0.9


def test_inception_learns_bumps_and_nothing_from_shuffled_labels(learnt: FittedModel) -> None:
    panel, _ = bumped(seed=1)
    right = np.mean(learnt.predict(panel).labels == panel.labels)
    control = fit_inception(shuffled(bumped()[0]), epochs=10, fusion=[])
    assert right >= 0.9
    assert np.mean(control.predict(panel).labels == panel.labels) <= 0.7


def test_a_loaded_network_explains_as_the_saved_one(learnt: FittedModel, tmp_path: Path) -> None:
    panel, _ = bumped(n=20)
    again = explain_evidence(load_model(save_model(learnt, tmp_path / "model")), panel)
    expected = explain_evidence(learnt, panel)
    np.testing.assert_array_equal(again.base, expected.base)
    np.testing.assert_array_equal(np.concatenate(again.importance), np.concatenate(expected.importance))


def test_evidence_is_the_first_method(learnt: FittedModel) -> None:
    assert methods_of(learnt)[:2] == ["evidence", "attention"]
    assert "occlusion" in methods_of(learnt)
