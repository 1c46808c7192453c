"""Prediction with an exported model, without torch."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pytest

from limelight.data.align import align
from limelight.data.panel import Panel
from limelight.errors import DataError, ModelFolderError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.methods.evidence import explain_evidence
from limelight.export.onnx_file import export_model
from limelight.model.batching import shape_of
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel
from limelight.model.vocabulary import fit_vocabulary
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.runtime import open_model
from limelight.task import Task
from support.errors import message_of
from support.exported import assert_same_predictions, exported
from support.linear import noise
from support.models import METADATA, described_model, random_network_model

LENGTHS = (9, 4, 1, 7, 12)


@pytest.mark.parametrize("context", ["embedding", "one_hot"])
@pytest.mark.parametrize("task", [{}, {"level": "step"}, {"multilabel": True}, {"multilabel": True, "level": "step"}])
def test_metadata_of_every_kind_are_read_as_by_predict(context: str, task: dict[str, object], tmp_path: Path) -> None:
    model = described_model(context, **task)
    panel = noise(*LENGTHS, width=2, metadata=METADATA)
    again = exported(model, tmp_path)
    assert_same_predictions(again, model, panel)
    assert again.notes_about(panel) == model.notes_about(panel)


def test_thresholds_and_temperature_are_kept(tmp_path: Path) -> None:
    model = random_network_model(classes=("x", "y", "z"), multilabel=True)
    model.decision = Decision(np.array([2.0, 0.5, 1.0]), np.array([0.1, 0.49, 0.9]))
    assert_same_predictions(exported(model, tmp_path), model, noise(*LENGTHS, width=2))


def test_dates_and_missing_values_are_read_as_by_predict(tmp_path: Path) -> None:
    architecture = Architecture.of({"name": "lstm", "hidden_size": 4}, "attention", missing="linear", clock="elapsed")
    model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 2, 1), ("x", "y"), {"clock": "dates"})
    panel = noise(*LENGTHS, width=2)
    panel.values[::3, 0] = np.nan
    seconds = np.random.default_rng(1).integers(1, 9, len(panel.values)).cumsum()
    panel = panel.replace(times=np.datetime64("2024-01-01", "ns") + seconds.astype("timedelta64[s]"))
    again = exported(model, tmp_path)
    assert_same_predictions(again, model, panel)
    numbers = panel.replace(times=seconds)
    assert message_of(DataError, again.predict, numbers) == message_of(DataError, model.predict, numbers)


def test_side_signals_are_read_as_by_predict(tmp_path: Path) -> None:
    panel = noise(9, 4, 7, width=2).replace(times=np.concatenate([np.arange(9), np.arange(4), np.arange(7)]))
    signal = pa.table(
        {"series_id": ["0", "0", "1", "2"], "time": [0, 5, 2, 0], "mode": ["idle", "run", "unheard", "idle"]}
    )
    panel = align(panel.replace(ids=["0", "1", "2"]), signal)
    vocabulary = fit_vocabulary(None, signals={"mode": ["idle", "run"]})
    architecture = Architecture.of({"name": "lstm", "hidden_size": 4}, "last")
    network = Network(architecture, 2, 1, shape_of(vocabulary))
    model = FittedModel(Task(("a", "b")), architecture, network, panel.channels, vocabulary=vocabulary)
    assert_same_predictions(exported(model, tmp_path), model, panel)


def test_values_on_a_large_level_lose_no_signal(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values, labels = 1e8 + random.normal(size=(40, 30, 1)), np.arange(40) % 2
    values[labels == 1, 10:20] += 3
    classifier = TimeSeriesClassifier(encoder="rocket", random_state=0).fit(values, labels)
    assert classifier.model_.offset.any()
    again = open_model(classifier.export(tmp_path / "model.onnx"))
    np.testing.assert_allclose(again.predict(values).probabilities, classifier.predict_proba(values), atol=1e-5)


def test_series_outside_the_training_data_are_found(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(40, 30, 1))
    classifier = TimeSeriesClassifier(encoder="rocket", random_state=0).fit(values, np.arange(40) % 2)
    again = open_model(classifier.export(tmp_path / "model.onnx"))
    strange = Panel.from_series(values[:3] * 1e4)
    assert again.check(strange).lines() == classifier.model_.check(strange).lines()


@pytest.mark.parametrize(("encoder", "pooling"), [("rocket", "ppv"), ("lstm", "attention"), ("gru", "conjunctive")])
def test_the_distance_to_the_training_series_is_kept(encoder: str, pooling: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(40, 30, 1)), np.arange(40) % 2
    settings = {"max_epochs": 1, "random_state": 0, "progress": False}
    classifier = TimeSeriesClassifier(encoder, pooling, **settings).fit(values, labels)
    again = open_model(classifier.export(tmp_path / "model.onnx"))
    strange = Panel.from_series([*random.normal(size=(5, 30, 1)), *(random.normal(size=(5, 30, 1)) * 50)])
    assert_same_predictions(again, classifier.model_, strange)
    assert again.predict(strange).novelty[5:].min() > again.predict(strange).novelty[:5].max()


def test_evidence_of_conjunctive_pooling_is_that_of_explain(tmp_path: Path) -> None:
    model = random_network_model("conv_lstm", "conjunctive", classes=("a", "b", "c"))
    model.decision = Decision(np.array([1.7]))
    panel = noise(*LENGTHS, width=2)
    steps, base = exported(model, tmp_path).evidence(panel)
    expected = explain_evidence(model, panel, "b")
    for own, other in zip(steps, expected.importance, strict=True):
        np.testing.assert_allclose(own[1], other, atol=1e-6)
    np.testing.assert_allclose(base[:, 1], expected.base, atol=1e-6)


def test_evidence_needs_a_model_with_evidence(tmp_path: Path) -> None:
    again = exported(random_network_model(), tmp_path)
    assert message_of(ParameterError, again.evidence, noise(5, width=2)) == (
        "expected an exported model with the output 'evidence', got one without; export a model with the encoder 'rocket' "
        "or 'blocks' with --evidence, or explain the model itself with limelight explain"
    )


def test_importing_and_predicting_needs_no_torch(tmp_path: Path) -> None:
    model = described_model("embedding")
    export_model(model, tmp_path / "model.onnx")
    np.save(tmp_path / "values.npy", np.random.default_rng(0).normal(size=(5, 12, 2)))
    code = f"""
import sys
import limelight.runtime
light = sorted({{"torch", "pydantic", "scipy", "sklearn", "pandas", "pyarrow", "onnxruntime"}} & set(sys.modules))
import numpy as np, pyarrow as pa
from limelight import Panel
model = limelight.runtime.open_model({str(tmp_path / "model.onnx")!r}, threads=1)
metadata = pa.table({{"machine": ["a"] * 5, "age": [3.0] * 5, "note": ["loud"] * 5}})
panel = Panel.from_series(np.load({str(tmp_path / "values.npy")!r}), metadata=metadata)
print(light, "torch" in sys.modules, model.predict(panel).probabilities.tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    values = np.load(tmp_path / "values.npy")
    metadata = pa.table({"machine": ["a"] * 5, "age": [3.0] * 5, "note": ["loud"] * 5})
    expected = model.predict(Panel.from_series(values, metadata=metadata)).probabilities
    assert done.stdout.startswith("[] False [[")
    np.testing.assert_allclose(json.loads(done.stdout[len("[] False ") :]), expected, atol=1e-5)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert message_of(ModelFolderError, open_model, "nothing.onnx") == (
        "there is no exported model at 'nothing.onnx'; write one with limelight export"
    )


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"no model")
    assert message_of(ModelFolderError, open_model, file).startswith(f"{str(file)!r} cannot be read as an ONNX model: ")


def test_a_model_of_another_program_is_refused(tmp_path: Path) -> None:
    file = export_model(random_network_model(), tmp_path / "model.onnx")
    proto = onnx.load(file)
    del proto.metadata_props[:]
    onnx.save(proto, file)
    assert message_of(ModelFolderError, open_model, file) == (
        f"{str(file)!r} was not written by limelight: it does not describe a model; export one with limelight export"
    )


def test_a_model_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = export_model(random_network_model(), tmp_path / "model.onnx")
    proto = onnx.load(file)
    (entry,) = proto.metadata_props
    entry.value = json.dumps({**json.loads(entry.value), "version": 9})
    onnx.save(proto, file)
    assert message_of(ModelFolderError, open_model, file) == (
        f"{str(file)!r} has format version 9, but this limelight reads version 1; update limelight"
    )


def test_other_processes_predict_the_same(tmp_path: Path) -> None:
    panel = noise(6, 9)
    model = open_model(export_model(random_network_model(channels=len(panel.channels)), tmp_path / "model.onnx"))
    expected = model.predict(panel).logits
    copy = pickle.loads(pickle.dumps(model))
    (tmp_path / "model.onnx").unlink()
    np.testing.assert_array_equal(copy.predict(panel).logits, expected)
