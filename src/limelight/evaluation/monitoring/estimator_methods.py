"""Methods of the estimator for prediction sets, abstention, checks of new series and monitoring."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from limelight.errors import ParameterError
from limelight.evaluation.decision.abstention import Abstention
from limelight.evaluation.decision.prediction_sets import PredictionSets
from limelight.evaluation.monitoring.monitor import Monitoring, monitor_model
from limelight.model.fitted import FittedModel, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from limelight.data.panel import Panel
    from limelight.data.profile.outside import OutsideTraining


class TrustMethods:
    """Prediction sets, abstention, the check against the training, and monitoring; part of ``TimeSeriesClassifier``."""

    model_: FittedModel

    @abstractmethod
    def _panel(self, X: Any, *, fitting: bool) -> Panel:
        """Return the series as a panel, as the estimator reads them."""

    @abstractmethod
    def _predict(self, panel: Panel) -> Prediction:
        """Predict a panel, with a warning if too many series are outside the training data."""

    def predict_set(self, X: Any) -> Any:
        """Predict a set of classes for each series or step that contains the true class with the requested coverage.

        Parameters
        ----------
        X
            As for ``fit``.

        Returns
        -------
        NDArray | list[NDArray]
            Whether each class is in the set, shape (n, classes) in the order of ``classes_``; for multi-label shape (n,
            labels, 2): whether "absent" and whether "present" is in the set of the label. Labels per step as for
            ``predict``.

        Raises
        ------
        ParameterError
            If the model was fitted without ``decision=DecisionRule(coverage=...)``.
        DataError
            As for ``predict``.
        """
        check_is_fitted(self)
        chosen = self.model_.decision.provenance.get("sets")
        if chosen is None:
            raise ParameterError(
                "expected a model fitted with a coverage for its prediction sets, got one without; fit with for "
                "example decision={'coverage': 0.9}"
            )
        panel = self._panel(X, fitting=False)
        prediction = self._predict(panel)
        sets = PredictionSets.from_json(chosen).sets(prediction.task, prediction.probabilities, panel)
        return prediction.by_series(sets)

    def check(self, X: Any) -> OutsideTraining | None:
        """Check whether series, as for ``fit``, are like the training series; None for a model of an earlier version.

        ``predict`` warns if more series are outside the training data than chance explains.
        """
        check_is_fitted(self)
        return self.model_.check(self._panel(X, fitting=False))

    def abstains(self, X: Any) -> NDArray[np.bool_]:
        """Whether each series, as for ``fit``, is left unanswered by the rule ``decision={"abstain": ...}``."""
        check_is_fitted(self)
        if (chosen := self.model_.decision.provenance.get("abstain")) is None:
            raise ParameterError("expected a model fitted with decision={'abstain': ...}, got one without")
        return Abstention.from_json(chosen).abstains(self._predict(self._panel(X, fitting=False)))

    def monitor(self, X: Any, **limits: float) -> Monitoring:
        """Estimate the accuracy on series without labels and find drift; limits as for ``limelight monitor``."""
        check_is_fitted(self)
        return monitor_model(self.model_, self._panel(X, fitting=False), limits)
