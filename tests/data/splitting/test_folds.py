import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from limelight.data.splitting.folds import make_folds
from limelight.errors import ParameterError


@given(
    labels=st.lists(st.sampled_from("abc"), min_size=8, max_size=60),
    folds=st.integers(2, 4),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 5),
)
@settings(deadline=None, max_examples=50)
def test_every_series_is_held_out_once_in_every_repeat(labels, folds, repeats, seed):
    try:
        made = make_folds(labels, folds=folds, repeats=repeats, seed=seed)
    except ParameterError:
        assume(False)
    assert len(made) == folds * repeats
    for repeat in range(repeats):
        held_out = np.concatenate([fold.held_out for fold in made[repeat * folds : (repeat + 1) * folds]])
        assert sorted(held_out.tolist()) == list(range(len(labels)))
    for fold in made:
        assert sorted([*fold.train, *fold.held_out]) == list(range(len(labels)))


@given(names=st.lists(st.sampled_from("klmnopqr"), min_size=12, max_size=60), seed=st.integers(0, 5))
@settings(deadline=None, max_examples=50)
def test_no_group_is_trained_on_and_held_out(names, seed):
    groups = np.array(names)
    assume(len(set(names)) >= 3)
    try:
        made = make_folds(np.arange(len(names)) % 2, folds=3, groups=groups, seed=seed)
    except ParameterError:
        assume(False)
    assert all(not set(groups[fold.train]) & set(groups[fold.held_out]) for fold in made)


@pytest.mark.parametrize("grouped", [False, True])
def test_folds_are_those_of_scikit_learn(grouped):
    labels = np.random.default_rng(0).choice(["a", "b"], 40)
    groups = np.repeat(np.arange(10), 4).astype(str) if grouped else None
    kind = StratifiedGroupKFold if grouped else StratifiedKFold
    for repeat in range(2):
        theirs = kind(5, shuffle=True, random_state=3 + repeat).split(labels, labels, groups)
        ours = make_folds(labels, folds=5, repeats=2, seed=3, groups=groups)[repeat * 5 : repeat * 5 + 5]
        assert [fold.held_out.tolist() for fold in ours] == [held_out.tolist() for _, held_out in theirs]


def test_folds_of_repeats_have_distinct_names():
    assert [fold.name for fold in make_folds(list("abab"), folds=2, repeats=2)] == [
        "fold 1 of repeat 1",
        "fold 2 of repeat 1",
        "fold 1 of repeat 2",
        "fold 2 of repeat 2",
    ]


@pytest.mark.parametrize(
    ("labels", "rule", "message"),
    [
        ("abab", {"folds": 1}, "expected folds of at least 2, got 1"),
        ("abab", {"folds": 2, "repeats": 0}, "expected repeats of at least 1, got 0"),
        ("abab", {"folds": 2, "seed": -1}, "expected seed of at least 0, got -1"),
        (
            "aabb",
            {"folds": 3},
            "expected a class with at least 3 series for 3 folds, got at most 2 of a class; use fewer folds, or more "
            "series",
        ),
        (
            "aabb",
            {"folds": 2, "groups": np.array(["x"] * 4), "group_name": "machine"},
            "expected at least 2 distinct values of 'machine' for 2 folds, got 1; use fewer folds, or group by another "
            "field",
        ),
        (
            "aabb",
            {"folds": 2, "groups": np.array(["x", "x", "y", "y"]), "group_name": "machine"},
            "expected training series of at least two classes in every fold, got one class in fold 1; use fewer folds, "
            "or smaller groups than 'machine', or more series",
        ),
        (
            "aaaab",
            {"folds": 2},
            "expected training series of at least two classes in every fold, got one class in fold 1; use a different "
            "number of folds, or more series",
        ),
    ],
)
def test_impossible_folds_are_refused(labels, rule, message):
    with pytest.raises(ParameterError) as error:
        make_folds(list(labels), **rule)
    assert str(error.value) == message
