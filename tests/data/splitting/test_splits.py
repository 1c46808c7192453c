import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedShuffleSplit

from limelight.data.splitting.splits import PARTS, Split, carve_validation, named_split, random_split
from limelight.errors import DataError, InternalError, ParameterError


def _all_rows(split):
    return np.concatenate([split.part(name) for name in PARTS])


fractions = st.floats(0, 0.49)
label_lists = st.lists(st.sampled_from("abcde"), min_size=1, max_size=80)


@given(labels=label_lists, test=fractions, validation=fractions, seed=st.integers(0, 5), known=st.booleans())
@settings(deadline=None)
def test_parts_are_disjoint_complete_and_of_the_stated_size(labels, test, validation, seed, known):
    n = len(labels)
    if round(test * n) + round(validation * n) >= n:
        return
    split = random_split(n, test=test, validation=validation, seed=seed, labels=labels if known else None)
    assert sorted(_all_rows(split).tolist()) == list(range(n))
    assert (len(split.test), len(split.validation)) == (round(test * n), round(validation * n))


@given(labels=label_lists, test=fractions, validation=fractions, seed=st.integers(0, 5))
@settings(deadline=None)
def test_every_class_is_in_train_if_there_is_room(labels, test, validation, seed):
    n = len(labels)
    left = n - round(test * n) - round(validation * n)
    if left < len(set(labels)):
        return
    split = random_split(n, test=test, validation=validation, seed=seed, labels=labels)
    assert set(np.array(labels)[split.train]) == set(labels)


def _reference_sklearn_class_counts(labels, test, seed):
    splitter = StratifiedShuffleSplit(1, test_size=test, random_state=seed)
    rows = next(splitter.split(np.zeros(len(labels)), labels))[1]
    return np.unique(labels[rows], return_counts=True)[1]


@pytest.mark.parametrize("seed", range(5))
def test_class_counts_are_those_of_sklearn_but_for_one_series(seed):
    labels = np.random.default_rng(seed).choice(list("abcd"), p=[0.5, 0.3, 0.15, 0.05], size=500)
    split = random_split(500, test=0.2, validation=0, seed=seed, labels=labels)
    ours = np.unique(labels[split.test], return_counts=True)[1]
    assert np.abs(ours - _reference_sklearn_class_counts(labels, 100, seed)).max() <= 1


def test_a_small_class_with_three_series_is_in_every_part():
    labels = np.array(["common"] * 97 + ["rare"] * 3)
    split = random_split(100, test=0.2, validation=0.1, seed=0, labels=labels)
    assert [np.sum(labels[split.part(name)] == "rare") for name in PARTS] == [1, 1, 1]


def test_description_states_sizes_rule_and_seed():
    split = random_split(1000, test=0.2, validation=0.1, seed=0, labels=["a", "b"] * 500)
    expected = "split: 700 train, 100 validation, 200 test; at random, stratified by label, seed 0"
    assert split.describe() == expected


def test_description_without_labels_does_not_mention_strata():
    split = random_split(10, test=0.2, validation=0, seed=3)
    assert split.describe() == "split: 8 train, 0 validation, 2 test; at random, seed 3"


def test_description_names_a_class_too_small_for_every_part():
    split = random_split(11, test=0.2, validation=0.2, seed=0, labels=["a"] * 10 + ["b"])
    assert split.describe() == (
        "split: 7 train, 2 validation, 2 test; at random, stratified by label, seed 0; "
        "too few series to put class 'b' into every part"
    )


def test_the_seed_determines_the_split():
    draws = [random_split(100, test=0.5, validation=0, seed=seed).test.tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_the_random_state_of_numpy_is_unchanged():
    before = np.random.get_state()[1].tolist()
    random_split(100, test=0.2, validation=0.2, seed=0, labels=["a", "b"] * 50)
    assert np.random.get_state()[1].tolist() == before


def test_all_series_are_training_series_with_zero_fractions():
    assert random_split(3, test=0, validation=0, seed=0, labels=["a", "b", "c"]).train.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"test": 1.0, "validation": 0.0, "seed": 0},
            "expected a test fraction of at least 0 and less than 1, got 1.0; use for example 0.2",
        ),
        (
            {"test": 0.1, "validation": float("nan"), "seed": 0},
            "expected a validation fraction of at least 0 and less than 1, got nan; use for example 0.2",
        ),
        (
            {"test": 0.5, "validation": 0.5, "seed": 0},
            "expected test and validation to leave series for train, got 0.5 + 0.5 = 1; use for example 0.2 and 0.1",
        ),
        (
            {"test": 0.2, "validation": 0.0, "seed": -1},
            "expected a seed of at least 0, got -1; use for example 0",
        ),
        (
            {"test": 0.9, "validation": 0.0, "seed": 0},
            "expected at least one series for train, got 1 series with test=0.9 and validation=0.0, "
            "which leave none; use smaller fractions or more series",
        ),
    ],
)
def test_impossible_fractions_and_seeds_are_refused(arguments, message):
    with pytest.raises(ParameterError) as error:
        random_split(1, **arguments)
    assert str(error.value) == message


def test_labels_of_another_length_are_an_internal_error():
    with pytest.raises(InternalError) as error:
        random_split(3, test=0.2, validation=0, seed=0, labels=["a"])
    assert str(error.value) == "expected one label for each of 3 rows, got an array of shape (1,)"


def test_a_row_in_two_parts_is_refused():
    with pytest.raises(DataError) as error:
        Split([0, 1], [], [1, 2])
    assert str(error.value) == (
        "expected each series once in one part of the split, got rows 1 more than once; "
        "a model must not be tested on its training series"
    )


def test_an_unknown_part_is_refused():
    with pytest.raises(ParameterError) as error:
        Split([0], [], []).part("tests")
    assert str(error.value) == (
        "expected a part of the split, train, validation or test, got 'tests'; did you mean 'test'?"
    )


def test_names_of_parts_make_a_split():
    split = named_split(["test", "train", "validation", "train"], list("abcd"), "'split.csv'")
    assert [split.part(name).tolist() for name in PARTS] == [[1, 3], [2], [0]]
    assert split.describe() == "split: 2 train, 1 validation, 1 test; as given in 'split.csv'"


def test_an_unknown_part_name_is_refused_with_the_nearest():
    with pytest.raises(DataError) as error:
        named_split(["train", "tets"], ["a", "b"], "'split.csv'")
    assert str(error.value) == (
        "expected train, validation or test for every series in 'split.csv', got 'tets' for series 'b'; "
        "did you mean 'test'?"
    )


@given(labels=label_lists.filter(lambda labels: len(labels) > 1), fraction=st.floats(0.01, 0.99))
@settings(deadline=None)
def test_a_validation_split_holds_out_some_training_rows(labels, fraction):
    rows = np.arange(len(labels)) * 3 + 1
    train, validation = carve_validation(rows, labels, fraction, seed=0)
    assert sorted([*train, *validation]) == rows.tolist()
    assert len(train) >= 1
    assert len(validation) == min(max(1, round(fraction * len(rows))), len(rows) - 1)


@given(labels=label_lists.filter(lambda labels: len(labels) > 1), fraction=st.floats(0.01, 0.99))
@settings(deadline=None)
def test_a_validation_split_keeps_every_class_in_train_if_possible(labels, fraction):
    train, _ = carve_validation(np.arange(len(labels)), labels, fraction, seed=0)
    assert len(train) < len(set(labels)) or set(np.array(labels)[train]) == set(labels)


def test_a_validation_split_is_stratified():
    _, validation = carve_validation(np.arange(100, 120), ["a"] * 10 + ["b"] * 10, 0.2, seed=0)
    assert (validation < 110).sum() == 2


def test_one_series_cannot_be_split():
    with pytest.raises(DataError) as error:
        carve_validation([4], None, 0.1, seed=0)
    assert str(error.value) == (
        "expected at least 2 training series, so that one can be held out for validation, got 1; add training series"
    )


def test_a_validation_split_of_zero_is_refused():
    with pytest.raises(ParameterError) as error:
        carve_validation([4, 5], None, 0, seed=0)
    assert str(error.value) == "expected a validation fraction of more than 0, got 0; use for example 0.1"


def test_a_rare_class_among_labels_of_objects_is_named():
    labels = np.array(["a"] * 5 + ["b"] * 5 + ["c"] * 2, dtype=object)
    split = random_split(12, test=0.2, validation=0.0, seed=0, labels=labels)
    assert split.describe().endswith("too few series to put class 'c' into every part")
