"""The ONNX file of a model: its content, and failed exports."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from torch import nn

from limelight.errors import InternalError, OutputError, ParameterError
from limelight.export.onnx_file import export_model
from limelight.model.decision import Decision, Mixing
from support.errors import message_of
from support.models import random_network_model


def test_outputs_are_probabilities_logits_prediction_and_attention(tmp_path: Path) -> None:
    model = random_network_model(classes=("a", "b", "c"))
    session = onnxruntime.InferenceSession(export_model(model, tmp_path / "model.onnx"))
    assert [one.name for one in session.get_inputs()] == ["values", "lengths"]
    assert {one.name for one in session.get_outputs()} == {"probabilities", "logits", "prediction", "attention"}
    values = np.random.default_rng(0).normal(size=(2, 9, 2))
    found = dict(
        zip(
            [one.name for one in session.get_outputs()],
            session.run(None, {"values": values, "lengths": np.array([9, 4])}),
            strict=True,
        )
    )
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1.0)
    np.testing.assert_array_equal(found["prediction"], found["probabilities"].argmax(axis=1))


@pytest.mark.parametrize("positive", ["a", "b"])
def test_thresholds_and_mixing_are_in_the_graph(positive: str, tmp_path: Path) -> None:
    model = random_network_model(positive=positive)
    own = model.predict(_panel()).probabilities[:, model.task.positive_index]
    mixing = Mixing(0.1, np.array([0.3, 0.7]))
    mixed = 0.9 * own + 0.1 * mixing.shares[model.task.positive_index]
    model.decision = Decision(thresholds=np.array([float(np.median(mixed))]), mixing=mixing)
    session = onnxruntime.InferenceSession(export_model(model, tmp_path / "model.onnx"))
    series = _panel()
    given = {"values": np.stack([series.series(row) for row in range(6)]).astype(np.float64), "lengths": series.lengths}
    codes, probabilities = session.run(["prediction", "probabilities"], given)
    np.testing.assert_allclose(probabilities[:, model.task.positive_index], mixed, atol=1e-6)
    np.testing.assert_array_equal(np.array(model.task.classes)[codes], model.predict(series).labels)


def test_batch_and_time_are_free_axes(tmp_path: Path) -> None:
    proto = onnx.load(export_model(random_network_model("conv_lstm"), tmp_path / "model.onnx"))
    shapes = {
        one.name: [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim]
        for one in (*proto.graph.input, *proto.graph.output)
    }
    assert shapes["values"] == ["batch", "time", 2]
    assert shapes["attention"] == ["batch", "time"]
    assert proto.opset_import[0].version == 17


def test_the_file_describes_the_model(tmp_path: Path) -> None:
    model = random_network_model(classes=("ok", "worn"))
    properties = onnx.load(export_model(model, tmp_path / "model.onnx")).metadata_props
    content = {one.key: json.loads(one.value) for one in properties}["limelight"]
    assert content["task"]["classes"] == ["ok", "worn"]
    assert content["channels"] == ["channel_0", "channel_1"]
    assert content["architecture"]["encoder"]["name"] == "lstm"


def test_an_existing_file_is_replaced_only_by_a_complete_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = export_model(random_network_model(), tmp_path / "model.onnx")
    before = file.read_bytes()
    monkeypatch.setattr("limelight.export.verification.LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(InternalError, match="^the exported model differs from the model itself by .* in a probability"):
        export_model(random_network_model("gru"), file)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]


def test_a_part_without_translation_is_refused(tmp_path: Path) -> None:
    class Quantum(nn.Linear):
        """A head without a translation."""

    model = random_network_model()
    model.network.head = Quantum(6, 1)
    assert message_of(ParameterError, export_model, model, tmp_path / "model.onnx") == (
        "Quantum cannot be exported: no translation to ONNX is registered for this class; register one with "
        "limelight.export.translations.register_translation, or choose another part"
    )
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path: Path) -> None:
    message = message_of(OutputError, export_model, random_network_model(), "model.pt")
    assert message == "expected an output file ending in .onnx, got 'model.pt'; rename it"


def test_without_onnx_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = message_of(ParameterError, export_model, random_network_model(), tmp_path / "model.onnx")
    assert message == "exporting a model needs onnx, which is not installed; pip install 'limelight[onnx]'"


def _panel():
    from support.linear import noise

    return noise(*[12] * 6, width=2)
