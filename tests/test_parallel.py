"""Calls on Ray: in order, repeated if their worker was killed, and the same numbers as in one process."""

import json
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

from limelight import parallel
from limelight.data.panel import Panel
from limelight.data.synthetic.sine import SineSettings, generate_sine
from limelight.data.writing import write_table
from limelight.errors import DataError, LostWorkerError, ParameterError
from limelight.explanation.methods import parts
from limelight.explanation.methods.registry import explain
from limelight.model import predictor
from limelight.model_selection.comparison import compare
from limelight.model_selection.cross_validation import validate
from limelight.model_selection.tuning import tune
from limelight.parallel import require_jobs, run_parallel
from support.commands import Commands
from support.models import random_network_model
from support.mortal import MortalModel
from support.workers import die, die_once, refuse

WAVES = generate_sine(SineSettings(dataset_size=60, num_points=12))
ROCKET = {"encoder": {"name": "rocket", "features": 84}}


def random_panel(lengths: list[int]) -> Panel:
    random = np.random.default_rng(0)
    return Panel.from_series([random.normal(size=(length, 2)) for length in lengths])


@pytest.fixture(scope="module")
def on_ray() -> Iterator[str]:
    """Ray on this machine with two small workers; in a process of its own, it takes about ten seconds to start."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    before = dict(os.environ)
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), before.get("PYTHONPATH", "")])
    ray.init(
        "local", num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, logging_level="ERROR",
        log_to_driver=False,
    )  # fmt: skip
    yield "ray"
    ray.shutdown()
    os.environ.clear()
    os.environ.update(before)


def run(function: object, count: int, on: str, *, ordered: bool = True) -> list[int]:
    return list(run_parallel(function, ((number,) for number in range(count)), 1, ordered=ordered, on=on))  # type: ignore[arg-type]


def test_a_killed_worker_loses_and_doubles_nothing(on_ray: str, tmp_path: Path) -> None:
    assert run(partial(die_once, tmp_path / "died"), 9, on_ray) == list(range(9))
    assert (tmp_path / "died").exists()


def test_results_in_any_order_are_all_there(on_ray: str, tmp_path: Path) -> None:
    assert sorted(run(partial(die_once, tmp_path / "died"), 9, on_ray, ordered=False)) == list(range(9))


def test_a_worker_lost_again_and_again_ends_the_work(on_ray: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "RETRIES", 1)
    with pytest.raises(LostWorkerError) as error:
        run(die, 1, on_ray)
    assert str(error.value) == (
        "expected workers of Ray that finish a call, got 2 that were lost (WorkerCrashedError), perhaps for want of "
        "memory; use machines with more memory, or fewer processors of each"
    )


def test_an_error_in_a_worker_ends_the_call(on_ray: str) -> None:
    with pytest.raises(DataError) as error:
        run(refuse, 9, on_ray)
    assert str(error.value) == "expected a number below 3, got 3; use a smaller one"


def test_unneeded_calls_are_cancelled(on_ray: str) -> None:
    results = run_parallel(round, ((number + 0.4,) for number in range(50)), 1, ordered=True, on=on_ray)
    assert next(results) == 0
    results.close()
    assert run(round, 3, on_ray) == [0, 1, 2]


def test_a_killed_worker_loses_no_prediction(on_ray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, panel = random_network_model(), random_panel([5, 9, 7, 3, 8, 2])
    monkeypatch.setattr(predictor, "SERIES_PER_PART", 2)
    mortal = MortalModel(**{**model.__dict__, "marker": tmp_path / "died"})
    found = mortal.predict(panel, attention=True, on=on_ray)
    assert (tmp_path / "died").exists()
    whole = model.predict(panel, attention=True)
    assert found.ids.tolist() == whole.ids.tolist()
    np.testing.assert_allclose(found.logits, whole.logits, atol=1e-6)


def test_predictions_of_processes_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, panel = random_network_model(), random_panel([5, 9, 7, 3, 8, 2])
    monkeypatch.setattr(predictor, "SERIES_PER_PART", 2)
    with joblib.parallel_config("threading"):
        found = model.predict(panel, jobs=2)
    np.testing.assert_allclose(found.logits, model.predict(panel).logits, atol=1e-6)


@pytest.mark.parametrize("method", ["occlusion", "attention", "gradients"])
def test_explanations_of_processes_are_those_of_one(method: str, on_ray: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_SERIES", 2)
    model, panel = random_network_model(), random_panel([20, 9, 27, 13, 8])
    target = None if method == "attention" else list("abbab")
    mine, theirs = (explain(model, panel, method, target, **where) for where in ({}, {"on": on_ray}))
    assert theirs.panel.ids.tolist() == theirs.prediction.ids.tolist() == panel.ids.tolist()
    for one, other in zip(mine.importance, theirs.importance, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert mine.table().schema == theirs.table().schema


def test_a_target_for_too_few_series_is_refused_in_processes() -> None:
    with pytest.raises(ParameterError) as error:
        explain(random_network_model(), random_panel([20, 9, 27]), "occlusion", ["a", "b"], jobs=2)
    assert str(error.value) == ("expected one target, or one for each of the 3 series, got 2 targets; name a class")


def test_folds_on_ray_have_the_same_scores(on_ray: str) -> None:
    here, there = (validate(WAVES, ROCKET, folds=2, on=on) for on in (None, on_ray))
    assert [fold.scores for fold in here.folds] == [fold.scores for fold in there.folds]


def test_a_comparison_on_ray_has_the_same_scores(on_ray: str) -> None:
    here, there = (compare(WAVES, ROCKET, folds=2, on=on) for on in (None, on_ray))
    assert [row.scores for row in here.rows] == [row.scores for row in there.rows]


def test_trials_run_on_ray(on_ray: str, tmp_path: Path) -> None:
    found = tune(WAVES, ROCKET, trials=3, only=["learning_rate"], validation=0.4, folder=tmp_path, on=on_ray)
    assert [trial.number for trial in found.trials] == [0, 1, 2]


def test_commands_write_the_same_tables_on_ray(limelight: Commands, on_ray: str) -> None:
    write_table(WAVES, Path("waves"))
    limelight("train", "waves", "--output", "run", "--set", f"model={json.dumps(ROCKET)}")
    for command in ("predict", "explain"):
        limelight(command, "run", "waves", "-o", "here.csv", "--overwrite")
        limelight(command, "run", "waves", "-o", "there.csv", "--overwrite", "--on", on_ray)
        assert Path("here.csv").read_text() == Path("there.csv").read_text()


@pytest.mark.parametrize(
    ("jobs", "on", "message"),
    [
        (0, None, "expected at least 1 job, got 0"),
        (1, "dask", "expected 'ray' or the address of a cluster such as 'ray://host:10001', got 'dask'"),
        (1, "ray://host", "expected 'ray' or the address of a cluster such as 'ray://host:10001', got 'ray://host'"),
        (4, "ray", "expected jobs or 'ray', whose processors are all used, got both; drop jobs=4"),
    ],
)
def test_unusable_backends_are_refused(jobs: int, on: str | None, message: str) -> None:
    with pytest.raises(ParameterError) as error:
        require_jobs(jobs, on)
    assert str(error.value) == message


def test_without_ray_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ParameterError) as error:
        require_jobs(1, "ray")
    assert str(error.value) == "expected Ray, but it is not installed; install it with pip install 'limelight[ray]'"


def test_an_unreachable_cluster_is_refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(ParameterError) as error:
            list(run_parallel(round, [(1.4,)], 1, on=address))
    assert str(error.value) == (
        f"expected a Ray cluster at {address!r}, got none: [Errno 111] Connection refused; start it, or correct the "
        "address"
    )
