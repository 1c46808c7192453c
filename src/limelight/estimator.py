"""TimeSeriesClassifier: scikit-learn's contract over fit() and FittedModel, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from limelight.data.array_labels import attach_labels, with_integer_classes
from limelight.data.arrays import Layout, as_panel, is_ragged
from limelight.data.panel import Panel
from limelight.evaluation.decision.rule import DecisionRule, decide_on
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.registry import explain
from limelight.model.bundle import load_model, save_model
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of, task_of
from limelight.parts.architecture import METADATA_OPTIONS, OPTIONS, PART_KINDS, Architecture, preset
from limelight.task import is_known
from limelight.training.auto import is_solved
from limelight.training.fit import fit
from limelight.training.settings import VALIDATION, TrainingSettings
from limelight.training.validation_split import validation_split


class TimeSeriesClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify series of any length with a network of parts, and see what it looked at.

    Parameters
    ----------
    encoder
        ``"auto"`` chooses ``"rocket"`` or ``"conv_lstm"``; ``"lstm"``, ``"gru"``, or a part: ``LSTM(hidden_size=32)``.
    pooling
        ``"attention"``, ``"last"``, ``"mean"``, ``"max"``, or a part.
    head
        ``"mlp"``, ``"linear"``, or a part.
    missing
        What stands for a missing value (NaN): ``"mask"``, ``"last"``, ``"linear"``, ``"mean"``; ``"error"`` refuses
        them, and ``"auto"`` takes ``"mask"`` if values are missing in the training series, else ``"error"``.
    clock
        ``"elapsed"`` also shows the network the time between steps, ``"order"`` does not; ``"auto"`` takes
        ``"elapsed"`` if the clock of the training series is irregular, else ``"order"``.
    fusion
        Where metadata of a ``Panel`` join the network: ``"late"``, ``"repeat"``, ``"film"``, ``"attention"``, or a list
        of them; ``[]`` leaves metadata out, and ``"auto"`` takes ``"late"`` where there are any.
    context
        How metadata become a vector: ``"embedding"``, or a part such as ``ContextEncoding(text_encoder="folder")``.
    fields
        The kind of metadata fields that should not be read off their values, such as ``{"badge": "ignore"}``.
    validation
        Share of the training series to stop early by, stratified, in [0, 1); None takes a tenth, or nothing where the
        head is solved in closed form, as training series left out serve as well. With fewer than 20 such series, and
        with 0, training runs for all epochs and keeps the last weights.
    max_epochs, patience, batch_size, learning_rate, device, imbalance
        As for ``TrainingSettings``; None chooses from the number of series.
    calibrate, thresholds
        As for ``DecisionRule``, on the series that stop the training, or are left out where the head is solved:
        whether a temperature makes the probabilities true, and from which probability the positive class, or each
        label, is answered.
    level
        What ``y`` is about: ``"series"``, ``"step"``, or ``"auto"``, which takes a list of arrays, and an array of
        three dimensions, for labels of steps.
    layout
        Of arrays: ``"ntc"`` (n, time, channels), ``"nct"`` (n, channels, time); None means the first and refuses what
        looks like the second.
    random_state
        A whole number gives the same model twice; None gives another one each time.
    progress
        Whether to show a bar; None shows it in a terminal.

    Attributes
    ----------
    classes_
        Sorted labels, shape (classes,); of several labels their names.
    model_
        The ``FittedModel`` that answers.
    history_
        One dict of numbers for each epoch; none for ``rocket``, which is solved.
    notes_
        What ``"auto"`` chose, and why.
    n_features_in_
        Columns of the array (n, time) that was fitted; not there after a fit on anything else, as series may then have
        any length.

    Example
    -------
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
        max_epochs: int | None = None,
        patience: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 4e-3,
        device: str = "auto",
        imbalance: str = "none",
        calibrate: bool = True,
        thresholds: Any = "none",
        level: str = "auto",
        layout: Layout | None = None,
        random_state: Any = None,
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
        self.max_epochs = max_epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.imbalance = imbalance
        self.calibrate = calibrate
        self.thresholds = thresholds
        self.level = level
        self.layout = layout
        self.random_state = random_state
        self.progress = progress

    @classmethod
    def from_preset(cls, name: str, **parameters: Any) -> Self:
        """Make an estimator with a network of the articles.

        Parameters
        ----------
        name
            ``"attention_bilstm"``, ``"lstm"``, ``"stacked_lstm"`` or ``"bilstm"``.
        **parameters
            Anything else that the constructor takes.

        Returns
        -------
        Self
            Not fitted yet.

        Raises
        ------
        ParameterError
            If there is no such preset.

        Example
        -------
        >>> TimeSeriesClassifier.from_preset("lstm").encoder
        LSTM(hidden_size=50, num_layers=1, bidirectional=False, dropout=0.0, activation='relu')
        """
        architecture = preset(name)
        choices = {name: getattr(architecture, name) for name in (*OPTIONS, *METADATA_OPTIONS)}
        return cls(**{word: getattr(architecture, word) for word in PART_KINDS}, **{**choices, **parameters})

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of parts: ``encoder__hidden_size=32`` works for ``encoder="lstm"`` too."""
        named = {word for word in (*PART_KINDS, "context") for name in params if name.startswith(f"{word}__")}
        for word in sorted(named):
            value = params.pop(word, getattr(self, word))
            setattr(self, word, getattr(Architecture.of(**{word: value}), word))
        super().set_params(**params)
        return self

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X
            A Panel; an array (n, time, channels) or (n, time); or a list of arrays (time, channels) of any lengths.
        y
            Labels, shape (n,); 0 and 1 for several labels, shape (n, labels); of steps a list of arrays (time,) or
            (time, labels), or an array with these behind n. None or NaN where not known. None takes those of the Panel.

        Returns
        -------
        Self
            Fitted.

        Raises
        ------
        DataError
            If the series are not as described, a value is infinite, or missing with ``missing="error"``, or there is
            no clock with ``clock="elapsed"``.
        LabelError
            If there is one class only, or the labels do not fit the series.
        ParameterError
            If a parameter is out of range.
        """
        words = {name: getattr(self, name) for name in (*PART_KINDS, *OPTIONS, *METADATA_OPTIONS)}
        architecture = Architecture.of(**words)
        settings = TrainingSettings.checked(
            max_epochs=self.max_epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            device=self.device,
            imbalance=self.imbalance,
        )
        rule = DecisionRule(self.calibrate, self.thresholds)
        panel = attach_labels(self._panel(X, fitting=True), y, self.level)
        task = with_integer_classes(task_of(panel), y)
        self.classes_ = np.array(task.classes)
        seed = self._seed()
        independent = panel.is_independent()
        solved = independent and is_solved(panel, architecture, settings)
        share = (0.0 if solved else VALIDATION) if self.validation is None else self.validation
        rows = validation_split(panel, share, classes=len(task.classes), seed=seed)
        train, validation = panel[rows[0]], panel[rows[1]] if len(rows[1]) else None
        if not solved:
            rule.require_series(validation)
        way: dict[str, Any] = {"settings": settings, "seed": seed, "progress": self.progress, "fields": self.fields}
        training = fit(train, task, architecture, validation=validation, **way)
        if training.interrupted:
            warnings.warn(
                f"training was interrupted in epoch {len(training.history)}; the model has the weights of epoch "
                f"{training.best_epoch}, the best so far",
                stacklevel=2,
            )
        calibration_data, logits = training.calibration_data(train, validation, independent=independent)
        self.model_, self.history_ = decide_on(training.model, calibration_data, rule, logits), training.history
        self.notes_ = training.notes
        self.model_.fitted_on["layout"] = self.layout
        return self

    def predict(self, X: Any) -> Any:
        """Give the class of each series or step.

        Parameters
        ----------
        X
            As for ``fit``.

        Returns
        -------
        NDArray | list[NDArray]
            Labels, shape (n,), or 0 and 1, shape (n, labels). Of steps an array of these for each series, stacked if
            all are of one length.

        Raises
        ------
        DataError
            If the channels or the kind of the clock differ from those of the training, a value is infinite, or missing
            although none was in training.
        """
        check_is_fitted(self)
        prediction = self.model_.predict(self._panel(X, fitting=False))
        return prediction.by_series(prediction.labels)

    def predict_proba(self, X: Any) -> Any:
        """Give the probability of each class or label in the order of ``classes_``; shapes as of predict, and classes.

        Raises as predict.
        """
        check_is_fitted(self)
        prediction = self.model_.predict(self._panel(X, fitting=False))
        return prediction.by_series(prediction.probabilities)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Give the share of right answers among those whose label is known.

        Parameters
        ----------
        X, y
            As for ``fit``.
        sample_weight
            Of each series, shape (n,), or None.

        Returns
        -------
        float
            In [0, 1]; of several labels only answers that are right in all of them count.
        """
        check_is_fitted(self)
        if not self.model_.task.by_step and y is not None and is_known(np.asarray(y)).all():
            return float(super().score(X, y, sample_weight))
        panel = attach_labels(self._panel(X, fitting=False), y, self.level)
        from limelight.evaluation.metrics.scoring import share_of_right  # brings all of scikit-learn's scores

        return share_of_right(self.model_.predict(panel), targets_of(self.model_.task, panel).every())

    def explain(self, X: Any, method: str | None = None, target: Any = None, **settings: Any) -> Explanation:
        """Show what decided the answers, step by step.

        Parameters
        ----------
        X
            As for ``fit``.
        method
            ``"attention"``, ``"evidence"`` (of rocket), ``"gradients"``, ``"occlusion"``; None goes by the model.
        target, **settings
            The class (None: what was answered), or one for each series; what the method takes, as ``background``.

        Returns
        -------
        Explanation
            With ``plot()`` and ``table()``.

        Raises
        ------
        ParameterError, DataError
            If there is no such method, target or setting, or occlusion has no other series; or as for ``predict``.
        """
        check_is_fitted(self)
        if (background := settings.get("background")) is not None:
            settings["background"] = self._panel(background, fitting=False)
        return explain(self.model_, self._panel(X, fitting=False), method, target, **settings)

    def save(self, folder: Path | str) -> Path:
        """Write the fitted model as a folder of safetensors and JSON, whole or not at all; give the folder."""
        check_is_fitted(self)
        return save_model(self.model_, folder)

    def _panel(self, X: Any, *, fitting: bool) -> Panel:
        separate = is_ragged(X) if isinstance(X, (list, tuple)) else getattr(X, "ndim", 2) == 3
        if separate and fitting:
            for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit on a table (n, time)
                self.__dict__.pop(name, None)
        if not separate:
            X = validate_data(self, X, reset=fitting, ensure_all_finite="allow-nan")
        return as_panel(X, self.layout)

    def _seed(self) -> int:
        if self.random_state is None:
            return int(np.random.default_rng().integers(2**31 - 1))
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state) % (2**31 - 1)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def load(folder: Path | str) -> TimeSeriesClassifier:
    """Load a saved model; the folder is data and never code.

    Parameters
    ----------
    folder
        What ``save`` wrote, or the folder of a run.

    Returns
    -------
    TimeSeriesClassifier
        Fitted, ready to predict and explain.

    Raises
    ------
    ModelFolderError
        If the folder is missing, damaged, not a model of limelight, or of a newer version.

    Example
    -------
    >>> import tempfile
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> panel = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> model = TimeSeriesClassifier(random_state=0).fit(panel)
    >>> again = load(model.save(tempfile.mkdtemp() + "/waves"))
    >>> bool((again.predict_proba(panel) == model.predict_proba(panel)).all())
    True
    """
    fitted = load_model(folder)
    words = {name: getattr(fitted.architecture, name) for name in (*PART_KINDS, *OPTIONS, *METADATA_OPTIONS)}
    model = TimeSeriesClassifier(**words, layout=fitted.fitted_on.get("layout"))
    model.model_, model.classes_ = fitted, np.array(fitted.task.classes)
    return model
