"""Comparisons on the same folds, from the most frequent class to series with metadata."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.annotations import Origin, StepLabels
from limelight.data.panel import Panel
from limelight.data.splitting.splits import Split
from limelight.data.writing import write_split, write_table
from limelight.errors import ParameterError
from limelight.evaluation.metrics.paired import MORE, WITHIN
from limelight.model_selection import comparison as study
from limelight.model_selection.comparison import compare, score_of
from limelight.model_selection.comparison_results import Row, conclude
from limelight.parts.architecture import Architecture
from limelight.task import Task
from limelight.training import fit as training
from support.commands import Commands
from support.panels import bump_panel

pytestmark = pytest.mark.usefixtures("short_epochs")

TINY = {"encoder": {"name": "gru", "hidden_size": 2}, "pooling": "mean", "head": "linear"}
QUICK = {"max_epochs": 1}
SIMPLE = ["majority class", "metadata alone", "series alone"]
METADATA_OPTIONS = ["series + late", "series + repeat", "series + film"]


def short_bumps(n: int = 40, **settings: object) -> Panel:
    return bump_panel(n, **{"num_points": 24, "width": 6, **settings})


def without_metadata(n: int = 40) -> Panel:
    return short_bumps(n).replace(metadata=None)


def names(found: study.Comparison) -> list[str]:
    return [row.name for row in found.rows]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What every network was trained on."""
    seen: list[dict[str, object]] = []

    def fit(panel: Panel, task: Task, architecture: Architecture, **rest: object) -> object:
        seen.append({"panel": panel, "architecture": architecture, **rest})
        return real(panel, task, architecture, **rest)  # type: ignore[arg-type]

    real = training.fit
    monkeypatch.setattr(training, "fit", fit)
    return seen


@pytest.mark.whole_epochs
@pytest.mark.slow
def test_fusion_is_recommended_for_an_interaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "FUSIONS", ("late",))  # half as long
    encoder = {"name": "conv_lstm", "filters": 16, "hidden_size": 16, "dropout": 0.0, "stride": 2}
    training = {"max_epochs": 8, "batch_size": 20, "learning_rate": 1e-2}
    panel = short_bumps(240, num_points=16, noise=0.05)
    found = compare(panel, {"encoder": encoder, "pooling": "mean"}, training=training, folds=3)
    for name in SIMPLE:
        assert found.row(name).mean == pytest.approx(0.5, abs=0.1)
    late = found.row("series + late")
    assert late.mean >= 0.9
    assert late.gain is not None
    assert late.gain.verdict == MORE
    assert late.gain.mean == pytest.approx(late.mean - found.row("series alone").mean)
    majority = found.row("majority class").gain
    assert majority is not None
    assert majority.verdict == WITHIN
    assert found.conclusion == "use series + late: no richer model gains more than the spread over it"


def test_rows_are_ordered_from_simplest_to_richest() -> None:
    found = compare(short_bumps(), TINY, training=QUICK, folds=2)
    assert names(found) == SIMPLE + METADATA_OPTIONS
    assert found.notes == ("fusion 'attention' is skipped: the pooling 'mean' has no attention",)
    assert found.rule == "2 folds of 40 series, at random, stratified by label, seed 0"
    assert [row.parameters is None for row in found.rows] == [True, True, False, False, False, False]
    assert [row.gain is None for row in found.rows] == [False, False, True, False, False, False]


def test_without_metadata_no_fusion_is_compared() -> None:
    found = compare(without_metadata(), TINY, training=QUICK, folds=2)
    assert names(found) == ["majority class", "series alone"]
    assert found.notes == ("there are no metadata to fuse",)


def test_constant_metadata_are_ignored() -> None:
    panel = short_bumps().replace(metadata=pa.table({"site": ["here"] * 40}))
    found = compare(panel, TINY, training=QUICK, folds=2)
    assert found.notes == ("all metadata are constant over the training series of fold 1, so none are used",)


def test_metadata_attention_and_combinations_are_compared(
    trained: list[dict[str, object]],
) -> None:
    model = {**TINY, "pooling": {"name": "metadata_attention", "hidden_size": 3}, "fusion": "repeat"}
    found = compare(short_bumps(), model, training=QUICK, folds=2)
    assert names(found) == [*SIMPLE, *METADATA_OPTIONS, "series + attention", "series + repeat + attention"]
    sentences = [one["architecture"] for one in trained[: len(found.rows) - 2]]
    assert [(one.pooling.name, one.pooling.hidden_size, one.fusion) for one in sentences] == [  # type: ignore[attr-defined]
        ("attention", 3, ()),
        ("attention", 3, ("late",)),
        ("attention", 3, ("repeat",)),
        ("attention", 3, ("film",)),
        ("metadata_attention", 3, ()),
        ("metadata_attention", 3, ("repeat",)),
    ]


def test_early_stopping_uses_only_training_series_of_the_fold(trained: list[dict[str, object]]) -> None:
    panel = without_metadata(240)
    compare(panel, TINY, training=QUICK, folds=3, validation=0.2)
    seen = []
    for one in trained:
        fitted, validation = set(one["panel"].ids), set(one["validation"].ids)  # type: ignore[attr-defined]
        assert (len(fitted), len(validation), len(fitted & validation)) == (128, 32, 0)
        seen.append(fitted | validation)
    held_out = [set(panel.ids) - one for one in seen]
    assert [len(one) for one in held_out] == [80, 80, 80]
    assert set.union(*held_out) == set(panel.ids)


def test_windows_and_groups_are_held_out_together(trained: list[dict[str, object]]) -> None:
    panel = without_metadata(240)
    recordings = np.repeat([f"r{number}" for number in range(24)], 10)
    windows = panel.replace(origin=Origin(recordings, np.zeros(240, dtype=np.int64)))
    found = compare(windows, TINY, training=QUICK, folds=2, validation=0.2)
    assert found.rule == "2 folds of 240 series, at random, stratified by label, no recording in two parts, seed 0"
    for one in trained:
        fitted, validation = (set(one[name].origin.recordings) for name in ("panel", "validation"))  # type: ignore[attr-defined]
        assert not fitted & validation
    grouped = panel.replace(metadata=pa.table({"machine": recordings.tolist()}))
    found = compare(grouped, TINY, training=QUICK, folds=2, group="machine", fields={"machine": "ignore"})
    assert found.rule == "2 folds of 240 series, at random, stratified by label, no machine in two parts, seed 0"


def test_missing_values_only_in_held_out_series_are_supported() -> None:
    panel = without_metadata().compact()
    panel.values = panel.values.copy()
    panel.values[5] = np.nan
    found = compare(panel, TINY, training=QUICK, folds=2)
    assert [len(row.scores) for row in found.rows] == [2, 2]


def test_the_same_seed_gives_the_same_scores() -> None:
    one, again = (compare(without_metadata(), TINY, training=QUICK, folds=2, seed=5) for _ in range(2))
    assert [row.scores for row in one.rows] == [row.scores for row in again.rows]


def test_each_repeat_draws_new_folds() -> None:
    found = compare(without_metadata(), TINY, training=QUICK, folds=2, repeats=2)
    assert [len(row.scores) for row in found.rows] == [4, 4]
    assert found.rule.startswith("2 folds of 40 series, 2 times, ")


def test_unlabelled_series_and_rare_classes_are_noted() -> None:
    panel = without_metadata()
    assert panel.labels is not None
    labels = panel.labels.astype(object)
    labels[:2], labels[2] = None, "odd"
    found = compare(panel.with_labels(labels), TINY, training=QUICK, folds=2)
    assert found.notes[0] == "2 series without a label are dropped"
    assert found.rule == (
        "2 folds of 38 series, at random, stratified by label, seed 0; class 'odd' is not on both sides of every fold"
    )


def test_a_lower_loss_is_a_gain() -> None:
    found = compare(without_metadata(), TINY, training=QUICK, folds=2, score="log_loss")
    majority, plain = found.rows
    assert majority.mean == pytest.approx(np.log(2))
    assert majority.gain is not None
    assert majority.gain.mean == pytest.approx(plain.mean - majority.mean)
    assert "seed 0; gain is over series alone, above 0 for a lower loss" in str(found)


@pytest.mark.parametrize(
    ("name", "value"), [("accuracy", 3 / 4), ("balanced_accuracy", 5 / 6), ("f1_macro", 11 / 15), ("log_loss", 0.6931)]
)
def test_scores_are_those_of_the_evaluation(name: str, value: float) -> None:
    probabilities = np.full((4, 2), 0.5) + np.array([[1, -1], [1, -1], [-1, 1], [-1, 1]]) * 1e-9
    assert score_of(Task(("a", "b")), np.array([0, 0, 0, 1]), probabilities, name) == pytest.approx(value, abs=1e-4)


def row(name: str, *scores: float) -> Row:
    return Row(name, scores, 1.0)


SIMPLEST = row("majority class", 0.5, 0.5, 0.5)
PLAIN = row("series alone", 0.81, 0.8, 0.79)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [SIMPLEST, row("series alone", 0.5, 0.6, 0.4)],
            "use none of them yet: no model gains more than the spread over majority class; more series may show a gain",
        ),
        (
            [SIMPLEST, PLAIN, row("series + late", 0.9, 0.7, 0.9)],
            "use series alone: no richer model gains more than the spread over it",
        ),
        (
            [SIMPLEST, PLAIN, row("series + late", 0.91, 0.9, 0.9)],
            "use series + late: no richer model gains more than the spread over it",
        ),
        (
            [SIMPLEST, row("series alone", 0.9, 0.5, 0.6), row("series + late", 0.9, 0.8, 0.9)],
            "use series alone: no richer model gains more than the spread over it; its own gain over majority "
            "class is within the spread",
        ),
        (
            [SIMPLEST, row("metadata alone", 0.9, 0.0, 0.1), PLAIN],
            "use series alone: no richer model gains more than the spread over it",
        ),
        ([row("majority class", 0.5)], "too few folds are done for a recommendation"),
    ],
)
def test_the_conclusion_is_the_simplest_unbeaten_model(rows: list[Row], message: str) -> None:
    assert conclude(rows, 0.5) == message


def test_the_table_ends_with_the_conclusion() -> None:
    found = compare(without_metadata(), TINY, training=QUICK, folds=2)
    title, _, header, *lines = str(found).splitlines()
    assert title == "2 folds of 40 series, at random, stratified by label, seed 0; gain is over series alone"
    assert " ".join(header.split()) == "balanced accuracy sd gain sd 95 % interval seconds parameters"
    assert lines[0].startswith("majority class              0.500  0.000  ")
    assert lines[-2:] == ["note: there are no metadata to fuse", found.conclusion]


def interrupting(monkeypatch: pytest.MonkeyPatch, after: int, *, politely: bool) -> None:
    """Ctrl-C in a training: the first ends it early, a second one at once."""
    left, real = [after], training.fit

    def fit(*arguments: object, **rest: object) -> object:
        left[0] -= 1
        if left[0] >= 0:
            return real(*arguments, **rest)  # type: ignore[arg-type]
        if politely:
            return replace(real(*arguments, **rest), stopped="interrupted")  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", fit)


@pytest.mark.parametrize("politely", [True, False])
def test_ctrl_c_keeps_completed_folds(monkeypatch: pytest.MonkeyPatch, politely: bool) -> None:
    interrupting(monkeypatch, 2, politely=politely)
    found = compare(without_metadata(), TINY, training=QUICK, folds=3)
    assert found.interrupted
    assert [len(row.scores) for row in found.rows] == [3, 2]
    assert found.notes[-1] == "interrupted after 5 of 6 fits; the results so far are kept"


def test_ctrl_c_in_the_first_fold_gives_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch, 0, politely=True)
    found = compare(without_metadata(), TINY, training=QUICK, folds=3)
    assert names(found) == ["majority class"]
    assert found.conclusion == "too few folds are done for a recommendation"
    json.dumps(found.to_json(), allow_nan=False)
    assert "majority class" in str(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"score": "accurracy"},
            "expected a score to compare by, got 'accurracy'; did you mean 'accuracy'?",
        ),
        (
            {"folds": 50},
            "expected a class with at least 50 series for 50 folds, got at most 20 of a class; use fewer folds, or "
            "more series",
        ),
        ({"group": "machine"}, "expected a metadata field 'machine' to group by, found none; known are: mode"),
        ({"training": {"max_epochs": 0}}, "expected max_epochs of at least 1, got 0"),
        (
            {"validation": 1.0},
            "expected a validation fraction of at least 0 and less than 1, got 1.0; use for example 0.2",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as error:
        compare(short_bumps(), TINY, **{"training": QUICK, **changes})  # type: ignore[arg-type]
    assert str(error.value) == message


@pytest.mark.parametrize("labels", ["several", "steps"])
def test_tasks_other_than_one_label_a_series_are_refused(labels: str) -> None:
    panel = without_metadata()
    if labels == "several":
        panel = panel.with_labels(np.tile([[0, 1], [1, 0]], (20, 1)))
    else:
        panel = panel.replace(labels=None, step_labels=StepLabels.of(["a", "b"] * (len(panel.values) // 2)))
    with pytest.raises(ParameterError) as error:
        compare(panel, TINY)
    task = {
        "several": "multilabel: any of label_0, label_1 for each series",
        "steps": "binary: one of a, b at each step",
    }[labels]
    assert str(error.value) == (
        f"expected one label for each series to compare by, got a task that is {task}; cut the recordings into windows, "
        "or name one label"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    panel = short_bumps(60)
    write_table(panel, tmp_path / "bumps")
    write_split(Split(np.arange(40), [], np.arange(40, 60)), panel.ids, tmp_path / "bumps")
    return tmp_path / "bumps"


OPTIONS = ["--folds", 2, "--set", f"model={json.dumps(TINY)}", "--set", "training.max_epochs=1"]


def scores(file: Path) -> dict[str, list[float]]:
    return {row["name"]: row["scores"] for row in json.loads(file.read_text())["rows"]}


def test_a_comparison_is_printed_and_written_into_the_run_folder(
    limelight: Commands, folder: Path, tmp_path: Path
) -> None:
    printed = limelight("compare", folder, *OPTIONS)
    file = tmp_path / "runs" / "bumps" / "comparison.json"
    found = json.loads(file.read_text())
    assert [row["name"] for row in found["rows"]] == SIMPLE + METADATA_OPTIONS
    assert found["conclusion"] in printed
    assert "2 folds of 40 series, at random, stratified by label, seed 0; gain is over series alone" in printed
    assert "the 20 test series are not used" in limelight.errors
    assert "1 of 12: fold 1, majority class: balanced accuracy 0.500 in 0.0 s" in limelight.errors
    again = limelight("compare", folder, *OPTIONS, code=2)
    assert again == (
        "limelight: 'runs/bumps/comparison.json' already exists; pass --overwrite to replace it, or choose another "
        "output\n"
    )
    solved = ["--set", 'model.encoder={"name": "rocket", "features": 840}']
    limelight("train", folder, *solved)
    assert file.is_file()
    limelight("train", folder, *solved, "--overwrite")
    assert json.loads(file.read_text()) == found


def test_the_test_part_changes_nothing(limelight: Commands, folder: Path, tmp_path: Path) -> None:
    panel = short_bumps(60)
    assert panel.labels is not None
    other = panel.compact()
    other.values = np.concatenate([other.values[: 40 * 24], 100 - 3 * other.values[40 * 24 :]])
    other = other.with_labels(np.where(np.arange(60) < 40, panel.labels, panel.labels[::-1]))
    write_table(other, tmp_path / "other")
    write_split(Split(np.arange(40), [], np.arange(40, 60)), panel.ids, tmp_path / "other")
    limelight("compare", folder, *OPTIONS, "-o", "one.json")
    limelight("compare", "other", *OPTIONS, "-o", "other.json")
    assert scores(tmp_path / "one.json") == scores(tmp_path / "other.json")


def test_an_output_file_other_than_json_is_refused(limelight: Commands, folder: Path) -> None:
    message = limelight("compare", folder, *OPTIONS, "-o", "found.csv", code=2)
    assert message == "limelight: expected an output file ending in .json, got 'found.csv'\n"


def test_folds_that_ignore_a_split_by_time_are_noted(limelight: Commands, tmp_path: Path) -> None:
    panel = short_bumps(60).compact()
    assert panel.times is not None
    write_table(panel.replace(times=panel.times + np.repeat(np.arange(60), 24)), tmp_path / "bumps")
    limelight("compare", "bumps", *OPTIONS, "--set", "split.by=time", "-o", "found.json")
    assert json.loads(Path("found.json").read_text())["rule"].startswith("2 folds of 48 series, by time, ")
