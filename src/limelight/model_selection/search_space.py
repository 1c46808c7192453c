"""Search space of a tuning: which parameters vary, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from limelight.data.metadata import observed_categories
from limelight.data.panel import Panel
from limelight.errors import ParameterError, listing, nearest
from limelight.model.vocabulary import fit_vocabulary
from limelight.parts.contexts import ContextEncoding
from limelight.parts.encoders import ENCODERS, Encoder
from limelight.parts.encoders.base import SHARED
from limelight.parts.fusions import ATTENTION, FUSIONS
from limelight.parts.ranges import Choice, Range
from limelight.recipe import Recipe
from limelight.task import Task

NAMES = ("encoder", *SHARED, "learning_rate", "batch_size", "fusion", "embedding_size")
"""Parameters that can be tuned for any network, in the order of the tables."""
DIGITS = 3
_SHARED_RANGES = {
    "units": Range(16, 128, log=True, whole=True),
    "layers": Range(1, 3, whole=True),
    "dropout": Range(0.0, 0.5),
}


Space = Mapping[str, Choice | Range]


def make_space(
    panel: Panel, task: Task, recipe: Recipe, only: Sequence[str] | None = None
) -> dict[str, Choice | Range]:
    """Build the search space for some series; the recipe's own values always lie inside it.

    Parameters
    ----------
    panel
        The training series.
    task, recipe
        What to fit before anything is changed.
    only
        Names to keep; None keeps all that apply to these series and this network.

    Returns
    -------
    dict[str, Choice | Range]
        Limits by name.

    Raises
    ------
    ParameterError
        If a name is unknown, or does not apply to these series or this network.

    Example
    -------
    >>> import numpy as np
    >>> from limelight.task import Task
    >>> panel = Panel.from_series(np.zeros((100, 5)))
    >>> space = make_space(panel, Task(("a", "b")), Recipe.of({"encoder": "gru"}))
    >>> space["units"], list(space)
    (Range(low=16, high=128, log=True, whole=True), ['encoder', 'units', ..., 'learning_rate', 'batch_size'])
    """
    tuned = {name: kind for name, kind in ENCODERS.items() if kind.search_space()}
    names = [*NAMES, *(name for kind in tuned.values() for name in _own(kind))]
    for name in only or ():
        if name not in names:
            raise ParameterError(f"expected the name of a parameter to tune, got {name!r}{nearest(name, names)}")
    encoder = recipe.architecture.encoder
    varied = tuned.values() if only is None or "encoder" in only else [type(encoder)]
    space: dict[str, Choice | Range] = {
        "encoder": Choice(tuple(dict.fromkeys([*tuned, encoder.name]))),
        **{name: limits for name, limits in _SHARED_RANGES.items() if any(name in _shared(kind) for kind in varied)},
        **{name: limits for kind in varied for name, (_, limits) in _own(kind).items()},
        "learning_rate": Range(5e-4, 2e-2, log=True),
        "batch_size": Range(min(8, len(panel)), min(128, len(panel)), log=True, whole=True),
        **_metadata_space(panel, task, recipe),
    }
    lacking = [name for name in only or () if name not in space]
    if lacking:
        raise ParameterError(
            f"expected parameters that can be tuned here, of {', '.join(space)}, got {listing(lacking)}; the series "
            "have no such metadata, or the network has no such part"
        )
    start = starting_point(panel, recipe)
    return {name: _with(limits, start[name]) for name, limits in space.items() if only is None or name in only}


def starting_point(panel: Panel, recipe: Recipe) -> dict[str, Any]:
    """Express a recipe as a point of the search space; a list is represented by its first entry."""
    encoder, settings = recipe.architecture.encoder, recipe.training.resolve(len(panel), recipe.architecture.encoder)
    own, shared = encoder.get_params(), _shared(type(encoder))
    units, layers, dropout = (
        own[shared[name]] if name in shared else usual
        for name, usual in (("units", 64), ("layers", 1), ("dropout", 0.0))
    )
    if isinstance(units, list):
        units, layers = units[0], len(units)
    context = recipe.architecture.context
    return {
        "encoder": encoder.name,
        "units": units,
        "layers": layers,
        "dropout": dropout,
        **{
            name: (own if type(encoder) is kind else kind().get_params())[parameter]
            for kind in ENCODERS.values()
            for name, (parameter, _) in _own(kind).items()
        },
        "learning_rate": settings.learning_rate,
        "batch_size": settings.batch_size,
        "fusion": _fusion_of(recipe),
        "embedding_size": context.embedding_size if isinstance(context, ContextEncoding) else "auto",
    }


def changed(recipe: Recipe, parameters: Mapping[str, Any]) -> Recipe:
    """Return a recipe with other values for some tuned parameters.

    Parameters
    ----------
    recipe
        The recipe to change.
    parameters
        Values by the names of the search space.

    Returns
    -------
    Recipe
        With everything else as before.

    Raises
    ------
    ParameterError
        If the parts do not go together.

    Example
    -------
    >>> from limelight.task import Task
    >>> recipe = Recipe.of({"encoder": {"name": "lstm", "hidden_size": 20}})
    >>> changed(recipe, {"encoder": "gru", "learning_rate": 0.001}).architecture.encoder.describe()
    'gru (20)'
    """
    architecture, settings = recipe.architecture, recipe.training
    numbers = {name: parameters[name] for name in ("learning_rate", "batch_size") if name in parameters}
    settings = replace(settings, **numbers)
    architecture = replace(architecture, encoder=_encoder(architecture.encoder, parameters))
    if "embedding_size" in parameters:
        context = architecture.context.get_params() | {"embedding_size": parameters["embedding_size"]}
        architecture = replace(architecture, context=ContextEncoding(**context))
    if "fusion" in parameters and parameters["fusion"] != _fusion_of(recipe):
        pooling = architecture.pooling.without_metadata()
        architecture = replace(architecture, pooling=pooling, fusion=(parameters["fusion"],))
    return replace(recipe, architecture=architecture, training=settings)


def rounded(value: Any) -> Any:
    """Round floats to three significant digits, so that tuned values stay readable.

    Example
    -------
    >>> rounded(0.00234567), rounded(37), rounded("gru")
    (0.00235, 37, 'gru')
    """
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def label_for(name: str) -> str:
    """Format the name of a parameter for people.

    Example
    -------
    >>> label_for("learning_rate"), label_for("conv_lstm.kernel_size")
    ('learning rate', 'conv lstm kernel size')
    """
    return name.replace("_", " ").replace(".", " ")


def _encoder(encoder: Encoder, parameters: Mapping[str, Any]) -> Encoder:
    """Return the encoder with other parameters, or another encoder that keeps what both have in common."""
    kind = ENCODERS[parameters["encoder"]] if "encoder" in parameters else type(encoder)
    if not kind.search_space():
        return encoder
    shared = _shared(kind)
    kept = encoder.get_params() if type(encoder) is kind else _in_common(encoder, kind)
    new = {parameter: parameters[name] for name, parameter in shared.items() if name in parameters}
    new |= {parameter: parameters[name] for name, (parameter, _) in _own(kind).items() if name in parameters}
    sizes = kept.get(shared.get("units", ""))
    if isinstance(sizes, list) and {"units", "layers"} & set(parameters):  # one size for each layer
        usual = {"units": sizes[0], "layers": len(sizes)}
        new = {**{shared[name]: value for name, value in usual.items() if name in shared}, **new}
    return kind(**{**kept, **new})


def _shared(kind: type[Encoder]) -> dict[str, str]:
    """Return the shared names that an encoder is tuned by, with the parameter that each sets."""
    return {name: parameter for name, parameter in kind.search_space().items() if isinstance(parameter, str)}


def _own(kind: type[Encoder]) -> dict[str, tuple[str, Choice | Range]]:
    """Return what is tuned for an encoder alone: names, each with the parameter that it sets and its limits."""
    return {
        f"{kind.name}.{parameter}": (parameter, limits)
        for parameter, limits in kind.search_space().items()
        if not isinstance(limits, str)
    }


def _in_common(encoder: Encoder, kind: type[Encoder]) -> dict[str, Any]:
    """Return the units, the directions and the dropout of an encoder as parameters of another one."""
    own, old, new = encoder.get_params(), _shared(type(encoder)), _shared(kind)
    kept = {new[name]: own[old[name]] for name in ("units", "dropout") if name in old and name in new}
    if "units" in new and isinstance(kept.get(new["units"]), list):
        kept[new["units"]] = kept[new["units"]][0]
    if "bidirectional" in own and "bidirectional" in kind().get_params():
        both = own["bidirectional"]
        kept["bidirectional"] = both[0] if isinstance(both, list) else both
    return kept


def _metadata_space(panel: Panel, task: Task, recipe: Recipe) -> dict[str, Choice | Range]:
    """Return the part of the search space that concerns metadata and side signals, if there are any."""
    signals = observed_categories(panel)
    fields = {name: kind for name, kind in recipe.kinds(panel).items() if panel.metadata is not None or name in signals}
    if panel.metadata is None and not signals:
        return {}
    vocabulary = fit_vocabulary(panel.metadata, schema=fields, signals=signals)
    found: dict[str, Choice | Range] = {}
    if vocabulary.has_metadata:
        words = [*FUSIONS, *([ATTENTION] if recipe.architecture.pooling.attends and not task.by_step else [])]
        found["fusion"] = Choice(tuple(words))
    sizes = vocabulary.sizes()
    if (sizes["categories"] or sizes["signals"]) and isinstance(recipe.architecture.context, ContextEncoding):
        found["embedding_size"] = Choice(("auto", 4, 8, 16, 32))
    return found


def _fusion_of(recipe: Recipe) -> str:
    """Return the current fusions, joined into one word."""
    architecture = recipe.architecture
    if architecture.fusion == "auto" and not architecture.needs_metadata:
        return "late"
    return " + ".join(architecture.every_fusion) or "none"


def _with(limits: Choice | Range, value: Any) -> Choice | Range:
    """Return limits widened to include a value."""
    if isinstance(limits, Choice):
        return limits if value in limits.values else Choice((*limits.values, value))
    return replace(limits, low=min(limits.low, value), high=max(limits.high, value))
