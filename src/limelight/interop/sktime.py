"""A classifier for the tools of sktime, such as its pipelines and benchmarks; needs sktime, ``pip install sktime``."""

from __future__ import annotations

from typing import Any

from sktime.classification.base import BaseClassifier

from limelight.interop.adapted import AdaptedClassifier
from limelight.parts.encoders.blocks import Blocks


class SktimeClassifier(AdaptedClassifier, BaseClassifier):  # type: ignore[misc]
    """A ``TimeSeriesClassifier`` with the interface of sktime.

    Parameters
    ----------
    encoder, pooling, head, missing, validation, training
        As for ``TimeSeriesClassifier``.
    random_state
        An integer makes the fit reproducible; None draws a new seed.

    Attributes
    ----------
    classifier_
        The fitted ``TimeSeriesClassifier``, which also explains predictions; its arrays are (n, channels, time).

    Example
    -------
    >>> from sktime.datasets import load_unit_test
    >>> X, y = load_unit_test("train")
    >>> from limelight.interop.sktime import SktimeClassifier
    >>> SktimeClassifier("rocket", random_state=0).fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    _tags = {  # noqa: RUF012
        "X_inner_mtype": ["df-list", "numpy3D"],
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": True,
        "capability:predict_proba": True,
        "capability:random_state": True,
        "property:randomness": "derandomized",
    }

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters with which sktime's checks are quick."""
        return [{"encoder": "rocket", "random_state": 0}, {"encoder": Blocks(["quantiles"]), "random_state": 0}]
