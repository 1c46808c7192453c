"""Classifiers of models that are fitted already: loaded from a folder, or converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from limelight.estimator import TimeSeriesClassifier
from limelight.model.bundle import load_model
from limelight.model.fitted import FittedModel
from limelight.parts.architecture import METADATA_OPTIONS, OPTIONS, PART_KINDS


def load(folder: Path | str) -> TimeSeriesClassifier:
    """Load a saved model. The folder holds data and never code.

    Parameters
    ----------
    folder
        A folder written by ``save``, or a run folder.

    Returns
    -------
    TimeSeriesClassifier
        Fitted, ready to predict and explain.

    Raises
    ------
    ModelFolderError
        If the folder is missing, damaged, no model of limelight, or of a newer version.

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
    return classifier_of(load_model(folder))


def classifier_of(fitted: FittedModel) -> TimeSeriesClassifier:
    """Return a fitted classifier for a model."""
    words = {name: getattr(fitted.architecture, name) for name in (*PART_KINDS, *OPTIONS, *METADATA_OPTIONS)}
    model = TimeSeriesClassifier(**words, layout=fitted.fitted_on.get("layout"))
    model.model_, model.classes_ = fitted, np.array(fitted.task.classes)
    return model
