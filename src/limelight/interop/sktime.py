"""A classifier for the tools of sktime, such as its pipelines and benchmarks; needs sktime, ``pip install sktime``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from sktime.classification.base import BaseClassifier

from limelight.estimator import TimeSeriesClassifier
from limelight.parts.encoders.blocks import Blocks
from limelight.training.settings import TrainingSettings


class SktimeClassifier(BaseClassifier):  # type: ignore[misc]
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

    def __init__(
        self,
        encoder: Any = "auto",
        pooling: Any = "attention",
        head: Any = "mlp",
        missing: str = "auto",
        validation: float | None = None,
        training: TrainingSettings | Mapping[str, Any] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.pooling = pooling
        self.head = head
        self.missing = missing
        self.validation = validation
        self.training = training
        self.random_state = random_state
        super().__init__()

    def _fit(self, X: Any, y: NDArray[Any]) -> SktimeClassifier:
        self.classifier_ = TimeSeriesClassifier(
            self.encoder,
            self.pooling,
            self.head,
            missing=self.missing,
            validation=self.validation,
            training=self.training,
            level="series",
            layout="nct",
            random_state=self.random_state,
            progress=False,
        ).fit(X, y)
        return self

    def _predict(self, X: Any) -> NDArray[Any]:
        labels: NDArray[Any] = self.classifier_.predict(X)
        return labels

    def _predict_proba(self, X: Any) -> NDArray[Any]:
        probabilities: NDArray[Any] = self.classifier_.predict_proba(X)
        return probabilities

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters with which sktime's checks are quick."""
        return [{"encoder": "rocket", "random_state": 0}, {"encoder": Blocks(["quantiles"]), "random_state": 0}]
