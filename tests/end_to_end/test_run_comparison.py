"""``limelight runs A B`` and ``limelight train --track``."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from limelight.evaluation.verdict import verdict
from limelight.runs import tracking
from limelight.runs.side_by_side import compare_runs
from support.commands import Commands

LABELS = ["ok", "ok", "ok", "bad", "bad", "<b>"]


def write_run(folder, predicted, ids=range(6), labels=LABELS, **changes):
    """Write what a comparison reads of a run: scores, predictions and the experiment."""
    folder.mkdir(parents=True)
    right = np.mean([one == label for one, label in zip(predicted, labels, strict=True)])
    metrics = {"test": {"n": 6, "accuracy": right, "log_loss": 1 - right, "intervals": {"accuracy": [0.1, 0.9]}}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "environment.json").write_text("{}")
    (folder / "experiment.json").write_text(json.dumps({"output": str(folder), "model": {"encoder": "gru", **changes}}))
    columns = {"series_id": [f"s{one}" for one in ids], "label": labels, "prediction": predicted}
    for name in sorted({*labels, *predicted}):
        columns[f"probability_{name}"] = [0.8 if one == name else 0.1 for one in predicted]
    parquet.write_table(pa.table(columns), folder / "predictions.parquet")
    return folder


@pytest.fixture
def command(monkeypatch, capsys):
    return Commands(monkeypatch, capsys)


@pytest.fixture
def runs(tmp_path):
    first = write_run(tmp_path / "runs" / "first", ["ok", "ok", "bad", "ok", "bad", "ok"])
    second = write_run(tmp_path / "runs" / "second", ["ok", "ok", "ok", "ok", "bad", "<b>"], dropout=0.1)
    return first, second


def test_two_runs_are_compared_on_the_same_series(runs):
    found = compare_runs(runs)
    (pair,) = found.pairs
    assert pair.difference.differences["accuracy"][0] == pytest.approx(2 / 6)
    assert (pair.difference.only_first, pair.difference.only_other) == (2, 0)
    assert pair.confusion == (("<b>", "<b>", 1), ("<b>", "ok", -1), ("ok", "bad", -1), ("ok", "ok", 1))


def test_only_common_series_are_compared(tmp_path, runs):
    third = write_run(tmp_path / "third", ["ok"] * 6, ids=range(2, 8), labels=[*LABELS[2:], "ok", "ok"])
    (pair,) = compare_runs([runs[0], third]).pairs
    assert pair.difference.n == 4
    assert pair.reason == "on the 4 test series that both have, 2 left out"


@pytest.mark.parametrize(
    ("ids", "labels", "reason"),
    [
        (range(10, 16), LABELS, "the two have no test series in common"),
        (range(6), ["bad", *LABELS[1:]], "the two have other labels for the same test series"),
    ],
)
def test_other_series_are_not_compared(tmp_path, runs, ids, labels, reason):
    third = write_run(tmp_path / "third", ["ok"] * 6, ids=ids, labels=labels)
    assert compare_runs([runs[0], third]).pairs[0].reason == reason


def test_the_command_prints_scores_differences_and_changes(command, runs):
    lines = command("runs", *runs).splitlines()
    assert lines[0].split() == ["first", "second"]
    assert lines[1] == "accuracy  0.500 (0.100 to 0.900)  0.833 (0.100 to 0.900)"
    assert "second minus first" in lines
    assert "  6 series; only it is right on 2, only the first on 0 (McNemar p = 0.5)" in lines
    assert lines[-1].split() == ["model.dropout", "0.1"]


def test_the_page_is_one_escaped_file(command, runs, tmp_path):
    command("runs", tmp_path / "runs", "--output", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_an_existing_page_is_kept(command, runs, tmp_path):
    (tmp_path / "page.html").write_text("mine")
    assert command("runs", *runs, "--output", tmp_path / "page.html", code=2) == (
        f"limelight: '{tmp_path}/page.html' already exists; pass --overwrite to replace it, or choose another output\n"
    )


def test_one_run_is_not_compared(command, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(runs[0].parent)  # messages shorten long paths
    first = Path(runs[0].name)
    assert command("runs", first, "--output", tmp_path / "page.html", code=2) == (
        f"limelight: expected two or more finished runs to compare, got '{first}'; name their folders\n"
    )


def test_track_without_mlflow_is_refused_first(command, monkeypatch, tmp_path):
    (tmp_path / "a.csv").write_text("series_id,x\na,1\n")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command("train", tmp_path / "a.csv", "--track", "mlflow", code=2) == (
        "limelight: expected MLflow, which --track needs, but it is not installed; install it with pip install "
        "'limelight[mlflow]'\n"
    )


@pytest.fixture
def tracked(command, monkeypatch, tmp_path):
    """A folder with a run that was tracked in a database there."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "data.sine.dataset_size": 60,
        "data.sine.num_points": 40,
        "model": '{"encoder": {"name": "rocket", "features": 84}}',
        "explain": "false",
    }
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    (tmp_path / "sine.json").write_text('{"data": {"sine": {}}}')
    printed = command("train", "sine.json", "--output", "run", "--track", "sqlite:///mlflow.db", *changes)
    assert printed.endswith("tracked: run 'run' of experiment 'limelight' at sqlite:///mlflow.db\n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow and its database warn about each other
def test_a_tracked_run_and_its_model_are_in_mlflow(tracked):
    import mlflow

    import limelight

    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    (experiment,) = [one for one in client.search_experiments() if one.name == "limelight"]
    (run,) = client.search_runs([experiment.experiment_id])
    metrics = json.loads((tracked / "run" / "metrics.json").read_text())
    assert run.data.metrics["test/accuracy"] == metrics["test"]["accuracy"]
    assert run.data.params["model.encoder.features"] == "84"
    assert "null" not in run.data.params.values()
    assert run.data.tags["limelight.encoder"] == "rocket"
    assert run.data.tags["mlflow.note.content"] == verdict(metrics)
    assert {one.path for one in client.list_artifacts(run.info.run_id)} >= {"report", "metrics.json"}
    page = Path(client.download_artifacts(run.info.run_id, "report/index.html")).read_text()
    assert 'src="plotly' not in page, "MLflow shows the page without the files next to it"
    (model,) = client.search_logged_models([experiment.experiment_id])
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    panel = limelight.generate_sine(limelight.SineSettings(dataset_size=5, num_points=40))
    frame = pa.table(
        {
            "series_id": np.repeat(panel.ids, 40),
            "time": np.tile(np.arange(40), 5),
            panel.channels[0]: panel.values[:, 0],
        }
    ).to_pandas()
    predictions = loaded.predict(frame)
    own = limelight.load(tracked / "run").predict_proba(panel)
    assert np.allclose(predictions["probability_anomalous"], own[:, 0])


def test_a_failed_record_keeps_the_run(tmp_path):
    folder = write_run(tmp_path / "run", ["ok"] * 6)
    with pytest.raises(
        tracking.OutputError, match=rf"^the run in '{folder}' is complete, but MLflow could not record it at"
    ):
        tracking.track_run(folder, "nowhere://x")
