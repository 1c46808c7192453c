"""``partial_fit`` of the estimator: fit in several calls, for series that do not fit into memory together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from limelight.data.panel import Panel
from limelight.model.targets import task_of
from limelight.task import Task
from limelight.training.incremental import IncrementalHead


def _has_closed_form(estimator: Any) -> bool:
    """Whether the head of the encoder is solved in closed form; AttributeError with the reason otherwise."""
    encoder = estimator._recipe().architecture.encoder
    if not (encoder.automatic or encoder.closed_form):
        raise AttributeError(
            f"partial_fit needs an encoder whose head is solved in closed form, 'rocket' or 'blocks', got "
            f"{encoder.name!r}; fit all series at once"
        )
    return True


class Incremental:
    """Adds ``partial_fit`` to the estimator, which has ``fit``'s parts as methods of its own."""

    @available_if(_has_closed_form)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any = None, classes: Sequence[Any] | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit to the series of all calls so far, without keeping them. A call that fails changes nothing.

        The first call fits scaling, thresholds, blocks and the vocabulary of metadata; further calls add to the sums
        from which the head is solved. One series in ten is held out to choose the penalty and to calibrate. Memory does
        not grow with the series but for those, of which there are at most 20,000. The encoder ``"auto"`` is
        ``"blocks"``. ``fit`` begins anew.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``; every label is known. The first call should have some hundred series, in random order.
        classes
            All classes of all calls; needed in the first call if some do not occur in it.

        Returns
        -------
        Self
            This estimator, fitted.

        Raises
        ------
        AttributeError
            If the encoder is trained by gradient descent.
        DataError, LabelError, ParameterError
            As for ``fit``; or if series or labels are not like those of the first call.

        Example
        -------
        >>> import limelight as ll
        >>> waves = ll.generate_sine(ll.SineSettings(dataset_size=300, num_points=60))
        >>> model = ll.TimeSeriesClassifier(ll.Rocket(features=840), random_state=0).partial_fit(waves[:100])
        >>> model = model.partial_fit(waves[100:200]).partial_fit(waves[200:])
        >>> model.model_.fitted_on["training_series"]
        300
        """
        own: Any = self  # the estimator, whose methods and parameters are used
        head: IncrementalHead | None = self.__dict__.get("_head")
        with own._unchanged_on_error():
            panel = own._labelled_panel(X, y, sample_weight, fitting=head is None)
            if head is None:
                task, seed = _task_of(panel, classes), own._seed()
                result, head = own._recipe().start(panel, task, seed=seed, progress=own.progress)
                own._set_fit(result, task, panel)
                own._head, own._head_seed = head, seed
            else:
                result, own._head = own._recipe().extend(head, panel, seed=own._head_seed)
                own.model_ = result.model
                own.model_.fitted_on["layout"] = own.layout
        return self


def _task_of(panel: Panel, classes: Sequence[Any] | None) -> Task:
    """Return the task of the labels, with all classes if these are stated."""
    if classes is None or panel.labels is None or panel.labels.ndim > 1:
        return task_of(panel)
    return Task(tuple(np.unique(np.asarray(classes)).tolist()))
