import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.model_selection.search_space import NAMES, changed, make_space, rounded, starting_point
from limelight.parts.architecture import PRESETS, preset
from limelight.parts.poolings import AttentionPooling, MetadataAttentionPooling
from limelight.parts.ranges import Choice, Range
from limelight.recipe import Recipe
from limelight.task import Task

TASK = Task(("a", "b"))


def panel(**arguments):
    return Panel.from_series([np.zeros(5)] * 100, **arguments)


def recipe(model=None, training=None):
    return Recipe.of(model, training)


def space_of(series, start, only=None, task=TASK):
    return make_space(series, task, start, only)


MODES = pa.table({"mode": ["early", "late"] * 50})


def test_metadata_are_tuned_if_there_are_any():
    assert set(NAMES) - set(space_of(panel(), recipe())) == {"fusion", "embedding_size"}
    assert {name for name in space_of(panel(metadata=MODES), recipe()) if "." not in name} == set(NAMES)


def test_numeric_metadata_have_no_embedding_size():
    numbers = pa.table({"age": np.arange(100.0)})
    assert "embedding_size" not in space_of(panel(metadata=numbers), recipe())


def test_metadata_attention_is_searched_only_for_series_labels():
    with_modes = panel(metadata=MODES)
    steps = Task(("a", "b"), level="step")
    assert space_of(with_modes, recipe())["fusion"] == Choice(("late", "repeat", "film", "attention"))
    assert space_of(with_modes, recipe({"pooling": "last"}))["fusion"] == Choice(("late", "repeat", "film"))
    assert space_of(with_modes, recipe(), task=steps)["fusion"] == Choice(("late", "repeat", "film"))


@pytest.mark.parametrize("name", [None, *PRESETS])
def test_the_search_space_contains_the_experiment(name):
    with_modes, own = panel(metadata=MODES), recipe(None if name is None else preset(name), {"learning_rate": 0.3})
    start = starting_point(with_modes, own)
    for key, limits in space_of(with_modes, own).items():
        if isinstance(limits, Choice):
            assert start[key] in limits.values
        else:
            assert limits.low <= start[key] <= limits.high


def test_limits_are_widened_to_include_the_experiment():
    own = recipe({"encoder": {"name": "lstm", "hidden_size": 500}}, {"batch_size": 4})
    space = space_of(panel(), own)
    assert space["units"] == Range(16, 500, log=True, whole=True)
    assert space["batch_size"] == Range(4, 100, log=True, whole=True)


def test_unchanged_parameters_are_kept():
    own = recipe({"encoder": {"name": "lstm", "hidden_size": [100, 50], "bidirectional": True}, "pooling": "max"})
    for parameters in ({}, {"learning_rate": 0.01}, {"encoder": "lstm"}):
        assert changed(own, parameters).architecture == own.architecture
    assert changed(own, {"learning_rate": 0.01}).training.learning_rate == 0.01


def test_another_encoder_keeps_units_directions_and_dropout():
    own = recipe({"encoder": {"name": "lstm", "hidden_size": 20, "bidirectional": True, "dropout": 0.4}})
    encoder = changed(own, {"encoder": "conv_lstm"}).architecture.encoder
    assert (encoder.name, encoder.hidden_size, encoder.bidirectional, encoder.dropout) == ("conv_lstm", 20, True, 0.4)


def test_layers_are_convolutions_or_recurrent_layers():
    assert changed(recipe({"encoder": "gru"}), {"layers": 3}).architecture.encoder.num_layers == 3
    assert changed(recipe({"encoder": "conv_lstm"}), {"layers": 2}).architecture.encoder.depth == 2


def test_one_size_replaces_a_list():
    own = recipe({"encoder": {"name": "lstm", "hidden_size": [100, 50]}})
    assert changed(own, {"units": 32}).architecture.encoder.sizes == [32, 32]
    assert changed(own, {"layers": 3}).architecture.encoder.sizes == [100, 100, 100]


def test_fusions_change_the_pooling_if_necessary():
    own = recipe(preset("metadata_attention"))
    late = changed(own, {"fusion": "late"}).architecture
    assert (late.fusion, type(late.pooling)) == (("late",), AttentionPooling)
    back = changed(recipe({"pooling": "attention", "fusion": "late"}), {"fusion": "attention"}).architecture
    assert (back.fusion, type(back.pooling)) == ((), MetadataAttentionPooling)


def test_embedding_sizes_are_overridden():
    assert changed(recipe(), {"embedding_size": 16}).architecture.context.embedding_size == 16


def test_values_are_rounded_to_three_digits():
    assert [rounded(value) for value in (0.0123456, 64, "late", 1.0)] == [0.0123, 64, "late", 1.0]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (["unitz"], "expected the name of a parameter to tune, got 'unitz'; did you mean 'units'?"),
        (
            ["fusion"],
            "expected parameters that can be tuned here, of encoder, learning_rate, batch_size, got 'fusion'; the"
            " series have no such metadata, or the network has no such part",
        ),
    ],
)
def test_parameters_that_cannot_be_tuned_are_refused(only, message):
    with pytest.raises(ParameterError) as error:
        space_of(panel(), recipe(), only)
    assert str(error.value) == message
