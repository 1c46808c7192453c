"""limelight export, from a run to the same predictions without torch."""

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from limelight.export.web_runtime import RUNTIME_FILE
from limelight.model.bundle import save_model
from limelight.runtime import open_model
from support.commands import Commands
from support.machines import write_machines
from support.models import random_network_model


def test_an_exported_run_reads_and_predicts_as_the_command(limelight: Commands, tmp_path: Path) -> None:
    write_machines(tmp_path)
    tables = ["--id", "measurement", "--metadata", "machines.csv"]
    columns = ["--labels", "states.csv", "--label", "state", *tables]
    limelight("train", "measurements.csv", *columns, "--output", "run", "--set", "model.encoder=rocket")
    printed = limelight("export", "run", "--to", "onnx")
    assert printed.startswith("written to run.onnx (")
    limelight("predict", "run", "measurements.csv", "--metadata", "machines.csv", "--output", "own.parquet")
    model = open_model("run.onnx")
    prediction = model.predict(model.read("measurements.csv", metadata="machines.csv"))
    own = pq.read_table("own.parquet")
    assert prediction.ids.tolist() == own["series_id"].to_pylist()
    assert prediction.labels.tolist() == own["prediction"].to_pylist()
    np.testing.assert_allclose(prediction.probabilities[:, 0], own["probability_ok"], atol=1e-5)


def test_a_model_becomes_a_page(limelight: Commands, tmp_path: Path) -> None:
    save_model(random_network_model(), tmp_path / "run")
    (tmp_path / RUNTIME_FILE).write_text("")  # a script that is there is used
    printed = limelight("export", "run", "--to", "html")
    assert re.fullmatch(rf"written to run.html \(\d+ kB\); it needs {RUNTIME_FILE} beside it\n", printed)
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_runtime_belongs_to_a_page(limelight: Commands, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert limelight("export", "run", "--runtime", "node_modules", code=2) == (
        "limelight: expected --runtime with --to html, got it with --to onnx; drop --runtime\n"
    )


def test_an_existing_file_is_kept_without_overwrite(limelight: Commands, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "model.onnx").write_text("precious")
    assert limelight("export", "run", "--output", "model.onnx", code=2) == (
        "limelight: 'model.onnx' already exists; pass --overwrite to replace it, or choose another output\n"
    )
    assert (tmp_path / "model.onnx").read_text() == "precious"


def test_an_unknown_format_is_refused_in_one_sentence(limelight: Commands) -> None:
    assert limelight("export", "run", "--to", "tflite", code=2) == (
        "limelight: invalid value for '--to': 'tflite' is not one of 'onnx', 'html'; limelight export --help lists what there is\n"
    )
