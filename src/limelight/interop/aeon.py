"""A classifier for the tools of aeon, such as its pipelines and benchmarks; needs aeon, ``pip install aeon``."""

from __future__ import annotations

from typing import Any

from aeon.classification.base import BaseClassifier

from limelight.interop.adapted import AdaptedClassifier


class AeonClassifier(AdaptedClassifier, BaseClassifier):  # type: ignore[misc]
    """A ``TimeSeriesClassifier`` with the interface of aeon, whose series are (channels, time).

    Parameters
    ----------
    encoder, pooling, head, missing, validation, training
        As for ``TimeSeriesClassifier``.
    random_state
        An integer makes the fit reproducible; None draws a new seed.

    Attributes
    ----------
    classifier_
        The fitted ``TimeSeriesClassifier``, which also explains predictions; it reads arrays of the same layout.

    Example
    -------
    >>> from aeon.testing.data_generation import make_example_3d_numpy
    >>> X, y = make_example_3d_numpy(n_cases=20, n_channels=2, n_timepoints=30, random_state=0)
    >>> from limelight.interop.aeon import AeonClassifier
    >>> AeonClassifier("rocket", random_state=0).fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    _tags = {  # noqa: RUF012
        "X_inner_type": ["np-list", "numpy3D"],
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": True,
        "algorithm_type": "convolution",
    }

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        return {"encoder": "rocket", "random_state": 0}
