from pathlib import Path

import numpy as np
import pytest
import torch

from limelight.errors import ModelFolderError, ParameterError
from limelight.interop.keras import load_keras_weights
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.parts.sentence import Sentence, preset

FILES = Path(__file__).parent / "keras"
MODELS = {
    "bilstm_attention": preset("attention_bilstm"),
    "lstm_relu": preset("lstm"),
    "stacked_lstm_relu": preset("stacked_lstm"),
    "bilstm_relu": preset("bilstm"),
    "multilabel_lstm": Sentence.of("lstm", "last", "linear"),
}


def read(name: str) -> tuple[torch.Tensor, np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    with np.load(FILES / f"{name}.npz") as file:
        weights = {key.removeprefix("weight/"): file[key] for key in file if key.startswith("weight/")}
        attention = file.get("attention")
        return torch.from_numpy(file["input/time_series"]), file["output"], weights, attention


@pytest.mark.parametrize("name", MODELS)
def test_outputs_agree_with_keras(name: str) -> None:
    series, output, weights, attention = read(name)
    network = Network(MODELS[name], series.shape[2], output.shape[1]).eval()
    load_keras_weights(network, weights)
    with torch.no_grad():
        answer = network(Batch(series, torch.ones(series.shape[:2], dtype=torch.bool)))
    np.testing.assert_allclose(answer.logits.sigmoid(), output, atol=1e-5)
    if attention is not None:
        np.testing.assert_allclose(answer.weights, attention, atol=1e-5)


def test_every_reference_file_is_used() -> None:
    assert {file.stem for file in FILES.glob("*.npz")} == set(MODELS)


def test_weights_of_another_size_are_refused() -> None:
    _, _, weights, _ = read("lstm_relu")
    network = Network(Sentence.of({"name": "lstm", "hidden_size": 7}, "last", "linear"), 3, 1)
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(network, weights)
    assert str(error.value) == (
        "expected encoder.layers.0.ahead.weight_ih_l0 of shape (28, 3), got (200, 3) from Keras; "
        "build the network with the same channels and units"
    )


def test_weights_that_are_left_over_are_named() -> None:
    _, _, weights, _ = read("stacked_lstm_relu")
    network = Network(Sentence.of({"name": "lstm", "hidden_size": 100}, "last", "linear"), 3, 1)
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(network, weights)
    assert str(error.value) == (
        "the Keras model has layers that the network has not: 'lstm_2/lstm_cell'; build the network from the same layers"
    )


def test_weights_that_end_too_soon_are_named() -> None:
    _, _, weights, _ = read("lstm_relu")
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(Network(preset("stacked_lstm"), 3, 1), weights)
    assert str(error.value) == (
        "the Keras weights end before the 'ahead' layer of the network; give the weights of a model with the same layers"
    )


def test_layer_without_bias_is_refused() -> None:
    _, _, weights, _ = read("lstm_relu")
    del weights["head/bias"]
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(Network(preset("lstm"), 3, 1), weights)
    assert str(error.value) == (
        "the Keras layer 'head' has no 'bias'; export a model whose layers have kernel and bias"
    )


@pytest.mark.parametrize(("encoder", "kind"), [("conv_lstm", "conv_lstm"), ("gru", "gru")])
def test_only_lstm_networks_take_keras_weights(encoder: str, kind: str) -> None:
    sentence = Sentence.of(encoder, "last", "linear").settled(10, missing=False, irregular=False)
    with pytest.raises(ParameterError) as error:
        load_keras_weights(Network(sentence, 1, 1), {})
    assert str(error.value) == (
        f"expected a network with encoder 'lstm' and head 'linear' to put Keras weights into, got {kind!r} and 'linear'"
    )
