"""Models that the version before the renaming saved still load and predict the same."""

from pathlib import Path

import numpy as np
import pytest

from limelight import load
from support.panels import bump_panel

SAVED = Path(__file__).parent / "saved_before"


@pytest.mark.parametrize("name", ["rocket", "network"])
def test_a_model_of_the_version_before_predicts_the_same(name: str) -> None:
    panel = bump_panel(120, num_points=24, width=6)
    with np.load(SAVED / "probabilities.npz") as arrays:
        expected = arrays[name]
    np.testing.assert_allclose(load(SAVED / name).predict_proba(panel[:20]), expected, rtol=0, atol=1e-6)


def test_texts_of_the_format_before_keep_word_shares() -> None:
    panel = bump_panel(120, num_points=24, width=6, mode_as="text")
    with np.load(SAVED / "probabilities.npz") as arrays:
        expected = arrays["notes"]
    np.testing.assert_allclose(load(SAVED / "notes").predict_proba(panel[:20]), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["rocket", "network"])
def test_a_decision_of_the_version_before_is_loaded(name: str) -> None:
    decision = load(SAVED / name).model_.decision
    assert decision.thresholds is not None
    assert {"temperature", "thresholds"} <= set(decision.provenance)
