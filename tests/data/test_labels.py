"""Labels of series: names, counts, table columns, and the strata of splits."""

import numpy as np
import pytest

from limelight.data.labels import columns_of_labels, count_labelled, describe_labels, names_of_columns, stratify_by
from limelight.data.panel import Panel
from limelight.errors import DataError

SERIES = np.zeros((4, 3))
MATRIX = np.array([[1, 0], [0, 1], [1, np.nan], [np.nan, np.nan]])


def test_columns_name_labels() -> None:
    assert names_of_columns(["label_rain", "label_fog", "hail"]) == ("rain", "fog", "hail")


def test_labels_without_names_are_numbered() -> None:
    assert Panel.from_series(SERIES, labels=MATRIX).label_names == ("label_0", "label_1")
    assert Panel.from_series(SERIES, labels=list("abab")).label_names is None


def test_every_label_needs_a_name() -> None:
    with pytest.raises(DataError) as error:
        Panel.from_series(SERIES, labels=MATRIX, label_names=["rain"])
    assert str(error.value) == "expected a name for each of 2 labels, got 'rain'"


@pytest.mark.parametrize("labels", [["a", "b"], np.zeros((2, 2)), np.zeros((4, 2, 1))])
def test_labels_are_a_row_for_each_series(labels: object) -> None:
    with pytest.raises(DataError) as error:
        Panel.from_series(SERIES, labels=labels)
    assert str(error.value) == (
        f"expected one label for each of the 4 series, got an array of shape {np.shape(labels)}"
    )


def test_rows_keep_their_labels() -> None:
    panel = Panel.from_series(SERIES, labels=MATRIX, label_names=("rain", "fog"))[[2, 0]]
    np.testing.assert_array_equal(panel.labels, MATRIX[[2, 0]])
    assert panel.label_names == ("rain", "fog")


@pytest.mark.parametrize(
    ("labels", "tail"),
    [
        (["a", "b", "a", "a"], ", 2 classes"),
        (["a", None, "a", "a"], ", 1 class"),
        (MATRIX, ", 2 labels"),
    ],
)
def test_the_description_counts_the_labels(labels: object, tail: str) -> None:
    assert Panel.from_series(SERIES, labels=labels).describe() == f"4 series, 3 steps, 1 channel{tail}"
    assert describe_labels(None, None) == ""


def test_series_with_a_known_label_are_counted() -> None:
    assert count_labelled(MATRIX, 4) == 3
    assert count_labelled(np.array(["a", None, "", "b"], dtype=object), 4) == 2
    assert count_labelled(None, 4) == 4


def test_labels_are_written_as_text_or_0_and_1() -> None:
    assert {name: column.to_pylist() for name, column in columns_of_labels(MATRIX, ("rain", "fog")).items()} == {
        "label_rain": [1, 0, 1, None],
        "label_fog": [0, 1, None, None],
    }
    assert columns_of_labels(np.array([3, 1]), None)["label"].to_pylist() == ["3", "1"]
    assert columns_of_labels(np.array(["a", None], dtype=object), None)["label"].to_pylist() == ["a", None]
    assert columns_of_labels(None, None) == {}


def test_multilabel_series_are_stratified_by_their_rarest_label() -> None:
    labels = np.array([[1, 0, 0]] * 6 + [[1, 1, 0]] * 2 + [[0, 1, 1]] + [[0, 0, np.nan]])
    assert stratify_by(labels).tolist() == ["0"] * 6 + ["1"] * 2 + ["2"] + ["none"]
    assert stratify_by(np.array(["a", None], dtype=object)).tolist() == ["a", "unknown"]
    assert stratify_by(None) is None


@pytest.mark.parametrize("seed", range(5))
def test_every_part_of_a_split_gets_a_rare_label(seed: int) -> None:
    labels = np.zeros((100, 2))
    labels[:50, 0], labels[40:50, 1] = 1, 1
    panel = Panel.from_series(np.zeros((100, 2)), labels=labels)
    for part, share in zip(panel.split(test=0.2, validation=0.2, seed=seed), (0.6, 0.2, 0.2), strict=True):
        assert part.labels.sum(axis=0).tolist() == [50 * share, 10 * share]


def test_unknown_labels_are_spread_over_the_parts() -> None:
    labels = np.array(["a", "b", None, None, None] * 20, dtype=object)
    _, test = Panel.from_series(np.zeros((100, 2)), labels=labels).split(test=0.25)
    assert [list(test.labels).count(word) for word in ("a", "b", None)] == [5, 5, 15]
