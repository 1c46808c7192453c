"""What-if: predictions of the same series with other values of their metadata."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.errors import ParameterError
from limelight.explanation.what_if import what_if
from limelight.model.fitted import FittedModel
from limelight.model.other_metadata import OtherMetadata
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.training.fit import fit
from limelight.training.settings import TrainingSettings

BUMPS = generate_bumps(BumpSettings(dataset_size=300, num_points=40, width=6), 0)[0]
ROCKET = {"name": "rocket", "features": 840}


def with_age(panel: Panel) -> Panel:
    assert panel.metadata is not None
    ages = np.random.default_rng(0).uniform(20, 80, len(panel))
    return panel.replace(metadata=panel.metadata.append_column("age", pa.array(ages)))


@pytest.fixture(scope="module")
def model() -> FittedModel:
    panel = with_age(BUMPS)
    return fit(panel, task_of(panel), Architecture.of(ROCKET)).model


def test_a_decisive_field_changes_nearly_every_prediction(model: FittedModel) -> None:
    summary = what_if(model, with_age(BUMPS)).summary()
    assert summary["mode"]["turned"] > 0.9
    assert summary["age"]["turned"] < 0.2


def test_the_original_value_keeps_the_prediction(model: FittedModel) -> None:
    found = what_if(model, with_age(BUMPS), fields=["mode"])
    (mode,) = found.fields
    for value, prediction in zip(mode.values, mode.predictions, strict=True):
        same = np.array(mode.own) == value
        np.testing.assert_allclose(prediction.logits[same], found.prediction.logits[same], atol=1e-5)


def test_numbers_are_tried_at_quantiles_of_the_background(model: FittedModel) -> None:
    background = with_age(BUMPS)
    assert background.metadata is not None
    ages = np.sort(background.metadata["age"].to_numpy())
    (age,) = what_if(model, with_age(BUMPS)[:5], background, fields=["age"]).fields
    assert list(age.values) == [ages[round(share * 299)] for share in (0.05, 0.25, 0.5, 0.75, 0.95)]


def test_the_table_has_a_row_for_each_series_and_value(model: FittedModel) -> None:
    table = what_if(model, with_age(BUMPS)[:3], fields=["mode"]).table()
    assert table.column_names == [
        "series_id",
        "field",
        "own",
        "value",
        "prediction",
        "probability_down",
        "probability_up",
    ]
    assert table["value"].to_pylist() == ["early"] * 3 + ["late"] * 3
    assert table["series_id"].to_pylist() == BUMPS.ids[:3].tolist() * 2


@pytest.mark.parametrize("name", ["conv_lstm", "rocket"])
def test_other_metadata_predict_as_the_model_itself(name: str, model: FittedModel) -> None:
    panel = with_age(BUMPS)[:60]
    if name == "conv_lstm":
        settings = TrainingSettings(max_epochs=1)
        model = fit(panel, task_of(panel), Architecture.of(name), settings=settings, progress=False).model
    assert panel.metadata is not None
    other = panel.replace(metadata=panel.metadata.take(np.random.default_rng(1).permutation(60)))
    expected = model.predict(other)
    np.testing.assert_allclose(OtherMetadata(model, panel).predict(other).logits, expected.logits, atol=1e-6)


def test_an_unused_field_is_refused(model: FittedModel) -> None:
    with pytest.raises(ParameterError) as error:
        what_if(model, with_age(BUMPS)[:5], fields=["made"])
    assert str(error.value) == (
        "expected a metadata field that the model reads and the series have ('mode', 'age'), got 'made'; did you mean "
        "'mode'?"
    )


def test_a_model_without_metadata_is_refused() -> None:
    model = fit(BUMPS, task_of(BUMPS), Architecture.of(ROCKET, fusion=[])).model
    with pytest.raises(ParameterError) as error:
        what_if(model, BUMPS)
    assert str(error.value) == (
        "expected a model and series with metadata to vary, got none in common; train with metadata, and pass them"
    )
