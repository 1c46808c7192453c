import csv
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer

from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.errors import DataError, OutputError, ParameterError
from limelight.model.fitted import FittedModel
from limelight.parts.architecture import Architecture, preset
from limelight.parts.encoders import LSTM, ConvLSTM
from limelight.task import Task
from limelight.training.callbacks import StopOnInterrupt
from limelight.training.fit import FitResult, fit
from limelight.training.preparation import digest_of as digest
from limelight.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("short_epochs")

SMALL = Architecture.of(LSTM(hidden_size=8, dropout=0.2), "attention", "linear")
WAVES = generate_sine(SineSettings(dataset_size=120, num_points=30), seed=1)
TRAIN, CHECK = WAVES[:80], WAVES[80:]
TASK = Task.from_labels(WAVES.labels)


def fit_small_lstm(epochs: int = 3, panel: Panel = TRAIN, **options: object) -> FitResult:
    chosen = {name: options.pop(name) for name in ("patience", "workers") if name in options}
    settings = TrainingSettings(max_epochs=epochs, **{"patience": 50, **chosen})  # type: ignore[arg-type]
    return fit(panel, TASK, SMALL, **{"validation": CHECK, "settings": settings, **options})  # type: ignore[arg-type]


def weights_of(model: FittedModel) -> dict[str, torch.Tensor]:
    return model.network.state_dict()


def same_weights(one: FitResult, other: FitResult) -> bool:
    mine, theirs = weights_of(one.model), weights_of(other.model)
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


def history_without_seconds(training: FitResult) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in training.history]


def test_same_seed_gives_the_same_numbers_twice() -> None:
    first, second = fit_small_lstm(seed=3), fit_small_lstm(seed=3)
    assert history_without_seconds(first) == history_without_seconds(second)
    assert same_weights(first, second)


def test_another_seed_gives_other_numbers() -> None:
    assert not same_weights(fit_small_lstm(seed=3), fit_small_lstm(seed=4))


def test_global_random_state_is_unchanged() -> None:
    torch_before, numpy_before, python_before = (
        torch.get_rng_state(),
        np.random.get_state(),
        random.getstate(),
    )
    fit_small_lstm()
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert (np.random.get_state()[1] == numpy_before[1]).all()
    assert random.getstate() == python_before


def test_numbers_do_not_depend_on_the_global_random_state() -> None:
    first = fit_small_lstm(seed=3)
    torch.manual_seed(99)
    np.random.seed(99)
    assert same_weights(first, fit_small_lstm(seed=3))


def test_best_weights_are_restored() -> None:
    training = fit_small_lstm(epochs=6)
    losses = [row["validation_loss"] for row in training.history]
    assert training.best_epoch == 1 + int(np.argmin(losses))
    logits = training.model.predict(CHECK).logits[:, 0]
    targets = TASK.encode(CHECK.labels)
    loss = np.mean(np.logaddexp(0, logits) - targets * logits)
    assert loss == pytest.approx(min(losses), abs=1e-5)


def test_training_stops_when_validation_gets_no_better() -> None:
    settings = TrainingSettings(max_epochs=200, patience=2, learning_rate=0.1)
    training = fit(TRAIN, TASK, SMALL, validation=CHECK, settings=settings)
    assert training.stopped == "no better validation loss"
    assert len(training.history) == training.best_epoch + 2


def test_without_validation_all_epochs_run_and_the_last_weights_remain() -> None:
    training = fit_small_lstm(epochs=4, validation=None)
    assert (len(training.history), training.best_epoch, training.stopped) == (4, 4, "all epochs done")
    assert "validation_loss" not in training.history[0]


def test_scaling_is_fitted_on_the_training_series_alone() -> None:
    values = TRAIN.compact().values.astype(np.float64)
    normalisation = fit_small_lstm(epochs=1).model.network.normalisation
    assert normalisation.mean.item() == pytest.approx(values.mean(), rel=1e-5)
    assert normalisation.scale.item() == pytest.approx(values.std(), rel=1e-5)


def test_learning_rate_rises_and_falls_again() -> None:
    rates = [row["learning_rate"] for row in fit_small_lstm(epochs=10).history]
    top = int(np.argmax(rates))
    assert 0 < top < 9
    assert rates[-1] < 1e-4 < max(rates)
    assert max(rates) <= TrainingSettings().learning_rate


def test_history_is_written_as_csv(tmp_path: Path) -> None:
    training = fit_small_lstm(folder=tmp_path)
    with (tmp_path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["validation_loss"]) for row in rows] == [row["validation_loss"] for row in training.history]
    assert set(rows[0]) == {
        "epoch", "train_loss", "validation_accuracy", "validation_f1", "validation_loss", "learning_rate", "seconds"
    }  # fmt: skip


def test_tensorboard_files_appear_when_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    fit_small_lstm(epochs=1, folder=tmp_path)
    assert list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fit_small_lstm(epochs=1)
    assert list(tmp_path.iterdir()) == []


class KilledError(Exception):
    pass


def killed_in_epoch(epoch: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    steps = []

    def kill(self: object, trainer: object, *rest: object) -> None:
        steps.append(trainer.current_epoch)  # type: ignore[attr-defined]
        if steps.count(epoch) == 5:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(StopOnInterrupt, "on_train_batch_end", kill)
        with pytest.raises(KilledError):
            fit_small_lstm(epochs=5, seed=3, folder=folder)


def test_resumed_training_equals_an_uninterrupted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit_small_lstm(epochs=5, seed=3)
    killed_in_epoch(3, monkeypatch, tmp_path)
    resumed = fit_small_lstm(epochs=5, seed=3, folder=tmp_path, resume=True)
    assert history_without_seconds(resumed) == history_without_seconds(whole)
    assert same_weights(resumed, whole)


def test_workers_change_no_number_and_are_closed_afterwards() -> None:
    others = {process.pid for process in multiprocessing.active_children()}  # of tests before
    independent = fit_small_lstm(epochs=4, seed=3)
    helped = fit_small_lstm(epochs=4, seed=3, workers=2)
    assert history_without_seconds(helped) == history_without_seconds(independent)
    assert same_weights(helped, independent)
    assert {process.pid for process in multiprocessing.active_children()} <= others


def test_a_training_resumed_with_workers_ends_as_one_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_in_epoch(3, monkeypatch, tmp_path)
    resumed = fit_small_lstm(epochs=5, seed=3, folder=tmp_path, resume=True, workers=1)
    assert same_weights(resumed, fit_small_lstm(epochs=5, seed=3))


def test_resuming_another_training_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_in_epoch(1, monkeypatch, tmp_path)
    with pytest.raises(ParameterError) as error:
        fit_small_lstm(epochs=5, seed=4, folder=tmp_path, resume=True)
    assert str(error.value) == (
        "expected the data, model, settings and seed of the training to resume, got different ones; resume with the same experiment, or train without resuming"
    )


def test_resuming_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as error:
        fit_small_lstm(folder=tmp_path, resume=True)
    file = tmp_path / "checkpoints" / "last.ckpt"
    assert str(error.value) == (f"there is no checkpoint to resume from at {str(file)!r}; train without resuming")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to a process on Windows")
def test_ctrl_c_keeps_the_best_model_so_far() -> None:
    code = """
import torch; torch.set_num_threads(1)
from limelight.training.callbacks import History
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.estimator import TimeSeriesClassifier
import warnings
panel = generate_sine(SineSettings(dataset_size=200, num_points=30))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    record = History.on_train_epoch_end
    def announce(self, *arguments):
        record(self, *arguments)
        print("epoch", flush=True)
    History.on_train_epoch_end = announce
    model = TimeSeriesClassifier("conv_lstm", training={'max_epochs': 5000, 'patience': 5000}, random_state=0).fit(panel)
print([str(one.message) for one in caught if "interrupted" in str(one.message)])
print(model.predict(panel).shape)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "epoch\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    caught, shape = (line for line in output.splitlines() if line != "epoch")
    assert caught.startswith("['training was interrupted in epoch ")
    assert caught.endswith(", the best so far']")
    assert shape == "(200,)"
    assert process.returncode == 0


def test_missing_values_are_refused_before_training_on_request() -> None:
    panel = TRAIN.compact()
    panel.values = panel.values.copy()
    panel.values[35, 0] = np.nan
    with pytest.raises(DataError) as error:
        fit(panel, TASK, replace(SMALL, missing="error"))
    assert str(error.value) == (
        f"expected a number everywhere, got a missing value (NaN) in series {str(panel.ids[1])!r}, step 5, channel "
        "'wave'; choose missing='mask', 'last', 'linear' or 'mean' for the model, fill it in, or remove the series"
    )


@pytest.mark.whole_epochs
def test_ragged_series_are_learned_but_not_with_shuffled_labels() -> None:
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(rng.integers(20, 60), 1)) for _ in range(240)]
    labels = rng.permutation(np.arange(240) % 2)
    for one, label in zip(series, labels, strict=True):
        start = rng.integers(0, len(one) - 10)
        one[start : start + 10] += 2.5 * (2 * label - 1)
    panel = Panel.from_series(series, labels=labels)
    architecture = Architecture.of(ConvLSTM(filters=16, hidden_size=16, stride=4))
    settings = TrainingSettings(max_epochs=12)

    def score(taught: Panel) -> float:
        model = fit(taught[:160], Task((0, 1)), architecture, validation=taught[160:180], settings=settings).model
        return float(np.mean(model.predict(panel[180:]).labels == labels[180:]))

    assert score(panel) >= 0.95
    assert score(panel.with_labels(rng.permutation(labels))) <= 0.75


def test_resuming_a_training_that_had_stopped_early_changes_nothing(tmp_path: Path) -> None:
    settings = TrainingSettings(max_epochs=200, patience=2, learning_rate=0.1)
    stopped = fit(TRAIN, TASK, SMALL, validation=CHECK, settings=settings, folder=tmp_path)
    again = fit(TRAIN, TASK, SMALL, validation=CHECK, settings=settings, folder=tmp_path, resume=True)
    assert (again.stopped, history_without_seconds(again)) == (stopped.stopped, history_without_seconds(stopped))
    assert same_weights(again, stopped)


def interrupted_in_epoch(epoch: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> FitResult:
    seen = StopOnInterrupt.on_train_batch_end

    def ask(self: StopOnInterrupt, trainer: Trainer, *rest: object) -> None:
        self.interrupted = self.interrupted or trainer.current_epoch == epoch
        seen(self, trainer, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(StopOnInterrupt, "on_train_batch_end", ask)
        return fit_small_lstm(epochs=5, seed=3, folder=folder)


def test_resuming_after_ctrl_c_repeats_the_interrupted_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert interrupted_in_epoch(2, monkeypatch, tmp_path).stopped == "interrupted"
    resumed = fit_small_lstm(epochs=5, seed=3, folder=tmp_path, resume=True)
    assert history_without_seconds(resumed) == history_without_seconds(fit_small_lstm(epochs=5, seed=3))


@pytest.mark.parametrize("changed", ["labels", "validation", "sentence"])
def test_resuming_with_other_data_or_another_model_is_refused(tmp_path: Path, changed: str) -> None:
    fit_small_lstm(epochs=1, folder=tmp_path)
    labels = TRAIN.require_labels()
    panel = TRAIN.with_labels(labels[::-1]) if changed == "labels" else TRAIN
    validation = CHECK[:30] if changed == "validation" else CHECK
    architecture = Architecture.of("gru") if changed == "sentence" else SMALL
    settings = TrainingSettings(max_epochs=1, patience=50)
    with pytest.raises(ParameterError, match=r"^expected the data, model, settings and seed of the training to res"):
        fit(panel, TASK, architecture, validation=validation, settings=settings, folder=tmp_path, resume=True)


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    fit_small_lstm(epochs=1, folder=tmp_path)
    file = tmp_path / "checkpoints" / "last.ckpt"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(OutputError) as error:
        fit_small_lstm(epochs=1, folder=tmp_path, resume=True)
    assert str(error.value) == f"the checkpoint {str(file)!r} is damaged (RuntimeError); train without resuming"


def test_diverged_training_is_reported_and_not_kept() -> None:
    with pytest.raises(ParameterError) as error:
        fit(TRAIN, TASK, preset("lstm"), settings=TrainingSettings(max_epochs=3, learning_rate=9.0))
    assert str(error.value) == (
        "the training diverged with learning_rate=9.0: some weights are not finite; lower it, or use "
        "activation 'tanh' if the encoder has 'relu'"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that is asked for")
def test_missing_gpu_is_reported() -> None:
    with pytest.raises(ParameterError) as error:
        fit(TRAIN, TASK, SMALL, settings=TrainingSettings(device="gpu"))
    assert str(error.value) == "expected a GPU for device='gpu', got a machine without one; use 'auto' or 'cpu'"


def test_the_digest_identifies_the_series() -> None:
    values = TRAIN.compact().values.copy()
    values[3] += 1
    labels = TRAIN.require_labels()
    others = {
        "values": TRAIN.compact().replace(values=values),
        "labels": TRAIN.with_labels(labels[::-1]),
        "times": TRAIN.replace(times=np.arange(len(TRAIN.values))),
        "rows": TRAIN[1:],
        "none": None,
    }
    digests = {name: digest(panel) for name, panel in others.items()}
    assert digest(TRAIN) == digest(TRAIN.compact())
    assert len({digest(TRAIN), *digests.values()}) == 6


def test_stored_series_are_identified_by_the_file_fingerprint() -> None:
    class Files:
        def __init__(self, fingerprint: str) -> None:
            self.fingerprint = fingerprint

        def arrays(self) -> dict[str, object]:
            return {}

        def note_read(self, lengths: object) -> None:
            raise AssertionError("the values need not be read")

    one, same, other = (TRAIN.replace(backing=Files(name)) for name in ("a", "a", "b"))
    assert digest(one) == digest(same) != digest(other)
    assert digest(one) != digest(one[1:])


def test_a_pruned_training_ends_after_that_epoch() -> None:
    reported: list[tuple[float, float]] = []

    def should_prune(done: float, loss: float) -> bool:
        reported.append((done, loss))
        return len(reported) == 2

    training = fit_small_lstm(4, should_prune=should_prune)
    assert training.stopped == "pruned"
    assert [row["validation_loss"] for row in training.history] == [loss for _, loss in reported]
    assert [done for done, _ in reported] == [0.25, 0.5]
