"""What a tuning may change about an experiment, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limelight.data.metadata import observed_categories
from limelight.data.panel import Panel
from limelight.errors import ParameterError, listing, nearest
from limelight.model.vocabulary import fit_vocabulary
from limelight.parts.contexts import ContextEncoding
from limelight.parts.encoders import ENCODERS
from limelight.parts.fusions import ATTENTION, FUSIONS
from limelight.parts.poolings import AttentionPooling, MetadataAttentionPooling
from limelight.recipe import Recipe
from limelight.task import Task

TUNED_ENCODERS = ("conv_lstm", "lstm", "gru")
OF_ENCODERS = ("units", "layers", "dropout")
NAMES = ("encoder", *OF_ENCODERS, "learning_rate", "batch_size", "fusion", "embedding_size")
"""What can be changed, in the order of the tables."""
DIGITS = 3


@dataclass(frozen=True)
class Choice:
    """One of several words or numbers."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``; ``log`` where factors matter rather than differences."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


Space = Mapping[str, Choice | Range]


def make_space(
    panel: Panel, task: Task, recipe: Recipe, only: Sequence[str] | None = None
) -> dict[str, Choice | Range]:
    """Say what may be changed for some training series; what the experiment says itself is always within.

    Parameters
    ----------
    panel
        The training series.
    recipe
        The experiment as it is.
    only
        Names to keep; None keeps all that make sense for these series and this network.

    Returns
    -------
    dict[str, Choice | Range]
        By name.

    Raises
    ------
    ParameterError
        If a name is unknown, or means nothing here.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.task import Task
    >>> panel = Panel.from_series(np.zeros((100, 5)))
    >>> space = make_space(panel, Task(("a", "b")), Recipe.of({"encoder": "gru"}))
    >>> space["units"], list(space)
    (Range(low=16, high=128, log=True, whole=True), ['encoder', 'units', ..., 'learning_rate', 'batch_size'])
    """
    for name in only or ():
        if name not in NAMES:
            raise ParameterError(f"expected what to tune, got {name!r}{nearest(name, NAMES)}")
    own = recipe.architecture.encoder.name
    space: dict[str, Choice | Range] = {
        "encoder": Choice(TUNED_ENCODERS if own in TUNED_ENCODERS else (*TUNED_ENCODERS, own)),
        "units": Range(16, 128, log=True, whole=True),
        "layers": Range(1, 3, whole=True),
        "dropout": Range(0.0, 0.5),
        "learning_rate": Range(5e-4, 2e-2, log=True),
        "batch_size": Range(min(8, len(panel)), min(128, len(panel)), log=True, whole=True),
        **_of_facts(panel, task, recipe),
    }
    if own not in TUNED_ENCODERS and only is not None and "encoder" not in only:
        space = {name: limits for name, limits in space.items() if name not in OF_ENCODERS}
    lacking = [name for name in only or () if name not in space]
    if lacking:
        raise ParameterError(
            f"expected what can be tuned here, one of {', '.join(space)}, got {listing(lacking)}; the series have no "
            "such metadata, or the network no such part"
        )
    start = starting_point(panel, recipe)
    return {name: _with(limits, start[name]) for name, limits in space.items() if only is None or name in only}


def starting_point(panel: Panel, recipe: Recipe) -> dict[str, Any]:
    """Say the experiment as it is in the numbers that are tuned; what is a list there is its first number here."""
    encoder, settings = recipe.architecture.encoder, recipe.training.for_series(len(panel))
    own = encoder.get_params()
    units, layers = own.get("hidden_size", 64), own.get("depth", own.get("num_layers", 1))
    if isinstance(units, list):
        units, layers = units[0], len(units)
    context = recipe.architecture.context
    return {
        "encoder": encoder.name,
        "units": units,
        "layers": layers,
        "dropout": own.get("dropout", 0.0),
        "learning_rate": settings.learning_rate,
        "batch_size": settings.batch_size,
        "fusion": _fusion_of(recipe),
        "embedding_size": context.embedding_size if isinstance(context, ContextEncoding) else "auto",
    }


def changed(recipe: Recipe, parameters: Mapping[str, Any]) -> Recipe:
    """Give the experiment with other numbers; what is not among them stays.

    Parameters
    ----------
    recipe
        The experiment as it is.
    parameters
        By the names of the space.

    Returns
    -------
    Asked
        With the same task.

    Raises
    ------
    ParameterError
        If the parts do not go together.

    Example
    -------
    >>> from limelight.task import Task
    >>> recipe = Recipe.of({"encoder": {"name": "lstm", "hidden_size": 20}})
    >>> changed(recipe, {"encoder": "gru", "learning_rate": 0.001}).architecture.encoder
    GRU(hidden_size=20, num_layers=1, bidirectional=False, dropout=0.0, activation='tanh')
    """
    architecture, settings = recipe.architecture, recipe.training
    numbers = {name: parameters[name] for name in ("learning_rate", "batch_size") if name in parameters}
    settings = replace(settings, **numbers)
    architecture = replace(architecture, encoder=_encoder(architecture.encoder, parameters))
    if "embedding_size" in parameters:
        context = architecture.context.get_params() | {"embedding_size": parameters["embedding_size"]}
        architecture = replace(architecture, context=ContextEncoding(**context))
    if "fusion" in parameters and parameters["fusion"] != _fusion_of(recipe):
        pooling = architecture.pooling
        if isinstance(pooling, MetadataAttentionPooling):
            pooling = AttentionPooling(hidden_size=pooling.hidden_size)
        architecture = replace(architecture, pooling=pooling, fusion=(parameters["fusion"],))
    return replace(recipe, architecture=architecture, training=settings)


def rounded(value: Any) -> Any:
    """Keep three digits of a number that is not whole: more say nothing and are hard to read.

    Example
    -------
    >>> rounded(0.00234567), rounded(37), rounded("gru")
    (0.00235, 37, 'gru')
    """
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def label_for(name: str) -> str:
    """Say a name in words.

    Example
    -------
    >>> label_for("learning_rate")
    'learning rate'
    """
    return name.replace("_", " ")


def _encoder(encoder: Any, parameters: Mapping[str, Any]) -> Any:
    """Change the encoder, or make another one with what both have in common."""
    name = parameters.get("encoder", encoder.name)
    if name not in TUNED_ENCODERS:
        return encoder
    own, kind = encoder.get_params(), ENCODERS[name]
    kept = own if name == encoder.name else {}
    if not kept:
        units = own.get("hidden_size", kind().get_params()["hidden_size"])
        kept = {"hidden_size": units[0] if isinstance(units, list) else units}
        kept |= {key: own[key] for key in ("bidirectional", "dropout") if key in own}
    layers = "depth" if name == "conv_lstm" else "num_layers"
    told = {"hidden_size": "units", layers: "layers", "dropout": "dropout"}
    new = {key: parameters[word] for key, word in told.items() if word in parameters}
    if isinstance(kept.get("hidden_size"), list):  # one size for each layer
        sizes = kept["hidden_size"]
        new = (
            {"hidden_size": sizes[0], "num_layers": len(sizes), **new} if {"units", "layers"} & set(parameters) else new
        )
    return kind(**{**kept, **new})


def _of_facts(panel: Panel, task: Task, recipe: Recipe) -> dict[str, Choice | Range]:
    """Say what may be changed about metadata and side signals, where there are some."""
    signals = observed_categories(panel)
    fields = {name: kind for name, kind in recipe.fields.items() if panel.metadata is not None or name in signals}
    if panel.metadata is None and not signals:
        return {}
    vocabulary = fit_vocabulary(panel.metadata, schema=fields, signals=signals)
    found: dict[str, Choice | Range] = {}
    if vocabulary.has_metadata:
        attends = isinstance(recipe.architecture.pooling, (AttentionPooling, MetadataAttentionPooling))
        words = [*FUSIONS, *([ATTENTION] if attends and not task.by_step else [])]
        found["fusion"] = Choice(tuple(words))
    sizes = vocabulary.sizes()
    if (sizes["categories"] or sizes["signals"]) and isinstance(recipe.architecture.context, ContextEncoding):
        found["embedding_size"] = Choice(("auto", 4, 8, 16, 32))
    return found


def _fusion_of(recipe: Recipe) -> str:
    """Say where metadata join now, in one word."""
    architecture = recipe.architecture
    if architecture.fusion == "auto" and not architecture.needs_metadata:
        return "late"
    words = [
        *architecture.fusions,
        *([ATTENTION] if isinstance(architecture.pooling, MetadataAttentionPooling) else []),
    ]
    return " + ".join(words) or "none"


def _with(limits: Choice | Range, value: Any) -> Choice | Range:
    """Widen limits so that a value is within."""
    if isinstance(limits, Choice):
        return limits if value in limits.values else Choice((*limits.values, value))
    return replace(limits, low=min(limits.low, value), high=max(limits.high, value))
