"""Registry: the explanation methods by name."""

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
from limelight.explanation.methods.parts import explain_parts
from limelight.model.fitted import FittedModel
from limelight.parallel import require_jobs

METHODS: dict[str, Callable[..., Explanation]] = {
    "attention": explain_attention,
    "evidence": explain_evidence,
    "gradients": explain_gradients,
    "occlusion": explain_occlusion,
}
"""Each takes a model, a panel, a target and its own settings as keyword arguments."""


def methods_of(model: FittedModel) -> list[str]:
    """List the methods that can explain a model, those specific to the model first."""
    own = [*(["evidence"] if model.has_evidence else []), *(["attention"] if model.has_attention else [])]
    has_gradients = not model.architecture.encoder.closed_form and has_captum()  # features that count have none
    return [*own, *(["gradients"] if has_gradients else []), "occlusion"]


def default_method(model: FittedModel, *, has_settings: bool) -> str:
    """Return the method of ``explain`` if none is named; ``has_settings``: whether a target or settings are given."""
    if model.has_evidence:
        return "evidence"
    if model.has_attention and not has_settings:
        return "attention"
    return "gradients" if has_captum() else "occlusion"


def explain(
    model: FittedModel,
    panel: Panel,
    method: str | None = None,
    target: Any = None,
    *,
    jobs: int = 1,
    on: str | None = None,
    **settings: Any,
) -> Explanation:
    """Explain the predictions of a model, step by step.

    Parameters
    ----------
    model
        Any fitted model.
    panel
        n series with the channels used in training.
    method
        ``"attention"``: the attention weights of a model with attention pooling. ``"evidence"``: what each step adds to
        the logit of ``rocket``, ``blocks`` or the pooling ``conjunctive``. ``"gradients"``: what each value adds to the
        log odds of a network trained by gradient descent. ``"occlusion"``: how much the log odds drop if a stretch is
        perturbed. None takes evidence if the model has it; else attention if the model has attention and neither a
        target nor settings are given; else gradients if captum (extra ``explain``) is installed, else occlusion.
    target
        The class or label to explain, or one for each series; None takes the prediction. Must be None for attention.
    jobs
        Number of processes that share the series, at least 1.
    on
        ``"ray"`` or ``"ray://host:port"`` to explain on Ray instead, on all of its processors (extra ``ray``).
    **settings
        Settings of the method, such as ``draws`` or ``background`` of occlusion.

    Returns
    -------
    Explanation
        The explanation of each series on its time axis, in the order of the panel; the same, to rounding, for any
        number of processes.

    Raises
    ------
    ParameterError
        If the method or setting does not exist, the model does not support the method, or the target is not one of
        the classes of the model, or ``jobs`` or ``on`` cannot be used.
    DataError
        If the series do not match the channels of the model.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.nn.network import Network
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.task import Task
    >>> architecture = Architecture.of({"name": "gru", "hidden_size": 2}, "mean")
    >>> model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, outputs=1), ("channel_0",))
    >>> explain(model, Panel.from_series(np.ones((3, 9))), "occlusion", target="a", draws=2)
    Explanation(3 series, occlusion, for 'a')
    """
    method = method or default_method(model, has_settings=target is not None or bool(settings))
    if method not in METHODS:
        raise ParameterError(f"expected an explanation method, got {method!r}{nearest(method, METHODS)}")
    allowed = list(signature(METHODS[method]).parameters)[3:]
    for name in settings:
        if name not in allowed:
            remedy = nearest(name, allowed) if allowed else f"; {method} has no settings"
            raise ParameterError(f"expected a setting of {method}, got {name}={settings[name]!r}{remedy}")
    if settings.get("background") is not None:
        settings["background"] = model.with_channels(settings["background"])
    require_jobs(jobs, on)
    function, panel = METHODS[method], model.with_channels(panel)
    if (jobs == 1 and on is None) or not len(panel):
        return function(model, panel, target, **settings)
    return explain_parts(function, model, panel, target, settings, jobs=jobs, on=on)
