"""Baselines of a comparison: the class frequencies, and gradient-boosted trees on metadata alone."""

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
"""Categories per field for the boosting, which takes 255; rarer ones are merged."""
WORD_COLUMNS = 64


def majority(codes: Codes, classes: int, n: int) -> Probabilities:
    """Predict the class frequencies of the training series for ``n`` series.

    Parameters
    ----------
    codes
        Of the training series, shape (m,).
    classes
        Number of classes.
    n
        Number of series to predict.

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
    new: Panel,
    *,
    fields: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Probabilities:
    """Predict series from their metadata alone, with gradient-boosted trees.

    Parameters
    ----------
    panel
        Training series with metadata; their values are not used.
    codes
        Their classes, shape (m,).
    classes
        Number of classes.
    new
        The series to predict, n of them.
    fields
        Kinds of metadata fields, as for ``fit``.
    seed
        At least 0.

    Returns
    -------
    NDArray[np.float64]
        Shape (n, classes).

    Raises
    ------
    DataError, ParameterError
        If a field does not have the kind that ``fields`` states.

    Source
    ------
    scikit-learn's ``HistGradientBoostingClassifier`` with its defaults, on the encoded metadata: categories as
    categories, numbers unchanged, texts as counts of words hashed to 64 columns.

    Example
    -------
    >>> import pyarrow as pa
    >>> panel = Panel.from_series(np.zeros((80, 1)), metadata=pa.table({"mode": ["idle", "run"] * 40}))
    >>> boost_metadata(panel, np.tile([0, 1], 40), 2, panel[:2]).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    vocabulary = fit_vocabulary(panel.metadata, schema=fields, buckets=WORD_COLUMNS)
    training = vocabulary.encode(panel.metadata, len(panel))
    predicted = vocabulary.encode(new.metadata, len(new))
    words = OrdinalEncoder(
        max_categories=MOST_BOOSTED_CATEGORIES, handle_unknown="use_encoded_value", unknown_value=np.nan
    )
    if training.categories.shape[1]:
        words.fit(training.categories)
    categorical = np.arange(_columns(training, words).shape[1]) < training.categories.shape[1]
    model = HistGradientBoostingClassifier(categorical_features=categorical, random_state=seed)
    model.fit(_columns(training, words), codes)
    return _for_all(model.predict_proba(_columns(predicted, words)), model.classes_, classes)


def _columns(metadata: EncodedMetadata, words: OrdinalEncoder) -> NDArray[np.float64]:
    """Return metadata as a table of categories, numbers and counts of hashed words, shape (n, columns)."""
    n, texts = len(metadata.numbers), metadata.tokens.shape[1]
    counts = np.zeros((n, texts, WORD_COLUMNS + 1))
    rows, fields, places = np.nonzero(metadata.tokens)
    np.add.at(counts, (rows, fields, metadata.tokens[rows, fields, places]), 1)
    categories = words.transform(metadata.categories) if metadata.categories.shape[1] else metadata.categories
    return np.concatenate([categories, metadata.numbers, counts[:, :, 1:].reshape(n, -1)], axis=1)


def _for_all(probabilities: Probabilities, known: Codes, classes: int) -> Probabilities:
    """Set the probability of classes that did not occur in training to 0."""
    every = np.zeros((len(probabilities), classes))
    every[:, known] = probabilities
    return every
