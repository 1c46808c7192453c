"""limelight export, from a run to the same predictions without torch."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from limelight.runtime import open_model
from support.commands import Commands
from support.machines import write_machines


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


def test_an_existing_file_is_kept_without_overwrite(limelight: Commands, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("precious")
    assert limelight("export", "run", "--output", "model.onnx", code=2) == (
        "limelight: 'model.onnx' already exists; pass --overwrite to replace it, or choose another output\n"
    )
    assert (tmp_path / "model.onnx").read_text() == "precious"


def test_an_unknown_format_is_refused_in_one_sentence(limelight: Commands) -> None:
    assert limelight("export", "run", "--to", "tflite", code=2) == (
        "limelight: invalid value for '--to': 'tflite' is not one of 'onnx', 'html'; limelight export --help lists what there is\n"
    )
