"""Heads of many series: independent of the workers, and close to the head of all features at once."""

import joblib
import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight.data.panel import Panel
from limelight.data.store.open import open_store
from limelight.data.store.write import write_store
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.training import closed_form, streamed_head
from limelight.training.fit import fit
from limelight.training.ridge import fit_ridge_parts, fit_ridge_streamed
from limelight.training.ridge_parts import sum_part
from limelight.training.runtime import one_thread
from limelight.training.settings import TrainingSettings

ROCKET = Architecture.of({"name": "rocket", "features": 84}, fusion="late")
BLOCKS = Architecture.of({"name": "blocks", "features": 84, "groups": 4, "depth": 2})


def many(n: int = 2100, steps: int = 12) -> Panel:
    """Draw ragged noise whose mean determines the class, with a metadata field."""
    random = np.random.default_rng(0)
    lengths = random.integers(steps // 2, steps + 1, n)
    series = [random.normal(row % 3, 2.0, (length, 1)) for row, length in enumerate(lengths)]
    metadata = pa.table({"age": random.normal(size=n)})
    return Panel.from_series(series, labels=np.arange(n) % 3, metadata=metadata)


@pytest.fixture(autouse=True)
def _streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 500)
    monkeypatch.setattr(closed_form, "SELECTION_SERIES", 100)
    monkeypatch.setattr(streamed_head, "BATCHES_OF_A_PART", 1)


def head(panel: Panel, workers: int, architecture: Architecture = ROCKET, **settings: object) -> list[torch.Tensor]:
    chosen = TrainingSettings(workers=workers, **settings)  # type: ignore[arg-type]
    with one_thread():
        training = fit(panel, task_of(panel), architecture, settings=chosen)
    assert training.model.fitted_on["training"]["chosen_by"] == "held-out series"
    network = training.model.network
    assert training.out_of_sample is not None
    scores = torch.from_numpy(training.out_of_sample.logits)
    return [network.head.weight.detach(), network.head.bias.detach(), scores]


def assert_same(one: list[torch.Tensor], other: list[torch.Tensor]) -> None:
    for mine, its in zip(one, other, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_the_head_does_not_depend_on_the_processes() -> None:
    panel = many()
    alone = head(panel, 0)
    for workers in (4, 2, 1):  # fewer are left of those that run
        assert_same(head(panel, workers), alone)


@pytest.mark.parametrize("architecture", [ROCKET, BLOCKS], ids=["rocket", "blocks"])
def test_the_head_does_not_depend_on_the_threads(architecture: Architecture) -> None:
    panel = many()
    alone = head(panel, 0, architecture)
    with joblib.parallel_config("threading"):
        for workers in (2, 4):
            assert_same(head(panel, workers, architecture), alone)


def test_weighted_series_have_the_same_head_too() -> None:
    panel = many().replace(weights=np.linspace(0.5, 2.0, 2100))
    alone = head(panel, 0, imbalance="weights")
    with joblib.parallel_config("threading"):
        assert_same(head(panel, 2, imbalance="weights"), alone)


def test_workers_read_a_store_themselves(tmp_path) -> None:
    panel = many()
    stored = open_store(write_store(panel, tmp_path / "many.store"))
    assert_same(head(stored, 2), head(panel, 0))


def test_few_series_are_held_out_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_head, "MOST_HELD_OUT", 50)
    panel = many()
    with one_thread():
        found = fit(panel, task_of(panel), ROCKET).out_of_sample
    assert found is not None
    assert len(found.rows) == 2100 // 42


def test_the_number_of_parts_changes_rounding_alone() -> None:
    random = np.random.default_rng(0)
    features = torch.from_numpy(random.normal(5, 2, (400, 6))).float()
    targets = (features[:, :1] - 5).sign()
    whole = fit_ridge_streamed([(features, targets)])
    bounds = [slice(0, 130), slice(130, 200), slice(200, 400)]
    shift = features.mean(dim=0)
    sums = [sum_part([(features[x], targets[x])], every=10, first=x.start, shift=shift) for x in bounds]
    found = fit_ridge_parts(part for part in sums if part is not None)
    torch.testing.assert_close(found.weight, whole.weight, rtol=1e-5, atol=1e-6)
    assert found.rows.tolist() == whole.rows.tolist()
