"""Commands run in this process on small series."""

import csv
import html
import json
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from limelight.config import reading
from limelight.errors import ParameterError
from limelight.files import locked
from limelight.model import bundle
from support.commands import Commands

pytestmark = pytest.mark.usefixtures("short_epochs")

QUICK = ["--set", "data.sine.dataset_size=240", "--set", "data.sine.num_points=40", "--set", "training.max_epochs=1"]

ONE_EPOCH = ("--set", "training.max_epochs=1")
TRAINED = ("--set", "model.encoder=conv_lstm")
"""A network with epochs, checkpoints and attention; what nobody chose for is solved in closed form."""


def write_csv(file: Path, rows: list[list[object]]) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return file


def steps(ids: list[str], length: int = 12) -> list[list[object]]:
    random = np.random.default_rng(0)
    rows = [[name, step, round(random.normal(), 3)] for name in ids for step in range(length)]
    return [["series_id", "time", "force"], *rows]


def scores_in(printed: str) -> dict[str, list[str]]:
    """Read the rows of a table of scores that a training prints, by the first word; the first table counts."""
    rows = [line.split() for line in printed.splitlines()]
    table = {row[0]: row[1:] for row in reversed(rows) if row and row[0] in ("accuracy", "F1", "log")}
    assert len(table) == 3
    return table


def raise_interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Series of two machines states, as a user may have them."""
    here = tmp_path / "mine"
    here.mkdir()
    ids = [f"s{number}" for number in range(40)]
    write_csv(here / "series.csv", steps(ids))
    labels = [[name, "ok" if number % 2 else "fault"] for number, name in enumerate(ids)]
    write_csv(here / "labels.csv", [["series_id", "label"], *labels])
    return here


def test_demo_writes_a_complete_run(limelight: Commands, tmp_path: Path) -> None:
    printed = limelight("demo", *QUICK)
    run = tmp_path / "runs" / "demo"
    assert {file.name for file in run.iterdir()} >= {
        "experiment.json", "environment.json", "history.csv", "checkpoints", "model", "metrics.json",
        "predictions.parquet", "report",
    }  # fmt: skip
    assert (run / "report" / "index.html").is_file()
    assert list((run / "report").glob("attention_*.png"))
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["counts"] == {"train": 168, "validation": 24, "test": 48}
    assert metrics["localisation"]["series"] == 24
    assert re.search(rf"F1 \(anomalous\) +{metrics['test']['f1']:.3f} ", printed)
    assert "report: runs/demo/report/index.html" in printed


def test_demo_can_be_run_again(limelight: Commands) -> None:
    assert limelight("demo", *QUICK) == limelight("demo", *QUICK)


def test_generated_files_train_as_the_series_in_memory(limelight: Commands, tmp_path: Path) -> None:
    limelight("generate", "-o", "waves", *QUICK)
    assert sorted(file.name for file in (tmp_path / "waves").iterdir()) == ["labels.csv", "series.parquet", "split.csv"]
    limelight("train", "waves", "-o", "a", *ONE_EPOCH, "--set", "data.positive=anomalous", *TRAINED)
    limelight("demo", "-o", "b", *QUICK)
    first, second = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in "ab")
    assert first["test"] == second["test"]
    assert first["localisation"] == second["localisation"]


def test_train_evaluate_and_predict_on_files(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    trained = limelight("train", folder, "-o", "run", "--seed", 3, "--set", "training.max_epochs=2")
    assert scores_in(limelight("evaluate", "run")) == scores_in(trained)
    scores = json.loads(limelight("evaluate", "run", folder, "--part", "all", "--json"))
    assert scores["counts"] == {"all": 40}
    limelight("predict", "run", folder / "series.csv", "-o", "predictions.parquet")
    table = parquet.read_table(tmp_path / "predictions.parquet")
    assert table.column_names == [
        "series_id",
        "prediction",
        "probability_fault",
        "probability_ok",
        "novelty",
        "outside_training",
    ]
    assert table["series_id"].to_pylist() == [f"s{number}" for number in range(40)]
    sums = np.array(table["probability_fault"]) + np.array(table["probability_ok"])
    np.testing.assert_allclose(sums, 1)


def test_same_experiment_gives_the_same_scores_again(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "first", "--set", "training.max_epochs=2")
    limelight("train", "first/experiment.json", "-o", "second")
    first, second = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("first", "second"))
    assert first["test"] == second["test"]


def test_columns_of_training_are_used_for_prediction(limelight: Commands, tmp_path: Path) -> None:
    rows = steps([f"s{number}" for number in range(30)])[1:]
    table = [["machine", "force", "when", "label"], *([r[0], r[2], r[1], "ab"[int(r[0][1:]) % 2]] for r in rows)]
    write_csv(tmp_path / "own.csv", table)
    names = ["--set", "data.id=machine", "--set", "data.time=when", "--set", "training.max_epochs=1"]
    limelight("train", "own.csv", "-o", "run", *names)
    limelight("predict", "run", "own.csv", "-o", "predictions.csv")
    assert (tmp_path / "predictions.csv").read_text().startswith('"series_id","prediction","probability_a"')


def test_inspect_prints_series_as_text_and_json(limelight: Commands, folder: Path) -> None:
    printed = limelight("inspect", folder)
    assert "series: 40" in printed
    assert json.loads(limelight("inspect", folder, "--json"))["series"] == 40


def test_inspect_reports_missing_values(limelight: Commands, folder: Path) -> None:
    header, first, *rest = steps(["s0", "s1"])
    first[2] = ""
    write_csv(folder / "series.csv", [header, first, *rest])
    (folder / "labels.csv").unlink()
    assert "1 missing value in channel 'force'" in limelight("inspect", folder)


def test_schema_is_json(limelight: Commands) -> None:
    assert json.loads(limelight("schema"))["properties"]["data"]


def test_foreign_folder_is_not_changed(limelight: Commands, folder: Path) -> None:
    before = sorted(file.name for file in folder.iterdir())
    assert limelight("train", folder, "-o", folder, code=2) == (
        f"limelight: expected an empty or new folder for the run, got {str(folder)!r}, which holds something else; "
        "choose another output\n"
    )
    assert sorted(file.name for file in folder.iterdir()) == before


def test_earlier_run_is_replaced_only_on_request(limelight: Commands, folder: Path) -> None:
    quick = ["--set", "training.max_epochs=1"]
    limelight("train", folder, "-o", "run", *quick)
    assert limelight("train", folder, "-o", "run", *quick, code=2) == (
        "limelight: 'run' already holds a run; pass --overwrite to replace it, --resume to continue it, "
        "or choose another output\n"
    )
    limelight("train", folder, "-o", "run", *quick, "--overwrite")


def test_resume_needs_an_unfinished_run(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    assert limelight("train", folder, "-o", "run", "--resume", code=2) == (
        "limelight: there is no checkpoint to resume from at 'run/checkpoints/last.ckpt'; train without resuming\n"
    )
    assert not (tmp_path / "run").exists()


def test_resumed_finished_run_scores_the_same(limelight: Commands, folder: Path) -> None:
    quick = ["-o", "run", "--set", "training.max_epochs=2", *TRAINED]
    assert limelight("train", folder, *quick) == limelight("train", folder, *quick, "--resume")


def test_run_that_is_killed_while_it_replaces_another_loses_neither(
    limelight: Commands, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seed_of_run() -> int:
        seed: int = json.loads((tmp_path / "run" / "experiment.json").read_text())["seed"]
        return seed

    quick = ["-o", "run", *ONE_EPOCH, *TRAINED]
    limelight("train", folder, *quick, "--seed", 1)
    with monkeypatch.context() as patched:
        patched.setattr(bundle, "save_model", raise_interrupt)
        limelight("train", folder, *quick, "--seed", 2, "--overwrite", code=130)
    assert seed_of_run() == 1
    limelight("train", folder, *quick, "--seed", 2, "--resume")
    assert seed_of_run() == 2
    diverging = ["--seed", 3, "--overwrite", "--set", "training.learning_rate=1e30"]
    limelight("train", folder, *quick, *diverging, code=2)
    assert seed_of_run() == 2
    assert [file.name for file in (tmp_path / "run").iterdir() if file.name.startswith((".", "unfinished"))] == []


def test_unfinished_run_is_resumed_or_replaced_only_on_request(
    limelight: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = ["train", folder, "-o", "run", *ONE_EPOCH, *TRAINED]
    with monkeypatch.context() as patched:
        patched.setattr(bundle, "save_model", raise_interrupt)
        limelight(*quick, code=130)
    assert limelight(*quick, code=2) == (
        "limelight: 'run' already holds an unfinished run; pass --overwrite to replace it, --resume to continue it, "
        "or choose another output\n"
    )


def test_two_runs_into_one_folder_are_refused(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        assert limelight("train", folder, "-o", "run", *ONE_EPOCH, code=2) == (
            "limelight: 'run' is being written by another limelight process; wait until it ends, or choose another "
            "output\n"
        )
    assert not (tmp_path / "run").exists()


def test_resuming_another_experiment_changes_nothing(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "training.max_epochs=2", *TRAINED)
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}
    assert limelight("train", folder, "-o", "run", "--set", "training.max_epochs=3", *TRAINED, "--resume", code=2) == (
        "limelight: expected the data, model, settings and seed of the training to resume, got different ones; resume with the same experiment, or train without resuming\n"
    )
    after = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}
    assert {file: after[file] for file in before} == before


def test_bad_data_leave_no_run_folder(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    header, first, *rest = steps([f"s{number}" for number in range(40)])
    first[2] = "broken"
    file = write_csv(folder / "series.csv", [header, first, *rest])
    printed = limelight("train", folder, "-o", "run", code=2)
    assert printed.startswith("limelight: expected a number in column 'force'")
    assert str(file) in printed
    assert "line 2" in printed
    assert not (tmp_path / "run").exists()


def test_one_class_only_is_refused(limelight: Commands, folder: Path) -> None:
    write_csv(folder / "labels.csv", [["series_id", "label"], *([f"s{number}", "ok"] for number in range(40))])
    assert limelight("train", folder, code=2) == (
        "limelight: expected labels of at least two classes, got one class, 'ok'; "
        "add labelled examples of other classes\n"
    )


def test_series_without_labels_are_refused_for_training(limelight: Commands, folder: Path) -> None:
    (folder / "labels.csv").unlink()
    assert limelight("train", folder, code=2) == (
        f"limelight: expected labels to learn from, got none: there is no column 'label' in "
        f"{str(folder / 'series.csv')!r}; name the column with --label (data.label) or the table with --labels (data.labels)\n"
    )


def test_columns_that_may_hold_the_label_are_suggested(limelight: Commands, folder: Path) -> None:
    (folder / "days").mkdir()
    for name in ("a", "b"):
        write_csv(folder / "days" / f"{name}.csv", [["time", "flow", "event"], [0, 1.5, "leak"], [1, 1.4, "calm"]])
    assert limelight("train", folder / "days", code=2).rpartition("limelight: ")[2] == (
        f"expected labels to learn from, got none: there is no column 'label' in {str(folder / 'days' / 'a.csv')!r} and "
        "1 more; name the column with --label (data.label), such as --label event, or the table with --labels "
        "(data.labels)\n"
    )


def test_a_class_only_in_test_is_reported_before_training(limelight: Commands, folder: Path) -> None:
    labels = [[f"s{number}", "rare" if number == 39 else "ab"[number % 2]] for number in range(40)]
    write_csv(folder / "labels.csv", [["series_id", "label"], *labels])
    split = [[f"s{number}", "test" if number > 30 else "train"] for number in range(40)]
    write_csv(folder / "split.csv", [["series_id", "split"], *split])
    assert limelight("train", folder, "-o", "run", code=2) == (
        "limelight: expected labels among the classes 'a', 'b', got 'rare'; remove these series, or train with "
        "series of that class\n"
    )
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("share", "counts", "why"),
    [
        ("null", "160 train, 0 validation, 40 test", "; no validation split: the closed-form head is calibrated by "
         "leave-one-out"),
        ("0.25", "120 train, 40 validation, 40 test", ", validation at random from train"),
    ],
    ids=["not stated", "stated"],
)  # fmt: skip
def test_a_closed_form_head_validates_only_if_stated(limelight: Commands, share: str, counts: str, why: str) -> None:
    ids = [f"s{number}" for number in range(200)]
    Path("many").mkdir()
    write_csv(Path("many/series.csv"), steps(ids))
    write_csv(Path("many/labels.csv"), [["series_id", "label"], *([name, "ab"[len(name) % 2]] for name in ids)])
    parts = [[name, "test" if place % 5 == 0 else "train"] for place, name in enumerate(ids)]
    write_csv(Path("many/split.csv"), [["series_id", "split"], *parts])
    limelight("train", "many", "-o", "run", "--set", f"split.validation={share}", "--set", "explain=false")
    (split,) = [line for line in limelight.errors.splitlines() if "split:" in line]
    assert counts in split
    assert split.endswith(f"split.csv'{why}")
    scores = json.loads(limelight("evaluate", "run", "--json"))
    assert scores["test"] == json.loads(Path("run/metrics.json").read_text())["test"]


def test_split_without_training_series_is_refused(limelight: Commands, folder: Path) -> None:
    write_csv(folder / "split.csv", [["series_id", "split"], *([f"s{number}", "test"] for number in range(40))])
    assert limelight("train", folder, "--set", "split.validation=0", code=2) == (
        "limelight: expected training series, got none; name some as train in the split file, or make split.test "
        "smaller\n"
    )


def test_the_version_is_printed(limelight: Commands) -> None:
    assert limelight("--version") == f"limelight {version('limelight')}\n"


def test_wrong_override_is_refused(limelight: Commands, folder: Path) -> None:
    assert (
        limelight("train", folder, "--set", "seed", code=2) == "limelight: expected --set key=value, got --set seed\n"
    )


def test_wrong_output_of_predict_is_refused(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "training.max_epochs=1")
    assert limelight("predict", "run", folder, "-o", "predictions.xlsx", code=2) == (
        "limelight: expected an output file ending in .parquet or .csv, got 'predictions.xlsx'\n"
    )


def test_series_of_a_file_are_explained(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "training.max_epochs=1")
    printed = limelight(
        "explain", "run", folder, "--series", "s3", "--series", "s1", "--target", "ok", "--picture", "s3.png"
    )
    assert printed == "Explanation(2 series, evidence, for 'ok') written to explanation.parquet\n"
    table = parquet.read_table(tmp_path / "explanation.parquet")
    assert table["series_id"].unique().to_pylist() == ["s3", "s1"]
    assert (tmp_path / "s3.png").read_bytes().startswith(b"\x89PNG")
    printed = limelight(
        "explain", "run", folder, "--series", "s3", "--method", "occlusion", "--target", "ok", "-o", "why.csv"
    )
    assert printed == "Explanation(1 series, occlusion, for 'ok') written to why.csv\n"
    assert (tmp_path / "why.csv").read_text().startswith('"series_id","time","importance","target","spread"')


def test_a_single_series_is_explained_beside_training_series(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "explain=false")
    one = write_csv(folder.parent / "one.csv", steps(["new"]))
    assert limelight("explain", "run", one, "--method", "occlusion", "--target", "ok", "-o", "one.parquet") == (
        "Explanation(1 series, occlusion, for 'ok') written to one.parquet\n"
    )


def test_examples_of_a_run_are_written(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "explain=false")
    limelight("explain", "run", folder, "--series", "s3", "--examples", "like.csv")
    lines = (tmp_path / "like.csv").read_text().splitlines()
    assert lines[0] == '"series_id","predicted","class","nearest","distance","start","stop","probability"'
    assert {line.split(",")[0] for line in lines[1:]} == {'"s3"'}
    assert limelight("explain", "run/model", folder, "-o", "b.csv", "--examples", "more.csv", code=2) == (
        "limelight: expected the folder of a run to choose examples from its training series, got 'run/model'; pass the "
        "run, or omit --examples\n"
    )


def test_a_method_at_chance_is_noted(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "explain=false")
    file = tmp_path / "run" / "metrics.json"
    verdict = "Evidence is no better than chance on these 9 series: trust no explanation."
    metrics = json.loads(file.read_text())
    metrics["explanations"] = {"trusted": [], "chance": ["evidence"], "verdict": verdict}
    file.write_text(json.dumps(metrics))
    limelight("explain", "run", folder)
    assert f"note: evidence is no better than chance on this model. {verdict}" in limelight.errors


def test_impossible_explanations_are_refused(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "training.max_epochs=1")
    for words, architecture in (
        (["-o", "a.xlsx"], "expected an output file ending in .parquet or .csv, got 'a.xlsx'"),
        (["--picture", "a.jpg"], "expected a picture ending in .png, .svg or .pdf, got 'a.jpg'"),
        (
            ["--series", "s99"],
            "expected ids of series, got 's99'; known are 's0', 's1', 's2', 's3', 's4' and 35 more",
        ),
        (
            ["--method", "guess"],
            "expected an explanation method, got 'guess'; known are: attention, evidence, gradients, occlusion",
        ),
        (
            ["-o", "mine/series.csv", "--overwrite"],
            "'mine/series.csv' already exists; pass --overwrite to replace it, or choose another output",
        ),
    ):
        assert limelight("explain", "run", "mine", *words, code=2) == f"limelight: {architecture}\n"


def test_a_bug_exits_with_1_and_a_log_file(limelight: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*anything: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(reading, "experiment_schema", broken)
    printed = limelight("schema", code=1)
    assert printed.startswith(
        "limelight: this is our fault, not yours (ZeroDivisionError: oops); please report it with "
    )
    log = Path(printed.rstrip().split()[-1])
    assert "ZeroDivisionError: oops" in log.read_text()
    log.unlink()


def test_every_command_has_help(limelight: Commands) -> None:
    printed = limelight("--help")
    shown = "demo generate inspect train validate tune evaluate report predict explain schema"
    for command in shown.split():
        assert f"│ {command} " in printed
        assert "--help" in limelight(command, "--help")


def everything_in(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_run_with_relative_paths_can_be_evaluated(limelight: Commands, folder: Path) -> None:
    trained = limelight("train", "mine/series.csv", "--labels", "mine/labels.csv", "-o", "run", *ONE_EPOCH)
    assert scores_in(limelight("evaluate", "run")) == scores_in(trained)


def test_the_command_in_the_report_reproduces_the_run(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    before = json.loads(Path("run/metrics.json").read_text())["test"]
    limelight("train", "run/experiment.json", "--overwrite")
    assert json.loads(Path("run/metrics.json").read_text())["test"] == before
    assert not Path("run/run").exists()


def test_report_is_reproduced(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    before = everything_in(Path("run"))
    (Path("run") / "report" / "index.html").write_text("old")
    assert limelight("report", "run") == "report: run/report/index.html\n"
    assert everything_in(Path("run")) == before


def test_report_is_reproduced_from_moved_data(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    moved = folder.rename(folder.with_name("moved"))
    printed = limelight("report", "run", code=2)
    assert "series.csv" in printed
    where = [f"data.{name}={moved / name}.csv" for name in ("series", "labels")]
    limelight("report", "run", "--set", where[0], "--set", where[1])


def test_a_run_measures_explanations_unless_switched_off(limelight: Commands, folder: Path) -> None:
    limelight.explains = True
    limelight("train", folder, "-o", "run")
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert list(metrics["explanations"]["methods"]) == ["evidence", "occlusion", "random"]
    assert metrics["seconds"]["explain"] > 0
    page = html.unescape(Path("run/report/index.html").read_text())
    assert metrics["explanations"]["verdict"] in page
    assert 'id="examples"' in page
    assert "Faithfulness" in page
    limelight("train", folder, "-o", "run", "--overwrite", "--set", "explain=false")
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["explanations"] is None
    assert "explain" not in metrics["seconds"]
    page = Path("run/report/index.html").read_text()
    assert "Evidence is what each step adds" in page
    assert "Faithfulness" not in page
    assert 'id="examples"' not in page


def test_report_of_something_else_is_refused(limelight: Commands, folder: Path) -> None:
    assert limelight("report", "mine", code=2) == (
        "limelight: expected the folder of a complete run, with 'metrics.json' in it, got 'mine'; "
        "train first, or resume with --resume\n"
    )


def test_unlabelled_series_are_predicted_whatever_the_label_column(limelight: Commands, tmp_path: Path) -> None:
    rows = steps([f"s{number}" for number in range(30)])[1:]
    kinds = [[*row, "ab"[int(str(row[0])[1:]) % 2]] for row in rows]
    write_csv(tmp_path / "own.csv", [["series_id", "time", "force", "kind"], *kinds])
    limelight("train", "own.csv", "-o", "run", "--set", "data.label=kind", *ONE_EPOCH)
    write_csv(tmp_path / "new.csv", [["series_id", "time", "force"], *rows])
    write_csv(tmp_path / "empty.csv", [["series_id", "time", "force", "kind"], *([*row, ""] for row in rows)])
    for name in ("new", "empty"):
        limelight("predict", "run", f"{name}.csv", "-o", f"{name}-predictions.csv")
    assert Path("new-predictions.csv").read_bytes() == Path("empty-predictions.csv").read_bytes()


def diverging(*anything: object) -> None:
    raise ParameterError("diverged")


def test_failed_run_keeps_the_earlier_run(limelight: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    before = everything_in(Path("run"))
    monkeypatch.setattr("limelight.training.gradient_descent._require_finite_weights", diverging)
    again = limelight("train", folder, "-o", "run", "--overwrite", "--preset", "lstm", *ONE_EPOCH, code=2)
    assert again == "limelight: diverged\n"
    assert everything_in(Path("run")) == before


def test_failed_first_run_leaves_nothing(limelight: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limelight.training.gradient_descent._require_finite_weights", diverging)
    assert limelight("train", folder, "-o", "run", *ONE_EPOCH, *TRAINED, code=2) == "limelight: diverged\n"
    assert not Path("run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that is asked for")
def test_a_missing_gpu_is_reported_before_writing(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", "--set", "training.device=gpu", code=2)
    assert not Path("run").exists()


def test_folder_with_only_an_experiment_file_is_not_a_run(limelight: Commands, folder: Path) -> None:
    (folder / "experiment.json").write_text('{"data": {"series": "series.csv", "labels": "labels.csv"}, "output": "."}')
    before = everything_in(folder)
    for options in ([], ["--overwrite"]):
        printed = limelight("train", folder / "experiment.json", *options, code=2)
        assert printed.endswith("which holds something else; choose another output\n")
    assert everything_in(folder) == before


def test_demo_replaces_only_a_demo(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    assert limelight("demo", "-o", "run", *QUICK, code=2).startswith("limelight: 'run' already holds a run; pass")


def test_existing_files_are_overwritten_only_on_request(limelight: Commands, folder: Path) -> None:
    before = everything_in(folder)
    labels = str(Path("mine") / "labels.csv")
    assert limelight("generate", "-o", "mine", *QUICK, code=2) == (
        f"limelight: {labels!r} already exists; pass --overwrite to replace it, or choose another output\n"
    )
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    for options in ([], ["--overwrite"]):
        printed = limelight("predict", "run", folder / "series.csv", "-o", folder / "series.csv", *options, code=2)
        assert "already exists" in printed
    assert everything_in(folder) == before


def test_other_series_are_scored_whole_or_by_their_own_split(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    scores = json.loads(limelight("evaluate", "run", folder, "--json"))
    assert (scores["part"], scores["counts"]) == ("all", {"all": 40})
    assert limelight("evaluate", "run", folder, "--part", "train", code=2) == (
        "limelight: expected a split file that names the part 'train', got series without one; pass --split, or "
        "--part all\n"
    )
    write_csv(folder / "split.csv", [["series_id", "split"], *([f"s{number}", "test"] for number in range(40))])
    scores = json.loads(limelight("evaluate", "run", folder, "--json"))
    assert (scores["part"], scores["counts"]) == ("test", {"test": 40})


def test_options_of_evaluate_count_without_other_series_too(limelight: Commands, folder: Path) -> None:
    limelight("train", folder, "-o", "run", *ONE_EPOCH)
    printed = limelight("evaluate", "run", "--labels", "nowhere.csv", code=2)
    assert "nowhere.csv" in printed


def test_numeric_classes_are_supported(limelight: Commands, folder: Path) -> None:
    labels = [[f"s{number}", number % 2 + 1] for number in range(40)]
    write_csv(folder / "labels.csv", [["series_id", "label"], *labels])
    assert "F1 (1) " in limelight("train", folder, "-o", "run", "--set", "data.positive=1", *ONE_EPOCH)


def test_a_closed_form_fit_is_reported_everywhere(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    printed = limelight("train", folder, "-o", "run")
    choice = "encoder: blocks, as 32 series are too few for a network to be better"
    assert f"note: {choice}\n" in limelight.errors
    assert "solved in closed form in " in limelight.errors
    assert "accuracy" in printed.lower()
    training = json.loads((tmp_path / "run" / "metrics.json").read_text())["training"]
    assert (training["epochs"], training["stopped"], training["notes"]) == (0, "solved", [choice])
    assert training["chosen_by"] == "leave-one-out"
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert choice in page
    assert "The head was fitted in closed form, without epochs" in page
    assert not (tmp_path / "run" / "history.csv").exists()
    limelight("predict", "run", folder, "-o", "predictions.csv")
    assert limelight("evaluate", "run")
