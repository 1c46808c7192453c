"""Products of features and metadata, by which a closed-form head learns interactions."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.estimator import TimeSeriesClassifier
from limelight.model.bundle import load_model, save_model
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.training.fit import fit
from limelight.training.products import choose_products
from limelight.training.result import FitResult

BUMPS = generate_bumps(BumpSettings(dataset_size=400, num_points=40, width=6), 0)[0]
TRAIN, TEST = BUMPS[:300], BUMPS[300:]
ENCODERS = {"rocket": {"name": "rocket", "features": 840}, "blocks": {"name": "blocks", "features": 840, "groups": 4}}


def fit_small(panel: Panel, encoder: str = "rocket", products: object = "auto", **parameters: object) -> FitResult:
    architecture = Architecture.of(ENCODERS[encoder], context={"name": "one_hot", "products": products})
    return fit(panel, task_of(panel), architecture, **parameters)  # type: ignore[arg-type]


def accuracy(training: FitResult, panel: Panel = TEST) -> float:
    return float(np.mean(training.model.predict(panel).labels == panel.labels))


def with_modes(panel: Panel, modes: list[str]) -> Panel:
    return panel.replace(metadata=pa.table({"mode": modes}))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_products_learn_a_mode_that_inverts_the_label(encoder: str) -> None:
    assert accuracy(fit_small(TRAIN, encoder)) >= 0.97


def test_without_products_an_exclusive_or_stays_at_chance() -> None:
    assert accuracy(fit_small(TRAIN, products=0)) <= 0.65


@pytest.mark.parametrize("seed", range(5))
def test_products_with_shuffled_modes_are_not_used(seed: int) -> None:
    waves = with_modes(TRAIN, np.random.default_rng(seed).choice(["early", "late"], len(TRAIN)).tolist())
    assert fit_small(waves).model.network.products is None


def test_products_learn_numbers_and_texts_that_invert_the_label() -> None:
    for mode_as in ("number", "text", "boolean"):
        settings = BumpSettings(dataset_size=400, num_points=40, width=6, mode_as=mode_as)  # type: ignore[arg-type]
        panel = generate_bumps(settings, 0)[0]
        assert accuracy(fit_small(panel[:300]), panel[300:]) >= 0.95


def test_many_series_are_streamed_with_products(monkeypatch: pytest.MonkeyPatch) -> None:
    from limelight.training import closed_form

    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 200)
    monkeypatch.setattr(closed_form, "SELECTION_SERIES", 150)
    assert accuracy(fit_small(TRAIN)) >= 0.95


def test_a_stated_number_of_components_is_kept() -> None:
    shuffled = with_modes(TRAIN, np.random.default_rng(0).choice(["early", "late"], len(TRAIN)).tolist())
    network = fit_small(shuffled, products=5).model.network
    assert network.architecture.context.products == 5
    assert network.products.directions.shape[1] == 5


def test_a_model_with_products_survives_saving(tmp_path: Path) -> None:
    model = TimeSeriesClassifier(ENCODERS["rocket"], random_state=0).fit(TRAIN).model_
    assert model.network.products is not None
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(TEST).logits, model.predict(TEST).logits)
    np.testing.assert_allclose(again.predict(TEST).novelty, model.predict(TEST).novelty, rtol=1e-5)


def test_neither_batch_nor_padding_changes_a_prediction() -> None:
    model = fit_small(TRAIN).model
    together = model.predict(TEST).logits
    np.testing.assert_array_equal(
        np.concatenate([model.predict(TEST[[row]]).logits for row in range(20)]), together[:20]
    )


def test_series_with_an_unknown_mode_are_predicted() -> None:
    model = fit_small(TRAIN).model
    unknown = model.predict(with_modes(TEST, ["third"] * len(TEST)))
    assert np.isfinite(unknown.logits).all()


def test_a_block_may_have_weight_only_in_products() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200, 40, generator=generator)
    series, mode = (torch.randint(0, 2, (200, 1), generator=generator).float() for _ in range(2))
    features = torch.cat([noise, series.expand(-1, 5)], dim=1)
    emphasis = torch.cat([torch.ones(40), torch.zeros(5), torch.ones(1)])
    chosen = choose_products(
        features,
        mode,
        emphasis,
        {"noise": slice(0, 40), "series": slice(40, 45)},
        2 * (series == mode).double() - 1,
        torch.ones(200, 1, dtype=torch.bool),
        components=4,
        one_of=True,
    )
    assert chosen is not None
    assert bool(chosen.directions[40:].any())
