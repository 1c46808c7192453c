import contextlib
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest

import limelight as ll
import support.errors
from limelight.errors import ModelFolderError, ParameterError

FOLDER = Path(__file__).parent / "keras_models"
NAMES = sorted(file.name.removesuffix(".npz") for file in FOLDER.glob("*.npz"))
message_of = support.errors.message_of


def read(name: str) -> tuple[ll.Panel, np.ndarray]:
    """Read the inputs of a model as a panel with metadata, and the outputs of Keras."""
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file}
    output, values = arrays.pop("output"), arrays.pop("series")
    fields = {}
    for key, array in arrays.items():
        columns = [key] if array.shape[1] == 1 else [f"{key}_{place}" for place in range(array.shape[1])]
        fields |= dict(zip(columns, array.T, strict=True))
    panel = ll.Panel.from_series(values, metadata=pa.table(fields) if fields else None)
    return panel, output


def probabilities_of(name: str, output: np.ndarray) -> np.ndarray:
    """Return Keras' outputs as probabilities of all classes: of one unit, also that of class 0."""
    return np.concatenate([1 - output, output], axis=-1) if output.shape[-1] == 1 else output


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_agree_with_keras(name: str) -> None:
    panel, output = read(name)
    model = ll.from_keras(FOLDER / name)
    np.testing.assert_allclose(model.predict_proba(panel), probabilities_of(name, output), atol=1e-5)


def test_there_are_models_of_keras_2_and_3() -> None:
    assert len(NAMES) >= 18
    assert {ll.from_keras(FOLDER / name).model_.fitted_on["source"] for name in NAMES} == {
        "Keras 3.15.0",
        "Keras 2.15.0",
    }


def test_parts_are_those_of_limelight() -> None:
    described = ll.from_keras(FOLDER / "metadata_late.h5").model_.architecture.describe()
    assert described == "lstm (4), last, mlp; fusion: late"
    assert ll.from_keras(FOLDER / "attention.keras").encoder == ll.LSTM(hidden_size=3, bidirectional=True)


def test_model_from_keras_explains_and_saves(tmp_path: Path) -> None:
    panel, _ = read("attention.keras")
    model = ll.from_keras(FOLDER / "attention.keras", classes=["fine", "worn"])
    assert model.explain(panel).method == "attention"
    assert model.explain(panel[:2], "occlusion", draws=2, background=panel).importance[0].shape == (12,)
    again = ll.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(panel), model.predict_proba(panel))
    assert set(again.predict(panel)) <= {"fine", "worn"}


def test_masked_steps_may_be_omitted() -> None:
    panel, output = read("masked.keras")
    first = panel.series(0)[:8]
    probability = ll.from_keras(FOLDER / "masked.keras").predict_proba([first, first[:5]])[0, 1]
    assert probability == pytest.approx(output[0, 0], abs=1e-5)


def test_classes_are_sorted_with_their_probabilities() -> None:
    panel, output = read("stacked_lstm.h5")
    model = ll.from_keras(FOLDER / "stacked_lstm.h5", classes=["c", "a", "b"])
    assert model.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(model.predict_proba(panel), output[:, [1, 2, 0]], atol=1e-5)


@pytest.mark.parametrize(("name", "classes"), [("lstm_relu.keras", "yn"), ("gru.keras", "yn")])
def test_two_classes_are_sorted_too(name: str, classes: str) -> None:
    panel, output = read(name)
    model = ll.from_keras(FOLDER / name, classes=list(classes))
    np.testing.assert_allclose(model.predict_proba(panel), probabilities_of(name, output)[:, ::-1], atol=1e-5)


def test_categories_and_channels_have_names() -> None:
    panel, output = read("metadata_repeat.keras")
    words = {"machine": ["saw", "lathe", "drill"]}
    model = ll.from_keras(FOLDER / "metadata_repeat.keras", words=words, channels=["x", "y", "z"])
    machines = [words["machine"][code] for code in panel.metadata["machine"].to_pylist()]
    named = ll.Panel.from_series(
        [panel.series(row) for row in range(6)],
        metadata=panel.metadata.set_column(0, "machine", pa.array(machines)),
        channels=["x", "y", "z"],
    )
    np.testing.assert_allclose(model.predict_proba(named)[:, 1:], output, atol=1e-5)


def configuration(name: str) -> dict:
    with zipfile.ZipFile(FOLDER / name) as archive:
        return json.loads(archive.read("config.json"))


class LiveModel:
    """What ``from_keras`` uses of a model in memory."""

    def __init__(self, name: str) -> None:
        from limelight.interop.keras_files import read_keras

        self.content = configuration(name)
        self.arrays = {key: list(layer.arrays) for key, layer in read_keras(FOLDER / name).layers.items()}
        self.layers = [self.Layer(key, arrays) for key, arrays in self.arrays.items()]

    class Layer:
        def __init__(self, name: str, arrays: list[np.ndarray]) -> None:
            self.name, self.arrays = name, arrays

        def get_weights(self) -> list[np.ndarray]:
            return self.arrays

    def to_json(self) -> str:
        return json.dumps(self.content)

    def get_weights(self) -> list[np.ndarray]:
        return [array for arrays in self.arrays.values() for array in arrays]


@pytest.mark.parametrize("name", ["normalised.keras", "per_step.keras"])
def test_live_model_and_configuration_agree_with_the_file(name: str) -> None:
    panel, _ = read(name)
    live = LiveModel(name)
    expected = ll.from_keras(FOLDER / name).predict_proba(panel)
    np.testing.assert_array_equal(ll.from_keras(live).predict_proba(panel), expected)
    given = ll.from_keras(live.to_json(), weights=live.get_weights())
    np.testing.assert_array_equal(given.predict_proba(panel), expected)


def test_every_layer_that_cannot_be_read_is_named() -> None:
    assert message_of(ModelFolderError, ll.from_keras, FOLDER / "unreadable.keras") == (
        "4 layers of the Keras model cannot be read: 'conv1d' (Conv1D): limelight has no such layer; 'lstm_13' (LSTM): "
        "recurrent_activation is 'hard_sigmoid', not 'sigmoid'; 'layer_normalization' (LayerNormalization): limelight "
        "has no such layer; 'lambda' (Lambda): it holds Python code, which is never run. Replace or remove what is "
        "named, and save the model again"
    )


def changed(name: str, change) -> str:
    """Return the error of a model whose configuration is changed."""
    content = configuration(name)
    change(content["config"]["layers"])
    return message_of(ModelFolderError, ll.from_keras, content, weights=LiveModel(name).get_weights())


def set_key(place: int, key: str, value):
    return lambda layers: layers[place]["config"].__setitem__(key, value)


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("lstm_relu.keras", set_key(1, "go_backwards", True), "'lstm' (LSTM): go_backwards is on"),
        ("lstm_relu.keras", set_key(1, "activation", "elu"), "'lstm' (LSTM): activation is 'elu', not 'tanh' or 'relu'"),
        ("lstm_relu.keras", set_key(1, "units", 5), "'lstm' (LSTM): expected weights of shape [(3, 20), (5, 20), (20,)], got [(3, 16), (4, 16), (16,)]"),
        ("per_step.keras", set_key(1, "merge_mode", "sum"), "'bidirectional_1' (Bidirectional): merge_mode is 'sum', not 'concat'"),
        ("attention.keras", set_key(2, "activation", "relu"), "'softmax' (Softmax): the scores of the steps are not those of Dense(tanh) followed by Dense(1)"),
    ],
)  # fmt: skip
def test_setting_without_counterpart_is_named(name: str, change, expected: str) -> None:
    assert changed(name, change) == (
        f"1 layer of the Keras model cannot be read: {expected}. Replace or remove what is named, and save the model again"
    )


def test_output_without_probabilities_is_refused() -> None:
    assert changed("lstm_relu.keras", set_key(-1, "activation", "linear")) == (
        "expected a Keras model whose output layer has the activation sigmoid, or softmax over two classes or more, got "
        "'dense' with linear and 1 units; add the activation of your loss"
    )


def test_output_of_logits_follows_the_loss() -> None:
    live = LiveModel("lstm_relu.keras")
    live.content["config"]["layers"][-1]["config"]["activation"] = "linear"
    live.content["compile_config"] = {"loss": {"config": {"from_logits": True}}}
    panel, output = read("lstm_relu.keras")
    model = ll.from_keras(live.content, weights=live.get_weights())
    np.testing.assert_allclose(model.predict_proba(panel)[:, 1:], output, atol=1e-5)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    content = configuration("unreadable.keras")
    assert "lambda" in json.dumps(content)
    marker = tmp_path / "ran"
    content["config"]["layers"].insert(
        1, {"class_name": "Lambda", "config": {"name": "evil", "function": f"open({str(marker)!r}, 'w')"}}
    )
    message_of(ModelFolderError, ll.from_keras, content, weights=LiveModel("unreadable.keras").get_weights())
    assert not marker.exists()


@pytest.mark.parametrize("name", ["lstm_relu.keras", "multilabel.h5"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_truncated_file_raises_one_sentence(tmp_path: Path, name: str, share: float) -> None:
    content = (FOLDER / name).read_bytes()
    file = tmp_path / name
    file.write_bytes(content[: int(len(content) * share)])
    message = message_of(ModelFolderError, ll.from_keras, file)
    assert message.startswith(f"{str(file)!r} is damaged or no Keras model (")
    assert message.endswith("); save the model again")


@pytest.mark.parametrize("name", ["gru.keras", "metadata_late.h5"])
def test_damaged_bytes_raise_input_errors_only(tmp_path: Path, name: str) -> None:
    content, rng = (FOLDER / name).read_bytes(), np.random.default_rng(0)
    file = tmp_path / name
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 40):
            damaged[place] = rng.integers(256)
        file.write_bytes(damaged)
        with contextlib.suppress(ll.InputError):
            ll.from_keras(file)


def dense_group(opened: h5py.File) -> h5py.Group:
    """Return the group that holds the kernel of the dense layer."""
    kernels = []
    opened["model_weights"].visititems(
        lambda path, item: kernels.append(item) if "dense" in path and path.endswith("kernel") else None
    )
    return kernels[0].parent


def test_link_to_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "linked.h5"
    shutil.copy(FOLDER / "multilabel.h5", file)
    with h5py.File(file, "a") as opened:
        group = dense_group(opened)
        del group["kernel"]
        group["kernel"] = h5py.ExternalLink("/etc/hostname", "/secret")
    assert message_of(ModelFolderError, ll.from_keras, file) == (
        f"{str(file)!r} is refused: 'kernel' is a link, and a link can lead to another file"
    )


def test_weights_too_large_are_not_read(tmp_path: Path) -> None:
    file = tmp_path / "large.h5"
    shutil.copy(FOLDER / "multilabel.h5", file)
    with h5py.File(file, "a") as opened:
        group = dense_group(opened)
        del group["kernel"]
        group.create_dataset("kernel", shape=(1 << 20, 1 << 20), chunks=(64, 64), dtype="f4")
    assert message_of(ModelFolderError, ll.from_keras, file) == (
        f"{str(file)!r} is too large: it holds weights of more than 1024 MiB"
    )


def test_weights_that_are_not_finite_are_refused() -> None:
    live = LiveModel("lstm_relu.keras")
    weights = live.get_weights()
    weights[0] = np.full_like(weights[0], np.nan)
    assert message_of(ModelFolderError, ll.from_keras, live.content, weights=weights) == (
        "expected finite weights, got NaN or infinity in '0'; train the Keras model again"
    )


def test_weights_of_another_model_are_counted() -> None:
    weights = LiveModel("lstm_relu.keras").get_weights()[:-1]
    assert message_of(ModelFolderError, ll.from_keras, configuration("lstm_relu.keras"), weights=weights) == (
        "expected 5 arrays for the layers of the configuration, got 4; pass weights=model.get_weights() of the same model"
    )


def test_configuration_alone_is_refused() -> None:
    assert message_of(ParameterError, ll.from_keras, configuration("lstm_relu.keras")) == (
        "expected weights with the configuration of a Keras model, got none; pass weights=model.get_weights()"
    )


def test_missing_file_has_a_hint() -> None:
    message = message_of(ModelFolderError, ll.from_keras, FOLDER / "atention.keras")
    assert message == f"there is no Keras model at {str(FOLDER / 'atention.keras')!r}; did you mean 'attention.keras'?"


def test_other_file_type_is_refused() -> None:
    assert message_of(ParameterError, ll.from_keras, "model.pb") == (
        "expected a Keras model as a .keras, .h5 or .hdf5 file, got 'model.pb'; save it as .keras"
    )


def test_subclassed_model_is_refused() -> None:
    content = {"class_name": "MyModel", "config": {}}
    assert message_of(ModelFolderError, ll.from_keras, content, weights=[]) == (
        "expected a Sequential or Functional model in the configuration, got 'MyModel'; rebuild a subclassed model with "
        "the functional API and copy its weights"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"classes": ["a"]}, "expected 2 different classes of one type, as the model predicts, got ['a']; name them in the order of the Keras model"),
        ({"channels": ["x"]}, "expected different names for 3 channels, as the model reads, got 'x'; name them in the order of the Keras model"),
        ({"words": {"machin": ["a"]}}, "words: there is no embedded input 'machin'; did you mean 'machine'?"),
        ({"words": {"machine": ["a"]}}, "expected 3 different words for 'machine', one for each row of its embedding, got 1; name them in the order of their codes"),
    ],
)  # fmt: skip
def test_names_that_do_not_fit_are_refused(arguments: dict, expected: str) -> None:
    assert message_of(ParameterError, ll.from_keras, FOLDER / "metadata_repeat.keras", **arguments) == expected
