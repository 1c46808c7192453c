"""Auto: when a network is tried, how two encoders are compared, and the notes."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.annotations import StepLabels, StepSignals
from limelight.data.panel import Panel
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import Auto
from limelight.training.auto import fit_auto, held_out_loss
from limelight.training.encoder_choice import expected_seconds, may_train_network
from limelight.training.fit import fit
from limelight.training.result import FitResult
from limelight.training.settings import TrainingSettings
from support.panels import LEARNABLE, bump_panel

LABELS = np.arange(60) % 2
PLAIN = Panel.from_series(np.zeros((60, 5)), labels=LABELS)
MANY_SERIES = Panel.from_series(np.zeros((1_000, 40)), labels=np.arange(1_000) % 2)
WITH_METADATA = PLAIN.replace(metadata=pa.table({"mode": ["a", "b", "b"] * 20}))
WITH_SIGNALS = PLAIN.replace(signals=StepSignals(np.zeros((300, 1), np.int16), ("state",), (("on",),)))


class Trainer:
    """Replace fit(): its models predict with a stated accuracy, and it records its calls."""

    def __init__(self, interrupted: bool = False, **knowledge: float) -> None:
        self.knowledge, self.interrupted = knowledge, interrupted
        self.fits: list[tuple[str, int]] = []

    def __call__(self, panel: Panel, *, architecture: Architecture, **rest: Any) -> FitResult:
        name = architecture.encoder.name
        self.fits.append((name, len(panel)))

        def predict(new: Panel) -> Any:
            sign = np.where(new.require_labels() == 1, 1.0, -1.0)
            noise = np.random.default_rng(len(new)).normal(size=len(new))
            return SimpleNamespace(logits=(sign * self.knowledge[name] + noise)[:, None])

        reads = SimpleNamespace(needs_metadata=panel.metadata is not None)
        model: Any = SimpleNamespace(
            predict=predict, architecture=reads, network=SimpleNamespace(signals=None), name=name
        )
        stopped = "interrupted" if self.interrupted and name == "conv_lstm" else "solved"
        return FitResult(model, [], 0, stopped, 0.0)


def choose_encoder(
    trainer: Trainer, panel: Panel = WITH_SIGNALS, validation: Panel | None = None, **words: Any
) -> tuple[str, str]:
    """Return the chosen encoder and the note about it."""
    settings = TrainingSettings(imbalance=words.pop("imbalance", "none"))
    architecture = Architecture.of(**words)
    training = fit_auto(panel, task_of(panel), architecture, trainer, settings=settings, validation=validation)
    (note,) = training.notes
    return training.model.name, note  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("blocks", "conv_lstm", "better"), [(2.0, 0.5, "blocks"), (0.5, 2.0, "conv_lstm"), (1.0, 1.0, "blocks")]
)
def test_the_lower_log_loss_is_chosen_and_ties_keep_blocks(blocks: float, conv_lstm: float, better: str) -> None:
    name, note = choose_encoder(Trainer(blocks=blocks, conv_lstm=conv_lstm))
    assert name == better
    assert note.startswith(f"encoder: {better}, log loss ")
    assert note.endswith(" on 60 series in 5 folds" if better == "conv_lstm" or blocks == 1.0 else " folds")


def test_a_network_that_is_clearly_worse_ends_the_comparison() -> None:
    trainer = Trainer(blocks=2.0, conv_lstm=0.5)
    _, note = choose_encoder(trainer)
    assert note.endswith(" of conv_lstm on 24 series in 2 of 5 folds")
    assert trainer.fits == [("blocks", 60), *[("blocks", 48), ("conv_lstm", 48)] * 2]


def test_both_encoders_share_folds_and_the_better_is_refitted() -> None:
    trainer = Trainer(blocks=0.5, conv_lstm=2.0)
    choose_encoder(trainer)
    folds = [("blocks", 48), ("conv_lstm", 48)] * 5
    assert trainer.fits == [("blocks", 60), *folds, ("conv_lstm", 60)]


def test_enough_validation_series_replace_folds() -> None:
    trainer = Trainer(blocks=0.5, conv_lstm=2.0)
    name, note = choose_encoder(trainer, validation=WITH_SIGNALS)
    assert trainer.fits == [("blocks", 60), ("conv_lstm", 60)]
    assert (name, note[-24:]) == ("conv_lstm", " on 60 validation series")


@pytest.mark.parametrize("panel", [PLAIN, WITH_METADATA], ids=["plain", "metadata"])
def test_few_series_use_blocks(panel: Panel) -> None:
    trainer = Trainer(blocks=0.5)
    assert choose_encoder(trainer, panel) == (
        "blocks",
        "encoder: blocks, as 60 series are too few for a network to be better",
    )
    assert trainer.fits == [("blocks", 60)]


def test_a_network_beyond_the_budget_is_not_tried() -> None:
    many = Panel.from_series(np.zeros((1_200, 300)), labels=np.arange(1_200) % 2)
    trainer = Trainer(blocks=0.5)
    name, note = choose_encoder(trainer, many, encoder=Auto(time_budget=5.0))
    seconds = expected_seconds(many, TrainingSettings())
    assert (name, note) == (
        "blocks",
        f"encoder: blocks, as conv_lstm would train for about {seconds:.0f} s, more than the time_budget of 5 s",
    )
    assert choose_encoder(Trainer(blocks=0.5, conv_lstm=1.0), many, encoder=Auto(time_budget=1e4))[0] == "conv_lstm"


@pytest.mark.parametrize(("affordable", "folds"), [(1, "1 of 3"), (2, "2 of 3"), (3, "3"), (4, "3"), (5, "5")])
def test_the_budget_limits_the_number_of_folds(affordable: int, folds: str) -> None:
    budget = 1.01 * affordable * expected_seconds(WITH_SIGNALS, TrainingSettings())
    trainer = Trainer(blocks=1.0, conv_lstm=1.0)
    _, note = choose_encoder(trainer, encoder=Auto(time_budget=budget))
    assert note.endswith(f" in {folds} folds")
    assert len(trainer.fits) == 1 + 2 * int(folds[0])


def test_an_interrupted_comparison_keeps_blocks() -> None:
    name, note = choose_encoder(Trainer(interrupted=True, blocks=0.5, conv_lstm=2.0))
    assert (name, note) == ("blocks", "encoder: blocks, as the comparison was interrupted")


def test_too_few_series_to_hold_out_select_blocks() -> None:
    name, note = choose_encoder(Trainer(blocks=0.5), WITH_SIGNALS[:4])
    assert (name, note) == ("blocks", "encoder: blocks, as there are too few series to hold any out")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"pooling": "last"}, "as 'pooling' is set, which blocks does not have"),
        ({"pooling": "mean", "head": "linear"}, "as 'pooling', 'head' are set, which blocks does not have"),
        ({"fusion": "film"}, "as 'fusion' is set, which blocks does not have"),
        ({"imbalance": "focal"}, "as imbalance='focal' needs training by gradient descent"),
    ],
)
def test_tasks_that_blocks_do_not_support_use_a_network(words: dict[str, Any], why: str) -> None:
    trainer = Trainer(conv_lstm=1.0)
    assert choose_encoder(trainer, **words) == ("conv_lstm", f"encoder: conv_lstm, {why}")
    assert trainer.fits == [("conv_lstm", 60)]


def test_labels_of_steps_use_a_network() -> None:
    panel = Panel.from_series(np.zeros((2, 2)), step_labels=StepLabels.of(["a", "b", "b", "a"]))
    assert choose_encoder(Trainer(conv_lstm=1.0), panel) == ("conv_lstm", "encoder: conv_lstm, as labels are per step")


def test_hardly_known_labels_use_a_network() -> None:
    labels = np.stack([LABELS, np.where(np.arange(60) < 4, LABELS, np.nan)], axis=1)
    panel = PLAIN.replace(labels=labels, label_names=("often", "seldom"))
    assert (
        choose_encoder(Trainer(conv_lstm=1.0), panel)[1] == "encoder: conv_lstm, as a label is known for only 4 series"
    )


def test_an_overconfident_model_is_compared_after_calibration() -> None:
    sign = np.where(LABELS == 1, 1.0, -1.0) + np.random.default_rng(0).normal(size=60)
    losses = [held_out_loss(task_of(PLAIN), PLAIN, factor * sign[:, None]) for factor in (1.0, 30.0)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert losses[0] < np.log(2)


def test_files_of_a_rejected_network_are_removed(tmp_path: Path) -> None:
    panel = bump_panel(120, num_points=30)
    panel = panel.with_labels(np.where(np.abs(panel.values.reshape(120, 30)).max(axis=1) > 1.55, "high", "low"))
    architecture = replace(Architecture.of(), encoder=Auto())
    settings = TrainingSettings(max_epochs=1)
    training = fit(
        panel[:60], task_of(panel), architecture, validation=panel[60:], settings=settings, folder=tmp_path, seed=0
    )
    encoder = training.model.architecture.encoder.name
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == [] if encoder == "blocks" else "history.csv" in left
    assert training.choosing > 0


@pytest.mark.slow
def test_auto_learns_an_interaction_of_series_and_metadata() -> None:
    panel = bump_panel(400, **LEARNABLE)
    train, test = panel.split(test=0.25)
    training = fit(train, task_of(train), Architecture.of())
    assert training.model.architecture.encoder.name == "blocks"
    assert np.mean(training.model.predict(test).labels == test.labels) >= 0.95


@pytest.mark.parametrize(
    ("panel", "encoder", "expected"),
    [
        (PLAIN, "auto", False),
        (PLAIN, "blocks", False),
        (PLAIN, "conv_lstm", True),
        (WITH_METADATA, "auto", False),
        (WITH_SIGNALS, "auto", True),
        (MANY_SERIES, "auto", True),
        (MANY_SERIES, {"name": "auto", "time_budget": 1.0}, False),
    ],
    ids=["few", "blocks", "network", "metadata", "signals", "many", "no time"],
)
def test_a_possible_network_is_known_before_training(panel: Panel, encoder: Any, expected: bool) -> None:
    assert may_train_network(panel, Architecture.of(encoder), TrainingSettings()) is expected
