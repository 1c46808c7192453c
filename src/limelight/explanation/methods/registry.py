"""The ways to explain, by name."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from limelight.data.panel import Panel
from limelight.errors import ParameterError, nearest
from limelight.explanation.explanation import Explanation
from limelight.explanation.methods.attention import explain_attention
from limelight.explanation.methods.evidence import explain_evidence
from limelight.explanation.methods.gradients import explain_gradients, has_captum
from limelight.explanation.methods.occlusion import explain_occlusion
from limelight.model.fitted import FittedModel

METHODS: dict[str, Callable[..., Explanation]] = {
    "attention": explain_attention,
    "evidence": explain_evidence,
    "gradients": explain_gradients,
    "occlusion": explain_occlusion,
}
"""Each takes a model, a panel, a target, and settings of its own by name."""


def methods_of(model: FittedModel) -> list[str]:
    """Name the methods that can explain a model, what it has of its own first."""
    if model.has_evidence:  # it counts, which has no gradients
        return ["evidence", "occlusion"]
    own = ["attention"] if model.has_attention else []
    return [*own, *(["gradients"] if has_captum() else []), "occlusion"]


def explain(
    model: FittedModel, panel: Panel, method: str | None = None, target: Any = None, **settings: Any
) -> Explanation:
    """Show what decided the answers of a model, step by step.

    Parameters
    ----------
    model
        Any.
    panel
        Series with the channels of the training, n of them.
    method
        ``"attention"``: where a model with attention looked. ``"evidence"``: what each step adds to the answer of
        ``rocket``. ``"gradients"``: what each value adds to the answer of any other. ``"occlusion"``: what the answer
        loses when a stretch is hidden. None takes the attention of a model that has any, where nothing else is asked,
        the evidence of ``rocket``, else gradients.
    target
        The class or label to explain, or one for each series; None takes what was answered. Attention has none.
    **settings
        Of the method, such as ``draws`` of occlusion, or ``background``, series to draw from.

    Returns
    -------
    Explanation
        In the order of the panel, on the time axis of each series.

    Raises
    ------
    ParameterError
        If there is no such method or setting, the model does not have it, or the target is not one of its classes.
    DataError
        If the series do not fit the model.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "gru", "hidden_size": 2}, "mean")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, channels=1, outputs=1), ("channel_0",))
    >>> explain(model, Panel.from_series(np.ones((3, 9))), "occlusion", target="a", draws=2)
    Explanation(3 series, occlusion, for 'a')
    """
    if method is None:
        looked = model.has_attention and target is None and not settings
        method = "evidence" if model.has_evidence else "attention" if looked else "gradients"
    if method not in METHODS:
        raise ParameterError(f"expected a method to explain with, got {method!r}{nearest(method, METHODS)}")
    known = list(signature(METHODS[method]).parameters)[3:]
    for name in settings:
        if name not in known:
            what = f"a setting of {method}, got {name}={settings[name]!r}"
            raise ParameterError(f"expected {what}{nearest(name, known) if known else '; it has none'}")
    return METHODS[method](model, panel, target, **settings)
