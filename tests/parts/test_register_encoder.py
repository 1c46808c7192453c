"""An encoder from outside the package: two files, and it works wherever a built-in one does."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import limelight
import nn.test_contracts as contracts
from limelight.config.reading import check_experiment, experiment_schema
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.errors import ParameterError
from limelight.model.targets import task_of
from limelight.model_selection.search_space import changed, make_space, starting_point
from limelight.model_selection.tuning import tune
from limelight.nn.network import build_encoder
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import ENCODERS, LSTM, Encoder, register_encoder
from limelight.parts.encoders.base import _REGISTERED
from limelight.parts.ranges import Range
from limelight.recipe import Recipe
from outside.dilated_part import Dilated
from support.architectures import CONTEXT, small

TESTS = Path(__file__).parent.parent
WAVES = generate_sine(SineSettings(dataset_size=60, num_points=20))
QUICK = {"max_epochs": 1}

_REGISTERED.pop(Dilated.name)  # the import registered it; other tests shall not see it


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    before = dict(_REGISTERED)
    register_encoder(Dilated)
    yield
    _REGISTERED.clear()
    _REGISTERED.update(before)


SMALL = Dilated(filters=5, depth=2, kernel_size=3, growth=2)
ARCHITECTURES = {
    pooling: Architecture.of(LSTM(), pooling, "linear", fusion=fusion, context=CONTEXT)
    for pooling, fusion in {"attention": "late", "last": (), "mean": "film", "max": "repeat", "none": "late"}.items()
}
CONTRACTS = (
    contracts.test_logits_are_per_series_or_without_pooling_per_step,
    contracts.test_padding_never_changes_logits,
    contracts.test_values_in_the_padding_never_change_logits,
    contracts.test_logits_of_a_series_do_not_depend_on_the_batch,
    contracts.test_order_of_the_batch_does_not_matter,
    contracts.test_gradients_reach_every_weight,
    contracts.test_an_architecture_survives_json,
    contracts.test_same_seed_builds_the_same_network,
)


@pytest.mark.parametrize("pooling", ARCHITECTURES)
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_registered_encoder_keeps_every_contract(contract: Any, pooling: str) -> None:
    contract(architecture=replace(ARCHITECTURES[pooling], encoder=SMALL))


def test_the_contract_variant_is_derived_from_the_part() -> None:
    assert small(Dilated) == Dilated(filters=5, depth=3, kernel_size=3, growth=4)


def test_a_registered_encoder_works_in_experiment_files() -> None:
    experiment = check_experiment(
        {"data": {"sine": {}}, "model": {"encoder": {"name": "dilated", "depth": 2}}}, "e.json"
    )
    assert experiment.model.encoder == Dilated(depth=2)
    encoders = experiment_schema()["properties"]["model"]["properties"]["encoder"]["anyOf"]
    assert "dilated" in encoders[0]["enum"]
    assert encoders[-1]["properties"]["kernel_size"]["maximum"] == 32


def test_wrong_parameters_are_refused_as_for_any_encoder() -> None:
    with pytest.raises(ParameterError) as error:
        Architecture.of({"name": "dilated", "kernel_size": 1})
    assert str(error.value) == "'dilated': expected kernel_size of at least 2, got 1"


def test_the_estimator_resolves_sizes_from_training_series() -> None:
    model = limelight.TimeSeriesClassifier(encoder="dilated", training=QUICK, progress=False).fit(WAVES)
    assert model.model_.architecture.encoder.growth == 3
    assert model.model_.architecture.describe().startswith("dilated (32), attention, mlp")
    assert model.predict_proba(WAVES).shape == (60, 2)


def test_a_registered_encoder_has_its_own_search_space() -> None:
    found = tune(WAVES, {"encoder": "dilated"}, training=QUICK, trials=2, only=["dilated.kernel_size", "units"])
    first, second = found.trials
    assert first.parameters == {"units": 32, "dilated.kernel_size": 3}
    assert second.parameters["dilated.kernel_size"] != 3
    assert second.architecture.encoder == Dilated(
        filters=second.parameters["units"], kernel_size=second.parameters["dilated.kernel_size"]
    )
    assert "dilated kernel size" in str(found)


@pytest.mark.slow
def test_other_processes_know_a_registered_encoder() -> None:
    trials = tune(WAVES, {"encoder": "gru"}, training=QUICK, trials=4, jobs=2, only=["encoder"], seed=1).trials
    assert [trial.why for trial in trials] == [""] * 4
    assert "dilated" in [trial.parameters["encoder"] for trial in trials]


def test_parameters_of_a_candidate_encoder_are_searched() -> None:
    task, other = task_of(WAVES), Recipe.of({"encoder": "gru"})
    space = make_space(WAVES, task, other)
    assert {"conv_lstm", "lstm", "gru", "dilated"} <= set(space["encoder"].values)
    assert space["dilated.kernel_size"] == Range(2, 8, whole=True)
    assert "dilated.kernel_size" not in make_space(WAVES, task, other, ["units", "layers"])
    assert starting_point(WAVES, other)["dilated.kernel_size"] == 3
    assert changed(other, {"encoder": "gru", "dilated.kernel_size": 5}).architecture == other.architecture
    to_dilated = changed(other, {"encoder": "dilated", "dilated.kernel_size": 5, "layers": 2})
    assert to_dilated.architecture.encoder == Dilated(filters=64, depth=2, kernel_size=5, dropout=0.0)


def test_a_saved_model_needs_its_registration(tmp_path: Path) -> None:
    model = limelight.TimeSeriesClassifier(encoder="dilated", training=QUICK, progress=False, random_state=0).fit(WAVES)
    model.save(tmp_path / "model")
    np.save(tmp_path / "values.npy", WAVES.values.reshape(60, 20, 1))
    np.save(tmp_path / "expected.npy", model.predict_proba(WAVES))
    code = """
import numpy as np, limelight
from limelight.errors import ModelFolderError
try:
    limelight.load("model")
except ModelFolderError as error:
    print(error)
import outside.dilated_part
print(np.array_equal(limelight.load("model").predict_proba(np.load("values.npy")), np.load("expected.npy")))
"""
    environment = {"PYTHONPATH": f"{TESTS}:{Path(limelight.__file__).parent.parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.splitlines() == [
        "the model in 'model' has the encoder 'dilated', which is not registered; import the package that registers it "
        f"before loading the model; known are: {', '.join(name for name in ENCODERS if name != 'dilated')}",
        "True",
    ]


def test_an_unregistered_name_is_unknown() -> None:
    del _REGISTERED["dilated"]
    with pytest.raises(ParameterError, match=r"^there is no encoder 'dilated'"):
        Architecture.of("dilated")


def test_a_second_class_under_one_name_is_rejected() -> None:
    @dataclass
    class Other(Encoder):
        name = "dilated"
        network = "outside.dilated_network:DilatedEncoder"

    with pytest.raises(ParameterError) as error:
        register_encoder(Other)
    assert str(error.value) == (
        "expected a name that no encoder has yet, got 'dilated' of Dilated for Other; rename it"
    )
    assert register_encoder(Dilated) is Dilated is ENCODERS["dilated"]


def made(**attributes: Any) -> type[Encoder]:
    own = {"name": "made", "network": "outside.dilated_network:DilatedEncoder", **attributes}
    annotations = {"size": int, **attributes.get("__annotations__", {})}
    return dataclass(type("Made", (Encoder,), {"size": 3, **own, "__annotations__": annotations}))


@pytest.mark.parametrize(
    ("part_class", "message"),
    [
        (
            type("Bare", (Encoder,), {}),
            "expected a dataclass derived from Encoder to register, got <class 'test_register_encoder.Bare'>; decorate "
            "the class with @dataclass below @register_encoder",
        ),
        (
            dataclass(type("Unnamed", (Encoder,), {})),
            "expected a name for the encoder Unnamed, got none; set name = '...' in the class",
        ),
        (
            made(network="outside.dilated_network"),
            "expected the network of Made as 'module:attribute', got 'outside.dilated_network'; name the class or "
            "function that builds it",
        ),
        (
            made(pools=True, closed_form=True),
            "expected fixed_parts of Made to name its 'pooling' and 'head', got {}; an encoder that pools has a pooling "
            "of its own, and one in closed form a linear head too",
        ),
        (
            made(search_space=lambda: {"units": "width"}),
            "expected the search space of Made to map 'units', 'layers', 'dropout' to its parameters, or a parameter to "
            "its range, got 'units': 'width'; the parameters are 'size'",
        ),
        (
            made(search_space=lambda: {"units": "size"}, size="auto"),
            "expected a number as the default of 'size', which Made is tuned by, got 'auto'; take a number, or leave it "
            "out of the search space",
        ),
    ],
)
def test_missing_attributes_of_an_encoder_are_named_at_registration(part_class: type[Encoder], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        register_encoder(part_class)
    assert re.sub(r"<class '.*\.(\w+)'>", r"<class 'test_register_encoder.\1'>", str(error.value)) == message


def test_a_parameter_without_default_is_refused() -> None:
    @dataclass
    class Sized(Encoder):
        size: int
        name = "sized"
        network = "outside.dilated_network:DilatedEncoder"

    with pytest.raises(ParameterError) as error:
        register_encoder(Sized)
    assert str(error.value) == "expected a default for every parameter of Sized, got none for 'size'; add one"


def test_a_network_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(ParameterError) as error:
        build_encoder(made(network="outside.nothing:Network")(), channels=1)
    assert str(error.value) == (
        "the network 'outside.nothing:Network' of the encoder 'made' cannot be imported: No module named "
        "'outside.nothing'"
    )


def test_an_encoder_that_pools_may_be_trained_by_gradient_descent() -> None:
    @register_encoder
    @dataclass
    class Pooled(Encoder):
        name = "pooled"
        network = f"{__name__}:MeanOfSteps"
        pools = True
        answers_steps = False
        fixed_parts = {"pooling": "ppv"}  # noqa: RUF012

    sys.modules.setdefault(__name__, inspect.getmodule(test_an_encoder_that_pools_may_be_trained_by_gradient_descent))
    model = limelight.TimeSeriesClassifier(encoder="pooled", training=QUICK, progress=False).fit(WAVES)
    assert model.model_.architecture.describe().startswith("pooled, ppv, mlp")
    assert model.predict_proba(WAVES).shape == (60, 2)


class MeanOfSteps(torch.nn.Module):
    stride, bidirectional, width = 1, False, 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = torch.nn.Linear(channels, self.width)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (self.project(values).sin() * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def test_no_other_module_checks_the_type_of_an_encoder() -> None:
    source = Path(limelight.__file__).parent
    own = {source / "training" / name for name in ("auto.py", "encoder_choice.py")}
    type_check = re.compile(r"isinstance\([^)]*\b(Rocket|RocketEncoder|ConvLSTM|Auto|LSTM|GRU)\b|==\s*\"rocket\"")
    found = [str(file) for file in source.rglob("*.py") if file not in own and type_check.search(file.read_text())]
    assert found == []


def test_the_worked_example_is_these_two_files() -> None:
    page = (TESTS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", page, flags=re.DOTALL))
    assert blocks == {f"outside/{file.name}": file.read_text(encoding="utf-8") for file in TESTS.glob("outside/*.py")}


def encoders_with_package(tmp_path: Path, value: str) -> subprocess.CompletedProcess[str]:
    """List the encoders of a new process in which a package with an entry point is installed."""
    info = tmp_path / "dilated_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dilated_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[limelight.encoders]\ndilated = {value}\n")
    paths = [str(tmp_path), str(TESTS), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-c", "from limelight.parts.encoders import ENCODERS; print(*ENCODERS)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def test_an_installed_package_registers_by_entry_point(tmp_path: Path) -> None:
    assert "dilated" in encoders_with_package(tmp_path, "outside.dilated_part:Dilated").stdout.split()


def test_a_broken_package_is_a_warning(tmp_path: Path) -> None:
    done = encoders_with_package(tmp_path, "outside.nothing:Dilated")
    assert "rocket" in done.stdout.split()
    assert "the encoder 'outside.nothing:Dilated' could not be loaded (ModuleNotFoundError: " in done.stderr
