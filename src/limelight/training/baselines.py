"""What a network has to beat: the commonest class, and what is known about each series without its values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import OrdinalEncoder

from limelight.data.panel import Panel
from limelight.model.vocabulary import EncodedMetadata, fit_vocabulary
from limelight.types import Codes, Probabilities

MOST_BOOSTED_CATEGORIES = 254
"""Of one category for the boosting, which takes 255; rarer ones are one word."""
WORD_COLUMNS = 64


def majority(codes: Codes, classes: int, n: int) -> Probabilities:
    """Answer ``n`` series with the shares of the classes in training.

    Parameters
    ----------
    codes
        Of the training series, shape (m,).
    classes
        How many there are.
    n
        How many series to answer.

    Returns
    -------
    NDArray[np.float64]
        Shape (n, classes).

    Source
    ------
    ``sklearn.dummy.DummyClassifier`` with ``strategy="prior"``.

    Example
    -------
    >>> majority(np.array([0, 2, 2, 2]), classes=3, n=1).tolist()
    [[0.25, 0.0, 0.75]]
    """
    model = DummyClassifier(strategy="prior").fit(np.zeros((len(codes), 1)), codes)
    return _for_all(model.predict_proba(np.zeros((n, 1))), model.classes_, classes)


def boost_metadata(
    panel: Panel,
    codes: Codes,
    classes: int,
    others: Panel,
    *,
    fields: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Probabilities:
    """Answer series by their metadata alone, with gradient-boosted trees.

    Parameters
    ----------
    panel
        Training series with metadata; their values are not looked at.
    codes
        Their classes, shape (m,).
    classes
        How many there are.
    others
        The series to answer, n of them.
    fields
        The kind of metadata fields, as for ``fit``.
    seed
        At least 0.

    Returns
    -------
    NDArray[np.float64]
        Shape (n, classes).

    Raises
    ------
    DataError, ParameterError
        If a field does not hold what ``fields`` says.

    Source
    ------
    scikit-learn's ``HistGradientBoostingClassifier`` as it comes, on what ``fit_vocabulary`` makes of the metadata:
    categories as categories, numbers as they are, texts as counts of words hashed to 64 columns.

    Example
    -------
    >>> import pyarrow as pa
    >>> panel = Panel.from_series(np.zeros((80, 1)), metadata=pa.table({"mode": ["idle", "run"] * 40}))
    >>> boost_metadata(panel, np.tile([0, 1], 40), 2, panel[:2]).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    vocabulary = fit_vocabulary(panel.metadata, schema=fields, buckets=WORD_COLUMNS)
    known = vocabulary.encode(panel.metadata, len(panel))
    asked = vocabulary.encode(others.metadata, len(others))
    words = OrdinalEncoder(
        max_categories=MOST_BOOSTED_CATEGORIES, handle_unknown="use_encoded_value", unknown_value=np.nan
    )
    if known.categories.shape[1]:
        words.fit(known.categories)
    categorical = np.arange(_columns(known, words).shape[1]) < known.categories.shape[1]
    model = HistGradientBoostingClassifier(categorical_features=categorical, random_state=seed)
    model.fit(_columns(known, words), codes)
    return _for_all(model.predict_proba(_columns(asked, words)), model.classes_, classes)


def _columns(facts: EncodedMetadata, words: OrdinalEncoder) -> NDArray[np.float64]:
    """Lay metadata out as a table: categories, numbers, and a count for each hashed word, shape (n, columns)."""
    n, texts = len(facts.numbers), facts.tokens.shape[1]
    counts = np.zeros((n, texts, WORD_COLUMNS + 1))
    rows, fields, places = np.nonzero(facts.tokens)
    np.add.at(counts, (rows, fields, facts.tokens[rows, fields, places]), 1)
    categories = words.transform(facts.categories) if facts.categories.shape[1] else facts.categories
    return np.concatenate([categories, facts.numbers, counts[:, :, 1:].reshape(n, -1)], axis=1)


def _for_all(probabilities: Probabilities, known: Codes, classes: int) -> Probabilities:
    """Give the classes that training did not have a probability of 0."""
    every = np.zeros((len(probabilities), classes))
    every[:, known] = probabilities
    return every
