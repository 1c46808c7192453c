from pathlib import Path

import numpy as np
import pytest
import torch

from limelight.errors import ModelFolderError, ParameterError
from limelight.interop.keras import load_keras_weights
from limelight.nn.batch import Batch
from limelight.nn.context import ContextShape
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture, preset

FILES = Path(__file__).parent / "keras"
MODELS = {
    "bilstm_attention": preset("attention_bilstm"),
    "lstm_relu": preset("lstm"),
    "stacked_lstm_relu": preset("stacked_lstm"),
    "bilstm_relu": preset("bilstm"),
    "multilabel_lstm": preset("multilabel_lstm"),
    "multilabel_lstm_per_step": preset("step_lstm"),
    "metadata_repeat": preset("metadata_repeat"),
    "metadata_late": preset("metadata_late"),
}
ONE_WORD = ContextShape(categories=(4,))
SHAPES = {"metadata_repeat": ONE_WORD, "metadata_late": ContextShape(categories=(4,), numbers=(False, False))}
NO_METADATA = ContextShape()


def read(name: str) -> tuple[Batch, np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    """Read a file; codes of categories begin at 0 in Keras, which is the unknown category here."""
    with np.load(FILES / f"{name}.npz") as file:
        weights = {key.removeprefix("weight/"): file[key] for key in file if key.startswith("weight/")}
        given = {key.removeprefix("input/"): file[key] for key in file if key.startswith("input/")}
        output, attention = file["output"], file.get("attention")
    series = torch.from_numpy(given["time_series"])
    words = given.get("metadata", given.get("categorical_metadata"))
    numbers = given.get("numerical_metadata")
    batch = Batch(
        series,
        torch.ones(series.shape[:2], dtype=torch.bool),
        categories=None if words is None else torch.from_numpy(words).long() + 1,
        numbers=None if numbers is None else torch.from_numpy(numbers),
    )
    return batch, output, weights, attention


@pytest.mark.parametrize("name", MODELS)
def test_outputs_agree_with_keras(name: str) -> None:
    batch, output, weights, attention = read(name)
    network = Network(MODELS[name], batch.values.shape[2], output.shape[-1], SHAPES.get(name, NO_METADATA)).eval()
    load_keras_weights(network, weights)
    with torch.no_grad():
        result = network(batch)
    np.testing.assert_allclose(result.logits.sigmoid(), output, atol=1e-5)
    if attention is not None:
        np.testing.assert_allclose(result.weights, attention, atol=1e-5)


def test_every_reference_file_is_used() -> None:
    assert {file.stem for file in FILES.glob("*.npz")} == set(MODELS)


def test_weights_of_another_size_are_refused() -> None:
    _, _, weights, _ = read("lstm_relu")
    network = Network(Architecture.of({"name": "lstm", "hidden_size": 7}, "last", "linear"), 3, 1)
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(network, weights)
    assert str(error.value) == (
        "expected encoder.layers.0.ahead.weight_ih_l0 of shape (28, 3), got (200, 3) from Keras; "
        "build the network with the same channels and units"
    )


def test_unused_weights_are_named() -> None:
    _, _, weights, _ = read("stacked_lstm_relu")
    network = Network(Architecture.of({"name": "lstm", "hidden_size": 100}, "last", "linear"), 3, 1)
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(network, weights)
    assert str(error.value) == (
        "the Keras model has layers that the network does not have: 'lstm_2/lstm_cell'; build the network from the "
        "same layers"
    )


def test_missing_weights_are_named() -> None:
    _, _, weights, _ = read("lstm_relu")
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(Network(preset("stacked_lstm"), 3, 1), weights)
    assert str(error.value) == (
        "the Keras weights end before the 'ahead' layer of the network; pass the weights of a model with the same layers"
    )


def test_layer_without_bias_is_refused() -> None:
    _, _, weights, _ = read("lstm_relu")
    del weights["head/bias"]
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(Network(preset("lstm"), 3, 1), weights)
    assert str(error.value) == (
        "the Keras layer 'head' has no 'bias'; export a model whose layers have kernel and bias"
    )


@pytest.mark.parametrize("name", SHAPES)
def test_earlier_scaling_is_reset_by_weights_of_keras(name: str) -> None:
    batch, output, weights, _ = read(name)
    network = Network(MODELS[name], 3, 1, SHAPES[name]).eval()
    network.normalisation.set_statistics(torch.ones(3), torch.full((3,), 7.0))
    network.context.set_statistics(torch.ones(2), torch.full((2,), 7.0))
    with torch.no_grad():
        np.testing.assert_allclose(load_keras_weights(network, weights)(batch).logits.sigmoid(), output, atol=1e-5)


def test_unknown_category_is_zeros_without_a_row_in_keras() -> None:
    _, _, weights, _ = read("metadata_repeat")
    network = load_keras_weights(Network(preset("metadata_repeat"), 3, 1, ONE_WORD), weights)
    table = network.context.embeddings[0].weight.detach()
    np.testing.assert_array_equal(table[1:], weights["embedding/embeddings"])
    assert not table[0].any()


def test_embedding_that_is_missing_is_named() -> None:
    _, _, weights, _ = read("metadata_repeat")
    del weights["embedding/embeddings"]
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(Network(preset("metadata_repeat"), 3, 1, ONE_WORD), weights)
    assert str(error.value) == (
        "the Keras weights end before the 'embedding' layer of the network; "
        "pass the weights of a model with the same layers"
    )


def test_embedding_of_other_categories_is_refused() -> None:
    _, _, weights, _ = read("metadata_repeat")
    with pytest.raises(ModelFolderError) as error:
        load_keras_weights(Network(preset("metadata_repeat"), 3, 1, ContextShape(categories=(3,))), weights)
    assert str(error.value) == (
        "expected context.embeddings.0.weight of shape (3, 10), got (4, 10) from Keras; "
        "build the network with the same channels and units"
    )


@pytest.mark.parametrize(("fusion", "place"), [("repeat", 0), ("late", 2), (["repeat", "late"], 0)])
def test_layer_of_numbers_is_ordered_by_the_fusion(fusion: str | list[str], place: int) -> None:
    context = {"name": "embedding", "number_size": 2}
    architecture = Architecture.of(
        {"name": "lstm", "hidden_size": 1}, "attention", "linear", fusion=fusion, context=context
    )
    network = Network(architecture, 1, 1, ContextShape(numbers=(False,)))
    ahead, late = network.encoder.layers[0].ahead, "late" in architecture.fusions
    weights = {
        "lstm/lstm_cell/kernel": np.zeros(tuple(ahead.weight_ih_l0.T.shape)),
        "lstm/lstm_cell/recurrent_kernel": np.zeros((1, 4)),
        "lstm/lstm_cell/bias": np.zeros(4),
    }
    layers = [("dense", (1, 64)), ("dense_1", (64, 1)), ("head", (3 if late else 1, 1))]
    layers.insert(place, ("numbers", (1, 2)))
    for name, shape in layers:
        weights |= {f"{name}/kernel": np.full(shape, 7.0), f"{name}/bias": np.zeros(shape[1])}
    assert (load_keras_weights(network, weights).context.dense.weight == 7).all()


def test_conjunctive_pooling_loads_no_keras_weights() -> None:
    architecture = Architecture.of("lstm", "conjunctive", "linear")
    with pytest.raises(ParameterError) as error:
        load_keras_weights(Network(architecture, 3, 1), {})
    assert str(error.value) == (
        "expected the pooling 'attention', 'last', 'mean' or 'max' to load Keras weights, got 'conjunctive'; choose one "
        "of them"
    )


@pytest.mark.parametrize(
    ("words", "described"),
    [
        ({"fusion": "film"}, "lstm (64), last, linear; fusion: film"),
        ({"pooling": "metadata_attention"}, "lstm (64), metadata_attention, linear"),
    ],
)
def test_only_late_and_repeat_fusion_load_keras_weights(words: dict[str, str], described: str) -> None:
    architecture = Architecture.of(**{"encoder": "lstm", "pooling": "last", "head": "linear", **words})
    with pytest.raises(ParameterError) as error:
        load_keras_weights(Network(architecture, 3, 1, ONE_WORD), {})
    assert str(error.value) == (
        f"expected a network with fusion 'late' or 'repeat' to load Keras weights, got {described!r}"
    )


@pytest.mark.parametrize(
    ("shape", "got"),
    [
        (ContextShape(texts=1), "1 text and 0 side signals"),
        (ContextShape(categories=(4,), signals=(3,)), "0 texts and 1 side signal"),
    ],
)
def test_texts_and_side_signals_load_no_keras_weights(shape: ContextShape, got: str) -> None:
    with pytest.raises(ParameterError) as error:
        load_keras_weights(Network(preset("metadata_late"), 3, 1, shape), {})
    assert str(error.value) == (
        f"expected a network without texts and side signals to load Keras weights, got {got}; leave them out"
    )


@pytest.mark.parametrize(("encoder", "kind"), [("conv_lstm", "conv_lstm"), ("gru", "gru")])
def test_only_lstm_networks_load_keras_weights(encoder: str, kind: str) -> None:
    architecture = Architecture.of(encoder, "last", "linear").resolve(10, missing=False, irregular=False)
    with pytest.raises(ParameterError) as error:
        load_keras_weights(Network(architecture, 1, 1), {})
    assert str(error.value) == (
        f"expected a network with encoder 'lstm' and head 'linear' to load Keras weights, got {kind!r} and 'linear'"
    )
