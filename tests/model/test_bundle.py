import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from limelight.data.panel import Panel
from limelight.errors import DataError, ModelFolderError
from limelight.model.bundle import load_model, save_model
from limelight.model.fitted import FittedModel
from limelight.nn.network import Network
from limelight.parts.architecture import PRESETS, Architecture, preset
from limelight.task import Task
from support.errors import message_of

PANEL = Panel.from_series([np.sin(np.arange(20)), np.cos(np.arange(9))], channels=["wave"])
ROCKET = {"name": "rocket", "features": 84}


def untrained_model(architecture: Architecture, classes: tuple[Any, ...] = ("a", "b")) -> FittedModel:
    torch.manual_seed(0)
    task = Task(classes)
    architecture = architecture.resolve(20, missing=False, irregular=False)
    network = Network(architecture, 1, task.outputs)
    network.normalisation.set_statistics(torch.tensor([0.5]), torch.tensor([2.0]))
    return FittedModel(task, architecture, network, ("wave",), {"seed": 0})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_model(untrained_model(Architecture.of("conv_lstm")), tmp_path / "model")


def change(folder: Path, **content: Any) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **content}))


def load_error(folder: Path) -> str:
    return message_of(ModelFolderError, load_model, folder)


WITHOUT_METADATA = [
    one
    for one in (Architecture.of("conv_lstm"), Architecture.of(ROCKET), *map(preset, PRESETS))
    if not one.needs_metadata and one.pooling.name != "none"
]


@pytest.mark.parametrize("architecture", WITHOUT_METADATA, ids=Architecture.describe)
@pytest.mark.parametrize("classes", [("a", "b"), (1, 2, 3), (False, True)])
def test_loaded_model_predicts_as_the_saved_one(
    tmp_path: Path, architecture: Architecture, classes: tuple[Any, ...]
) -> None:
    model = untrained_model(architecture, classes)
    again = load_model(save_model(model, tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(PANEL).logits, model.predict(PANEL).logits)
    assert (again.task, again.architecture, again.channels) == (model.task, model.architecture, model.channels)
    assert again.fitted_on == {"seed": 0}


def test_run_folder_loads_its_model(saved: Path) -> None:
    assert load_model(saved.parent).channels == ("wave",)


def test_folder_holds_json_and_safetensors_alone(saved: Path) -> None:
    assert sorted(file.name for file in saved.iterdir()) == ["model.json", "weights.safetensors"]
    assert [file.name for file in saved.parent.iterdir()] == ["model"]


def test_saving_again_replaces_the_model(saved: Path) -> None:
    save_model(untrained_model(Architecture.of("gru")), saved)
    assert load_model(saved).architecture.encoder.name == "gru"
    assert [file.name for file in saved.parent.iterdir()] == ["model"]


def test_saving_never_replaces_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelFolderError) as error:
        save_model(untrained_model(Architecture.of("conv_lstm")), tmp_path)
    assert str(error.value) == f"{str(tmp_path)!r} already exists and is not a model; choose another name for the model"
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_saving_never_replaces_a_foreign_model(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": "layers-model"}')
    with pytest.raises(ModelFolderError) as error:
        save_model(untrained_model(Architecture.of("conv_lstm")), tmp_path)
    assert str(error.value) == f"{str(tmp_path)!r} already exists and is not a model; choose another name for the model"
    assert (tmp_path / "model.json").read_text() == '{"format": "layers-model"}'


def test_missing_folder_suggests_a_similar_name(saved: Path) -> None:
    folder = saved.parent / "modle"
    assert load_error(folder) == f"there is no model folder at {str(folder)!r}; did you mean 'model'?"


def test_foreign_folder_is_refused(tmp_path: Path) -> None:
    assert load_error(tmp_path) == (
        f"expected a model folder with the file 'model.json', got {str(tmp_path)!r} without that file; "
        "use a folder written by save() or by a run"
    )


def test_a_folder_of_runs_names_them(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name / "model").mkdir(parents=True)
    assert load_error(tmp_path) == (
        f"expected the folder of one run or model, got {str(tmp_path)!r}, a folder of runs; use one of the runs in it: "
        "'first', 'second'"
    )


def test_foreign_json_is_refused(saved: Path) -> None:
    (saved / "model.json").write_text('{"model": "something"}')
    assert load_error(saved) == (
        f"{str(saved / 'model.json')!r} was not written by limelight: its format is not 'limelight-model'"
    )


def test_broken_json_is_refused(saved: Path) -> None:
    (saved / "model.json").write_text('{"format": ')
    assert load_error(saved) == (
        f"{str(saved / 'model.json')!r} is damaged (Expecting value: line 1 column 12 (char 11)); save the model again"
    )


def test_newer_version_is_refused(saved: Path) -> None:
    change(saved, version=4)
    assert load_error(saved) == (
        f"{str(saved / 'model.json')!r} has format version 4, but this limelight reads versions up to 3; update limelight"
    )


@pytest.mark.parametrize("version", [0, -3, None, "2"])
def test_impossible_versions_are_refused(saved: Path, version: Any) -> None:
    change(saved, version=version)
    assert f"has format version {version!r}, but this limelight reads versions up to 3" in load_error(saved)


def test_version_1_rejects_missing_values_and_ignores_the_clock(saved: Path) -> None:
    logits = load_model(saved).predict(PANEL).logits
    architecture = json.loads((saved / "model.json").read_text())["sentence"]
    del architecture["missing"], architecture["clock"]
    change(saved, version=1, architecture=architecture)
    older = load_model(saved)
    assert (older.architecture.missing, older.architecture.clock) == ("error", "order")
    np.testing.assert_array_equal(older.predict(PANEL).logits, logits)
    with pytest.raises(DataError, match=r"^expected a number everywhere, got a missing value"):
        older.predict(Panel.from_series([[1.0, np.nan]], channels=["wave"]))


@pytest.mark.parametrize("version", [1, 2])
def test_a_model_without_a_metadata_key_reads_no_metadata(saved: Path, version: int) -> None:
    architecture = json.loads((saved / "model.json").read_text())["sentence"]
    del architecture["fusion"], architecture["context"]
    change(saved, version=version, architecture=architecture)
    assert load_model(saved).architecture.fusion == ()


def test_the_options_of_a_model_are_saved(tmp_path: Path) -> None:
    architecture = Architecture.of("gru", missing="last", clock="elapsed")
    network = Network(architecture, 1, 1)
    folder = save_model(FittedModel(Task(("a", "b")), architecture, network, ("wave",)), tmp_path / "model")
    again = load_model(folder).architecture
    assert (again.missing, again.clock) == ("last", "elapsed")


def test_deeply_nested_json_is_refused(saved: Path) -> None:
    (saved / "model.json").write_text("[" * 100_000)
    assert "is damaged" in load_error(saved)


def test_weights_cut_short_are_refused(saved: Path) -> None:
    weights = saved / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    assert load_error(saved) == (
        f"{str(weights)!r} does not match its hash in model.json: the file was damaged, truncated or replaced; "
        "save the model again"
    )


def test_missing_weights_are_named(saved: Path) -> None:
    (saved / "weights.safetensors").unlink()
    assert load_error(saved) == (
        f"{str(saved / 'weights.safetensors')!r} cannot be read (No such file or directory); "
        "a model needs this file next to model.json"
    )


def test_weights_of_another_network_are_refused(saved: Path) -> None:
    weights = saved / "weights.safetensors"
    tensors = load_file(weights)
    tensors["head.0.weight"] = tensors["head.0.weight"][:-1].contiguous()
    save_file(tensors, weights)
    change(saved, weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest())
    assert load_error(saved) == (
        f"{str(saved)!r} is damaged: model.json and weights.safetensors disagree about 'head.0.weight'; "
        "save the model again"
    )


@pytest.mark.parametrize(
    "content",
    [
        {"task": {"level": "series", "classes": []}},
        {"task": []},
        {"sentence": {"encoder": ["lstm"]}},
        {"sentence": {"encoder": {"name": "lstm", "hidden_size": 10**9}}},
        {"sentence": None},
        {"sentence": None, "version": 1},
        {"sentence": {"missing": "guess"}},
        {"sentence": {"clock": ["elapsed"]}},
        {"channels": 3},
        {"fitted_on": 3},
        {"sentence": {"encoder": {"name": "conv_lstm", "stride": "auto"}}},
        {"sentence": {"encoder": {"name": "conv_lstm", "stride": 10**17}}},
        {"task": {"level": "series", "classes": ["a", "a"]}},
        {"task": {"level": "series", "classes": [["a"], ["b", "c"]]}},
        {"task": {"level": "series", "classes": ["a", "b"], "positive": []}},
    ],
)
def test_invalid_description_is_an_error_of_the_folder(saved: Path, content: dict[str, Any]) -> None:
    change(saved, **content)
    assert "damaged" in load_error(saved)


@pytest.mark.parametrize("encoder", ["lstmm", {"name": "lstmm"}])
def test_an_encoder_that_is_not_registered_is_named(saved: Path, encoder: Any) -> None:
    change(saved, sentence={"encoder": encoder})
    assert load_error(saved) == (
        f"the model in {str(saved)!r} has the encoder 'lstmm', which is not registered; import the package that "
        "registers it before loading the model; did you mean 'lstm'?"
    )


def test_forged_sizes_cost_no_memory(saved: Path) -> None:
    huge = {"name": "lstm", "hidden_size": [8192] * 32, "bidirectional": True}
    change(saved, sentence={"encoder": huge, "pooling": "attention", "head": "mlp"})
    assert "disagree" in load_error(saved)  # 100 GB if the network were made before it is compared


def test_loading_a_malicious_folder_runs_no_code(saved: Path, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "owned",))

    attack = pickle.dumps(Attack())
    (saved / "weights.safetensors").write_bytes(attack)
    change(saved, weights_sha256=hashlib.sha256(attack).hexdigest())
    (saved / "__init__.py").write_text("raise SystemExit('executed')")
    assert "damaged" in load_error(saved)
    assert not (tmp_path / "owned").exists()


def test_fitted_model_can_be_pickled_for_scikit_learn() -> None:
    model = untrained_model(Architecture.of("gru"))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(PANEL).logits, model.predict(PANEL).logits)


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (None, "expected the path of a model folder as text, got None; pass text or a Path"),
        (b"model", "expected the path of a model folder as text, got b'model'; pass text or a Path"),
        ("a\0b", "expected the path of a model folder, got 'a\\x00b': embedded null byte; choose another name"),
        ("x" * 300, "expected the path of a model folder, got 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx': File name too long; choose another name"),
    ],
)  # fmt: skip
def test_objects_that_are_no_path_are_refused(folder: object, message: str) -> None:
    for call in (load_model, lambda path: save_model(untrained_model(Architecture.of("conv_lstm")), path)):
        assert message_of(ModelFolderError, call, folder) == message


def rewritten(saved: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the weights of a model and their hash, as somebody who forges a model would."""
    weights = load_file(saved / "weights.safetensors")
    change(weights)
    save_file(weights, saved / "weights.safetensors")
    content = json.loads((saved / "model.json").read_text())
    content["weights_sha256"] = hashlib.sha256((saved / "weights.safetensors").read_bytes()).hexdigest()
    (saved / "model.json").write_text(json.dumps(content))


def test_weights_that_are_nan_are_refused(saved: Path) -> None:
    name = sorted(
        name for name, tensor in load_file(saved / "weights.safetensors").items() if tensor.is_floating_point()
    )[0]
    rewritten(saved, lambda weights: weights[name].view(-1)[:1].fill_(float("nan")))
    assert message_of(ModelFolderError, load_model, saved) == (
        f"{str(saved / 'weights.safetensors')!r} is damaged: NaN in {name!r}; save the model again"
    )


def test_half_of_a_surrogate_pair_is_refused(saved: Path) -> None:
    content = json.loads((saved / "model.json").read_text())
    content["task"]["classes"][0] = "\ud800"
    (saved / "model.json").write_text(json.dumps(content))
    assert message_of(ModelFolderError, load_model, saved) == (
        f"{str(saved / 'model.json')!r} is damaged: it has half of a surrogate pair; save the model again"
    )
