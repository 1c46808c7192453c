import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from limelight.data.panel import Panel
from limelight.training.baselines import boost_metadata, majority


def known(**columns):
    n = len(next(iter(columns.values())))
    return Panel.from_series(np.zeros((n, 1)), metadata=pa.table(columns))


def boosted_classes(panel, codes, new, **rest):
    return boost_metadata(panel, np.asarray(codes), 2, new, **rest).argmax(axis=1)


def test_the_majority_baseline_has_the_training_shares():
    np.testing.assert_allclose(majority(np.array([2, 2, 0, 2]), 4, 2), [[0.25, 0, 0.75, 0]] * 2)


def test_boosting_equals_scikit_learn_with_missing_numbers():
    random = np.random.default_rng(0)
    values = random.normal(size=(200, 2)).astype(np.float32)
    codes = (values.sum(axis=1) > 0).astype(np.int64)
    values[random.random(values.shape) < 0.1] = np.nan
    columns = {name: pa.array(values[:, place], from_pandas=True) for place, name in enumerate("ab")}
    panel = known(**columns)
    theirs = HistGradientBoostingClassifier(random_state=0).fit(values[:150], codes[:150]).predict_proba(values[150:])
    np.testing.assert_allclose(boost_metadata(panel[:150], codes[:150], 2, panel[150:]), theirs)


@pytest.mark.parametrize(
    "column",
    [
        ["idle", "run"] * 50,
        [False, True] * 50,
        ["the pump was standing still today", "we saw that the pump ran today"] * 50,
    ],
    ids=["category", "boolean", "text"],
)
def test_every_kind_of_field_is_read(column):
    panel = known(field=column)
    assert (boosted_classes(panel, np.tile([0, 1], 50), panel) == np.tile([0, 1], 50)).all()


def test_more_categories_than_the_boosting_supports_are_accepted():
    panel = known(place=[f"p{number // 4}" for number in range(1200)])
    assert len(boosted_classes(panel, np.tile([0, 1], 600), panel)) == 1200


def test_unseen_categories_are_unknown_to_the_boosting():
    panel = known(mode=["idle", "run", "run", "run"] * 25)
    (probabilities,) = boost_metadata(panel, np.tile([0, 1, 1, 1], 25), 2, known(mode=["off"]))
    assert probabilities.sum() == pytest.approx(1)


def test_fields_may_be_ignored():
    panel = known(badge=["a", "b"] * 50, age=[1.0] + [0.0] * 99)
    assert len(np.unique(boosted_classes(panel, np.tile([0, 1], 50), panel, fields={"badge": "ignore"}))) == 1
