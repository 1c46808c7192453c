"""TimeSeriesClassifier: scikit-learn's interface to a recipe and a fitted model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from limelight.data.array_labels import attach_labels, with_integer_classes
from limelight.data.arrays import (
    Layout,
    Trained,
    as_panel,
    has_names,
    is_wide_table,
    panel_of_table,
    plain_table,
    require_series,
)
from limelight.data.containers.labels import aligned_weights
from limelight.data.containers.numbers import foreign_errors
from limelight.data.inspection.inspect_panel import notes_on_arrays
from limelight.data.panel import Panel
from limelight.deployable import Deployable
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.monitoring.estimator_methods import TrustMethods
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain
from limelight.explanation.what_if import WhatIf, what_if
from limelight.incremental import Incremental
from limelight.model.bundle import save_model
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.targets import targets_of, task_of
from limelight.parts.architecture import METADATA_OPTIONS, OPTIONS, PART_KINDS, Architecture, preset
from limelight.recipe import Recipe, with_keywords
from limelight.task import Task, is_known
from limelight.training.result import FitResult
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import HoldOut


class TimeSeriesClassifier(Incremental, TrustMethods, Deployable, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify time series of any length with a network of interchangeable parts, and explain its predictions.

    Parameters
    ----------
    encoder
        ``"auto"`` selects ``"blocks"`` or ``"conv_lstm"``; or ``"rocket"``, ``"inception"``, ``"lstm"``, ``"gru"``,
        or a part: ``LSTM(hidden_size=32)``.
    pooling
        ``"attention"``, ``"conjunctive"``, ``"last"``, ``"mean"``, ``"max"``, or a part.
    head
        ``"mlp"``, ``"linear"``, or a part.
    missing
        How to treat missing values (NaN): ``"mask"``, ``"last"``, ``"linear"``, ``"mean"``; ``"error"`` rejects them,
        and ``"auto"`` is ``"mask"`` if values are missing in the training series, else ``"error"``.
    clock
        ``"elapsed"`` adds the time between steps as an input, ``"order"`` does not; ``"auto"`` is ``"elapsed"`` if the
        clock of the training series is irregular, else ``"order"``.
    fusion
        Where metadata of a ``Panel`` enter the network: ``"late"``, ``"repeat"``, ``"film"``, ``"attention"``, or a
        list of them; ``[]`` ignores metadata, and ``"auto"`` is ``"late"`` if metadata help, with ``"film"`` if the
        head is linear.
    context
        How metadata are encoded as a vector: ``"embedding"``, or a part such as
        ``ContextEncoding(text_encoder="folder")``.
    fields
        Kinds of metadata fields that should not be inferred from their values, such as ``{"badge": "ignore"}``.
    validation
        Share of the training series to hold out for early stopping and calibration, stratified, in [0, 1); None holds
        out a tenth, or nothing if the head is fitted in closed form, because leave-one-out predictions calibrate it.
        With fewer than 20 such series, and with 0, training runs for all epochs and keeps the last weights.
    training
        How to train: ``TrainingSettings(learning_rate=1e-3)`` or the same keywords as a dict; None is the default.
        A grid search can set each of them, as in ``training__learning_rate``.
    decision
        How to turn logits into predictions: ``DecisionRule(thresholds="f1", coverage=0.9)`` or the same keywords as
        a dict. Temperature, thresholds and prediction sets are chosen on the validation series, or on leave-one-out
        predictions if the head is solved in closed form; None only calibrates the probabilities.
    level
        Whether ``y`` has labels per ``"series"`` or per ``"step"``; ``"auto"`` reads a list of arrays, and a
        three-dimensional array, as labels per step.
    layout
        Axes of arrays: ``"ntc"`` (n, time, channels) or ``"nct"`` (n, channels, time); None is ``"ntc"`` and rejects
        arrays that look like ``"nct"``.
    max_epochs
        A shortcut for ``training__max_epochs``, which it overrides; None leaves it as it is.
    random_state
        An integer makes the fit reproducible; None draws a new seed.
    progress
        Whether to show a progress bar; None shows one in a terminal.

    Attributes
    ----------
    classes_
        Sorted labels, shape (classes,); for multi-label their names.
    model_
        The ``FittedModel``.
    history_
        A dict of losses and scores for each epoch; empty for a head that is solved in closed form.
    notes_
        Sentences on how metadata were read, and on the choices of ``"auto"`` with their reasons.
    n_features_in_
        Number of columns after a fit on an array (n, time); not set otherwise, as series may have any length.
    feature_names_in_
        Names of the columns after a fit on a DataFrame (n, time); prediction requires the same names.

    Examples
    --------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> model = TimeSeriesClassifier(encoder="gru", max_epochs=1, random_state=0).fit(panel)
    >>> model.predict_proba(panel[:5]).shape
    (5, 2)
    """

    classes_: NDArray[Any]
    model_: FittedModel
    history_: list[dict[str, float]]
    notes_: tuple[str, ...]
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        encoder: Any = "auto",
        pooling: Any = "attention",
        head: Any = "mlp",
        *,
        missing: str = "auto",
        clock: str = "auto",
        fusion: Any = "auto",
        context: Any = "embedding",
        fields: Mapping[str, str] | None = None,
        validation: float | None = None,
        training: TrainingSettings | Mapping[str, Any] | None = None,
        decision: DecisionRule | Mapping[str, Any] | None = None,
        level: str = "auto",
        layout: Layout | None = None,
        max_epochs: int | None = None,
        random_state: int | np.integer[Any] | np.random.RandomState | None = None,
        progress: bool | None = None,
    ) -> None:
        self.encoder = encoder
        self.pooling = pooling
        self.head = head
        self.missing = missing
        self.clock = clock
        self.fusion = fusion
        self.context = context
        self.fields = fields
        self.validation = validation
        self.training = training
        self.decision = decision
        self.level = level
        self.layout = layout
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.progress = progress

    @classmethod
    def from_preset(cls, name: str, **parameters: Any) -> Self:
        """Build an estimator with a preset network.

        Parameters
        ----------
        name
            ``"attention_bilstm"``, ``"lstm"``, ``"stacked_lstm"``, ``"bilstm"`` or ``"inception"``; with metadata
            ``"metadata_repeat"``, ``"metadata_late"`` or ``"metadata_attention"``; for multi-label tasks
            ``"multilabel_lstm"``; for labels per step ``"step_lstm"``.
        **parameters
            Other parameters of the constructor.

        Returns
        -------
        Self
            An unfitted estimator.

        Raises
        ------
        ParameterError
            If there is no such preset.

        Example
        -------
        >>> TimeSeriesClassifier.from_preset("lstm").encoder
        LSTM(hidden_size=50, num_layers=1, bidirectional=False, dropout=0.0, activation='relu', mask_value=None)
        """
        architecture = preset(name)
        choices = {name: getattr(architecture, name) for name in (*OPTIONS, *METADATA_OPTIONS)}
        return cls(**{word: getattr(architecture, word) for word in PART_KINDS}, **{**choices, **parameters})

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of parts and settings: ``encoder__hidden_size=32``, ``training__max_epochs=5``.

        A nested name works for a part given by its name or left at its default, too.

        Parameters
        ----------
        **params
            By name.

        Returns
        -------
        Self
            This estimator.

        Raises
        ------
        ParameterError
            If a part or a setting has no such parameter.
        """
        nested = {name.partition("__")[0] for name in params if "__" in name}
        for name in sorted(nested & {*PART_KINDS, "context", "training", "decision"}):
            value = params.pop(name, getattr(self, name))
            keywords = {key.partition("__")[2]: params.pop(key) for key in list(params) if key.startswith(f"{name}__")}
            setattr(self, name, with_keywords(name, value, keywords))
        super().set_params(**params)
        return self

    def fit(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the network to labelled series.

        Parameters
        ----------
        X
            A Panel; an array (n, time, channels) or (n, time); or a list of arrays (time, channels) of any lengths.
        y
            Labels, shape (n,); 0 and 1 for multi-label, shape (n, labels); per step a list of arrays (time,) or (time,
            labels), or an array (n, time) or (n, time, labels). None or NaN where unknown. None takes those of the
            Panel.
        sample_weight
            The weight of each series, at least 0, shape (n,). A series of weight 0 is not used. None takes the weights
            of the Panel or, without these, weights all series equally.

        Returns
        -------
        Self
            This estimator, fitted.

        Raises
        ------
        DataError
            If the series are not as described, a value is infinite, or missing with ``missing="error"``, or there is
            no clock with ``clock="elapsed"``.
        LabelError
            If there is only one class, or the labels do not match the series.
        ParameterError
            If a parameter is out of range.
        """
        with self._unchanged_on_error():
            recipe = self._recipe()
            panel = self._labelled_panel(X, y, sample_weight, fitting=True)
            task = with_integer_classes(task_of(panel), y)
            training = recipe.fit(panel, task, seed=self._seed(), progress=self.progress)
        self.__dict__.pop("_head", None)
        if training.interrupted:
            warnings.warn(
                f"training was interrupted in epoch {len(training.history)}; the model has the weights of epoch "
                f"{training.best_epoch}, the best so far",
                stacklevel=2,
            )
        self._set_fit(training, task, panel, getattr(X, "notes", ()))
        return self

    def _set_fit(self, training: FitResult, task: Task, panel: Panel, known_notes: Sequence[str] = ()) -> None:
        """Set the attributes that a fit has."""
        self.classes_ = np.array(task.classes)
        self.model_, self.history_ = training.model, training.history
        vocabulary = training.model.vocabulary
        notes = () if vocabulary is None else vocabulary.notes
        assumed = [note for note in panel.notes if note not in known_notes]
        self.notes_ = (*assumed, *notes_on_arrays(panel), *notes, *training.notes)
        self.model_.fitted_on["layout"] = self.layout

    def predict(self, X: Any) -> Any:
        """Predict the class of each series or step.

        Parameters
        ----------
        X
            As for ``fit``.

        Returns
        -------
        NDArray | list[NDArray]
            Labels, shape (n,), or 0 and 1, shape (n, labels). Per step an array of these for each series, stacked if
            all have the same length.

        Raises
        ------
        DataError
            If the channels or the kind of clock differ from those in training, a value is infinite, or missing although
            none was missing in training.
        """
        check_is_fitted(self)
        prediction = self._predict(self._panel(X, fitting=False))
        return prediction.by_series(prediction.labels)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class or label, in the order of ``classes_``.

        Parameters
        ----------
        X
            As for ``fit``.

        Returns
        -------
        NDArray | list[NDArray]
            In [0, 1], shape (n, classes) or (n, labels); per step an array (time, classes) for each series.

        Raises
        ------
        DataError
            As for ``predict``.
        """
        check_is_fitted(self)
        prediction = self._predict(self._panel(X, fitting=False))
        return prediction.by_series(prediction.probabilities)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Compute the accuracy over series or steps with a known label.

        Parameters
        ----------
        X, y
            As for ``fit``.
        sample_weight
            Weight of each series, shape (n,), or None.

        Returns
        -------
        float
            In [0, 1]; for multi-label the subset accuracy.
        """
        check_is_fitted(self)
        panel = attach_labels(self._panel(X, fitting=False), y, self.level, named=has_names(X), task=self.model_.task)
        if y is not None and panel.labels is not None and is_known(panel.labels).all():
            weights = aligned_weights(sample_weight, panel.ids, named=has_names(X))
            return float(super().score(panel, panel.labels, weights))
        from limelight.evaluation.metrics.scoring import mean_accuracy  # imports all scores of scikit-learn

        return mean_accuracy(self.model_.predict(panel), targets_of(self.model_.task, panel).every())

    def explain(self, X: Any, method: str | None = None, target: Any = None, **settings: Any) -> Explanation:
        """Explain predictions step by step.

        Parameters
        ----------
        X
            As for ``fit``.
        method
            ``"attention"``, ``"evidence"``, ``"gradients"``, ``"occlusion"``; None is the default of the
            model.
        target
            The class to explain, or one for each series; None is the predicted one.
        **settings
            Settings of the method, such as ``background``.

        Returns
        -------
        Explanation
            With ``plot()`` and ``table()``.

        Raises
        ------
        ParameterError, DataError
            If there is no such method, target or setting, or occlusion has no background; or as for ``predict``.
        """
        check_is_fitted(self)
        if (background := settings.get("background")) is not None:
            settings["background"] = self._panel(background, fitting=False)
        return explain(self.model_, self._panel(X, fitting=False), method, target, **settings)

    def what_if(self, X: Any, background: Any = None, *, fields: Sequence[str] | None = None) -> WhatIf:
        """Predict series with other values of their metadata, one field at a time.

        Parameters
        ----------
        X
            A ``Panel`` with metadata.
        background
            Series whose metadata provide the values to try, such as the training series; None takes ``X``.
        fields
            The fields to vary; None varies every field that the model reads, except texts.

        Returns
        -------
        WhatIf
            With ``table()`` and ``summary()``.

        Raises
        ------
        ParameterError, DataError
            If the model reads no metadata, or there is no such field; or as for ``predict``.
        """
        check_is_fitted(self)
        others = None if background is None else self._panel(background, fitting=False)
        return what_if(self.model_, self._panel(X, fitting=False), others, fields=fields)

    def save(self, folder: Path | str) -> Path:
        """Save the fitted model as a folder of safetensors and JSON, atomically; return the folder."""
        check_is_fitted(self)
        return save_model(self.model_, folder)

    def _recipe(self) -> Recipe:
        """Build the recipe that the parameters describe; ParameterError if one of them is wrong."""
        parts = {name: getattr(self, name) for name in (*PART_KINDS, *OPTIONS, *METADATA_OPTIONS)}
        training = TrainingSettings.of(self.training)
        if self.max_epochs is not None:
            training = TrainingSettings.of({**training.get_params(), "max_epochs": self.max_epochs})
        hold_out = HoldOut(self.validation)
        return Recipe.of(Architecture.of(**parts), training, DecisionRule.of(self.decision), hold_out, self.fields)

    def _panel(self, X: Any, *, fitting: bool) -> Panel:
        require_series(X)
        known = None if fitting else Trained(self.model_.channels, self.model_.fitted_on.get("lengths", [2])[0])
        trained = None if hasattr(self, "n_features_in_") else known  # after a fit on a table, a table stays one
        table = not isinstance(X, Panel) and is_wide_table(X, self.layout, trained)
        if not table and fitting:
            for name in ("n_features_in_", "feature_names_in_"):  # set by an earlier fit on a table (n, time)
                self.__dict__.pop(name, None)
        if table:
            with foreign_errors():
                array = validate_data(
                    self, plain_table(X, fitting=fitting), reset=fitting, ensure_all_finite="allow-nan"
                )
            panel = panel_of_table(X, array)
        else:
            panel = as_panel(X, self.layout, trained)
        for note in () if fitting or isinstance(X, Panel) else panel.notes:
            warnings.warn(note, stacklevel=3)
        return panel

    def _labelled_panel(self, X: Any, y: Any, sample_weight: ArrayLike | None, *, fitting: bool) -> Panel:
        """Return the series with their labels and weights, without those of weight 0."""
        panel = attach_labels(self._panel(X, fitting=fitting), y, self.level, named=has_names(X))
        if sample_weight is not None:
            panel = panel.replace(weights=aligned_weights(sample_weight, panel.ids, named=has_names(X)))
        return panel if panel.weights is None else panel[np.flatnonzero(panel.weights)]

    def _predict(self, panel: Panel) -> Prediction:
        """Predict a panel, with a warning if too many series are outside the training data."""
        prediction, outside = self.model_.predict(panel), self.model_.check(panel)
        if outside is not None and outside.unexpected:
            warnings.warn("; ".join(outside.lines()), stacklevel=3)
        return prediction

    def _seed(self) -> int:
        if self.random_state is None:
            return int(np.random.default_rng().integers(2**31 - 1))
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state) % (2**31 - 1)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    @contextmanager
    def _unchanged_on_error(self) -> Iterator[None]:
        """Restore the attributes, and the generator that seeds are drawn from, if the block raises an error."""
        attributes = dict(self.__dict__)
        drawn = self.random_state is not None and not isinstance(self.random_state, (int, np.integer))
        generator = check_random_state(self.random_state) if drawn else None
        state = None if generator is None else generator.get_state()
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(attributes)
            if generator is not None:
                generator.set_state(state)
            raise

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
