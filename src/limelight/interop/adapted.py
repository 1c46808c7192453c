"""What the classifiers for aeon and sktime share: the parameters, and the classifier that they wrap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from numpy.typing import NDArray

from limelight.estimator import TimeSeriesClassifier
from limelight.training.settings import TrainingSettings


class AdaptedClassifier:
    """Wraps a ``TimeSeriesClassifier``; to be combined with the base class of another library, which it precedes.

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
    """

    classifier_: TimeSeriesClassifier

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

    def _fit(self, X: Any, y: NDArray[Any]) -> Self:
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
