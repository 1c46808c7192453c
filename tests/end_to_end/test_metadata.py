"""Metadata from files to predictions: a planted set whose label depends on series and metadata together."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from limelight.data.panel import Panel
from limelight.data.writing import write_table
from limelight.errors import ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.quality.localisation import score_localisation
from limelight.explanation.quality.permutation_importance import score_permuted
from limelight.loading import load
from support.commands import Commands
from support.models import fit_small_conv_lstm
from support.panels import LEARNABLE, bump_panel


@cache
def bump_parts(**changes: object) -> tuple[Panel, Panel]:
    train, test = bump_panel(800, **{**LEARNABLE, **changes}).split(test=0.25)
    return train, test


@cache
def model_with(*fusion: str) -> TimeSeriesClassifier:
    return fit_small_conv_lstm(bump_parts()[0], fusion=list(fusion))


@cache
def model_of_one_epoch() -> TimeSeriesClassifier:
    return fit_small_conv_lstm(bump_parts()[0], max_epochs=1)


@pytest.mark.slow
@pytest.mark.parametrize("fusion", [["late"], ["repeat"], ["film"], ["attention"], ["repeat", "late"]], ids="-".join)
def test_every_fusion_learns_an_interaction_of_series_and_metadata(fusion: list[str]) -> None:
    _, test = bump_parts()
    assert model_with(*fusion).score(test, test.labels) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("mode_as", ["number", "boolean", "text"])
def test_every_kind_of_field_is_learned(mode_as: str) -> None:
    train, test = bump_parts(mode_as=mode_as)
    assert fit_small_conv_lstm(train).score(test, test.labels) >= 0.95


def test_without_metadata_the_same_network_stays_at_chance() -> None:
    _, test = bump_parts()
    assert model_with().score(test, test.labels) <= 0.65


def test_permuted_metadata_or_series_score_at_chance() -> None:
    _, test = bump_parts()
    found = score_permuted(model_with("late").model_, test)
    assert found is not None
    assert found["score"] >= 0.95
    for name in ("metadata", "series", "mode"):
        assert found["score"] - found["drops"][name]["mean"] == pytest.approx(0.5, abs=0.1)


def test_a_saved_model_keeps_its_categories(tmp_path: Path) -> None:
    _, test = bump_parts()
    model = model_of_one_epoch()
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(test), model.predict_proba(test))


def test_unknown_categories_and_missing_metadata_are_accepted_and_noted() -> None:
    _, test = bump_parts()
    model = model_of_one_epoch().model_
    strange = test.replace(metadata=pa.table({"mode": ["sideways"] * len(test)}))
    assert model.notes_about(strange) == [
        "metadata 'mode' has 1 word not seen in training, in 200 series: 'sideways'; treated as unknown"
    ]
    without = test.replace(metadata=None)
    assert len(model.notes_about(without)) == 1
    np.testing.assert_allclose(model.predict(strange).logits, model.predict(without).logits)


def test_a_fusion_without_metadata_is_refused() -> None:
    train, _ = bump_parts()
    with pytest.raises(ParameterError) as error:
        TimeSeriesClassifier("conv_lstm", fusion="film").fit(train.replace(metadata=None))
    assert str(error.value) == (
        "expected metadata for a network with conv_lstm (64), attention, mlp; fusion: film, got series without; give metadata, or drop the fusion"
    )


def test_metadata_of_a_table_have_an_importance(limelight: Commands, tmp_path: Path) -> None:
    panel = bump_panel(120, num_points=30)
    write_table(panel, tmp_path / "bumps")
    limelight("train", "bumps", "-o", "run", "--set", "training.max_epochs=1", "--set", "model.encoder=conv_lstm")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics["metadata"]["drops"]) == {"metadata", "series", "mode"}
    page = (tmp_path / "run" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Permutation importance of metadata" in page
    model = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert model["sentence"]["fusion"] == ["late"]
    assert model["vocabulary"]["fields"][0]["words"] == ["early", "late"]
    limelight("predict", "run", "bumps/series.parquet", "-o", "predictions.parquet")
    assert parquet.read_table("predictions.parquet").num_rows == 120
    assert "metadata 'mode'" in limelight.errors


def test_a_leaking_field_is_reported(limelight: Commands, tmp_path: Path) -> None:
    panel = bump_panel(120, num_points=30)
    assert panel.labels is not None
    write_table(panel.replace(metadata=pa.table({"verdict": [f"v-{label}" for label in panel.labels]})), tmp_path / "b")
    limelight("train", "b", "-o", "run", "--set", "training.max_epochs=1", "--set", "model.encoder=conv_lstm")
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert "leaks the label" in page


def test_bumps_are_drawn_from_an_experiment_file(limelight: Commands, tmp_path: Path) -> None:
    settings = {"dataset_size": 120, "num_points": 30, "mode_as": "signal"}
    experiment = {"data": {"bumps": settings}, "model": {"encoder": "conv_lstm"}, "training": {"max_epochs": 1}}
    (tmp_path / "e.json").write_text(json.dumps(experiment))
    limelight("train", "e.json", "-o", "run")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["metadata"]["drops"].keys() == {
        "series",
        "signals",
    }
    limelight("generate", "e.json", "-o", "drawn", "--set", "data.bumps.mode_as=category")
    assert parquet.read_table("drawn/metadata.parquet").column_names == ["series_id", "mode"]


@pytest.mark.slow
def test_attention_moves_with_the_mode() -> None:
    _, test = bump_parts()
    model = model_with("attention").model_
    inside = score_localisation(model.predict(test, attention=True), test)
    swapped = ["late" if mode == "early" else "early" for mode in test.metadata["mode"].to_pylist()]
    other = test.replace(metadata=pa.table({"mode": swapped}))
    elsewhere = score_localisation(model.predict(other, attention=True), other)
    assert inside is not None
    assert elsewhere is not None
    # to either bump: the signs are opposite, so both bumps are equally informative
    low, high = sorted([inside["attention_inside"], elsewhere["attention_inside"]])
    assert high > 2 * low
    low, high = sorted([inside["peak_inside"], elsewhere["peak_inside"]])
    assert high > 2 * low
