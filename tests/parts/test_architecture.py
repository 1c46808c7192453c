"""The options of an architecture: missing values and clock."""

import pytest
import torch

from limelight.errors import InternalError, ParameterError
from limelight.nn.batch import Batch
from limelight.nn.network import Network
from limelight.parts.architecture import OPTIONS, PRESETS, Architecture, preset


def test_missing_and_clock_are_in_json_beside_the_parts() -> None:
    content = Architecture.of("gru", missing="mask", clock="elapsed").to_json()
    assert list(content) == ["encoder", "pooling", "head", "missing", "clock", "fusion", "context"]
    assert (content["missing"], content["clock"]) == ("mask", "elapsed")


@pytest.mark.parametrize("missing", OPTIONS["missing"])
@pytest.mark.parametrize("clock", OPTIONS["clock"])
def test_missing_and_clock_survive_json(missing: str, clock: str) -> None:
    architecture = Architecture.of("gru", missing=missing, clock=clock)
    assert Architecture.from_json(architecture.to_json()) == architecture


def test_missing_and_clock_default_to_auto() -> None:
    architecture = Architecture.from_json({"encoder": "gru"})
    assert (architecture.missing, architecture.clock) == ("auto", "auto")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"missing": "maks"}, "expected a strategy for missing values, got missing='maks'; did you mean 'mask'?"),
        (
            {"missing": 3},
            "expected a strategy for missing values, got missing=3; known are: auto, error, mask, last, linear, mean",
        ),
        ({"clock": "elapsd"}, "expected a use of the clock, got clock='elapsd'; did you mean 'elapsed'?"),
        ({"clok": "order"}, "a model has no part 'clok'; did you mean 'clock'?"),
    ],
)
def test_unknown_options_suggest_the_nearest(content: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        Architecture.from_json(content)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("missing", "irregular", "words"),
    [
        (False, False, ("error", "order")),
        (True, False, ("mask", "order")),
        (False, True, ("error", "elapsed")),
        (True, True, ("mask", "elapsed")),
    ],
)
def test_auto_is_resolved_on_the_training_part(missing: bool, irregular: bool, words: tuple[str, str]) -> None:
    resolve = Architecture.of("gru").resolve(100, missing=missing, irregular=irregular)
    assert (resolve.missing, resolve.clock) == words


@pytest.mark.parametrize("missing", [word for word in OPTIONS["missing"] if word != "auto"])
@pytest.mark.parametrize("clock", ["order", "elapsed"])
def test_stated_settings_are_kept(missing: str, clock: str) -> None:
    architecture = Architecture.of("gru", missing=missing, clock=clock, fusion=())
    assert architecture.resolve(100, missing=True, irregular=True) == architecture
    assert architecture.resolve(100, missing=False, irregular=False) == architecture


@pytest.mark.parametrize(
    ("words", "described"),
    [
        ({}, "lstm (64), last, linear"),
        ({"missing": "error", "clock": "order"}, "lstm (64), last, linear"),
        ({"missing": "mask"}, "lstm (64), last, linear; missing values: mask"),
        ({"missing": "mask", "clock": "elapsed"}, "lstm (64), last, linear; missing values: mask; clock: elapsed"),
    ],
)
def test_only_effective_options_are_described(words: dict[str, str], described: str) -> None:
    assert Architecture.of("lstm", "last", "linear", **words).describe() == described


@pytest.mark.parametrize("name", PRESETS)
def test_presets_keep_missing_and_clock_on_auto(name: str) -> None:
    assert (preset(name).missing, preset(name).clock) == ("auto", "auto")


def test_the_encoder_input_is_values_missing_indicators_and_clock() -> None:
    network = Network(Architecture.of("gru", missing="mask", clock="elapsed"), channels=2, outputs=1)
    network.normalisation.set_statistics(torch.tensor([1.0, 1.0, 10.0]), torch.tensor([1.0, 2.0, 5.0]))
    seen = []
    network.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    values = torch.tensor([[[2.0, torch.nan], [torch.nan, 5.0], [0.0, 0.0]]])
    mask = torch.tensor([[True, True, False]])
    network(Batch(values, mask, elapsed=torch.tensor([[0.0, 20.0, 0.0]])))
    assert seen[0].tolist() == [[[1, 0, 0, 1, -2], [0, 2, 1, 0, 2], [0, 0, 0, 0, 0]]]


def test_a_batch_without_the_clock_is_an_internal_error() -> None:
    network = Network(Architecture.of("gru", clock="elapsed"), channels=1, outputs=1)
    with pytest.raises(InternalError) as error:
        network(Batch(torch.zeros(1, 3, 1), torch.ones(1, 3, dtype=torch.bool)))
    assert str(error.value) == "a network with clock='elapsed' got a batch without the time between steps"
