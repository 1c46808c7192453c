"""A network uses metadata only if leave-one-out with fixed features shows that they help."""

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.annotations import StepSignals
from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.training.fit import fit
from limelight.training.metadata_gate import METADATA_NOT_USED, metadata_help, with_useful_metadata
from limelight.training.settings import TrainingSettings

ONE_EPOCH = TrainingSettings(max_epochs=1)
GRU = Architecture.of({"name": "gru", "hidden_size": 3}, "last", "linear")


def bumps(count: int = 80, seed: int = 0) -> Panel:
    """Series whose label is an exclusive or of their bumps and a mode."""
    return generate_bumps(BumpSettings(dataset_size=count, num_points=40), seed)[0]


def with_sham(panel: Panel, seed: int) -> Panel:
    random, n = np.random.default_rng(seed), len(panel)
    columns = {"site": random.choice(["north", "south", "east"], n).tolist(), "age": random.normal(size=n)}
    return panel.replace(metadata=pa.table(columns))


@pytest.mark.parametrize("seed", range(5))
def test_metadata_useful_only_in_products_help(seed: int) -> None:
    panel = bumps(seed=seed)
    assert metadata_help(panel, task_of(panel), None, seed) is True
    assert metadata_help(with_sham(panel, seed), task_of(panel), None, seed) is False


def test_a_field_equal_to_the_label_helps() -> None:
    panel = with_sham(bumps(), 0)
    panel = panel.replace(metadata=panel.metadata.append_column("class", pa.array(panel.labels.tolist())))
    assert metadata_help(panel, task_of(panel), None, 0) is True


def test_too_few_series_decide_nothing() -> None:
    assert metadata_help(bumps(11), task_of(bumps(11)), None, 0) is None


def test_metadata_may_help_with_several_labels() -> None:
    panel = with_sham(bumps(), 0)
    labels = np.stack([np.random.default_rng(7 + place).integers(0, 2, len(panel)) for place in (0, 1)], axis=1)
    panel = panel.replace(labels=labels.astype(float), label_names=("rain", "fog"))
    assert metadata_help(panel, task_of(panel), None, 0) is False
    shown = panel.replace(metadata=pa.table({"fog": labels[:, 1].astype(bool)}))
    assert metadata_help(shown, task_of(panel), None, 0) is True


def test_side_signals_are_left_to_the_network() -> None:
    panel = with_sham(bumps(30), 0)
    signals = StepSignals(np.zeros((len(panel.values), 1), dtype=np.int16), ("valve",), (("open", "shut"),))
    panel = panel.replace(signals=signals)
    assert metadata_help(panel, task_of(panel), {"valve": "category", "age": "ignore"}, 0) is False


@pytest.mark.parametrize(
    "architecture",
    [Architecture.of("gru", fusion="late"), Architecture.of("gru", fusion="attention")],
    ids=["late", "attention"],
)
def test_a_stated_fusion_is_kept(architecture: Architecture) -> None:
    panel = with_sham(bumps(30), 0)
    assert with_useful_metadata(architecture, panel, task_of(panel), None, 0) == (architecture, ())


def test_a_network_without_useful_metadata_trains_as_without_any() -> None:
    panel = with_sham(bumps(40), 0)
    gated, plain = (fit(one, task_of(panel), GRU, settings=ONE_EPOCH) for one in (panel, panel.replace(metadata=None)))
    assert METADATA_NOT_USED in gated.notes
    assert METADATA_NOT_USED not in plain.notes
    assert gated.model.architecture.fusion == ()
    np.testing.assert_array_equal(gated.model.predict(panel).logits, plain.model.predict(panel).logits)


def test_a_network_with_useful_metadata_reads_them() -> None:
    found = fit(bumps(), task_of(bumps()), GRU, settings=ONE_EPOCH)
    assert found.model.architecture.fusion != ()
    assert METADATA_NOT_USED not in found.notes
