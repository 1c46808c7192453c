"""The registry of translations: how each module of a network is written as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from torch import nn

from limelight.errors import ParameterError
from limelight.export.graph import Graph

Translation = TypeVar("Translation", bound=Callable[..., Any])
_TRANSLATIONS: dict[type[nn.Module], Callable[..., Any]] = {}


class Steps(NamedTuple):
    """Names of the values of each step in a graph.

    Parameters
    ----------
    values
        Inputs or features, float32, shape (batch, steps, width).
    mask
        Whether a step is real, shape (batch, steps).
    lengths
        Number of real steps, int64, shape (batch,).
    """

    values: str
    mask: str
    lengths: str


def register_translation(*modules: type[nn.Module]) -> Callable[[Translation], Translation]:
    """Register a function that writes modules of some classes as nodes of a graph; to be used as a decorator.

    The function takes the graph, the module and what the module is applied to, as names in the graph. For an encoder
    this is ``Steps``, and it returns ``Steps``, or if the encoder pools, the name of one vector for each series; for a
    pooling it is ``Steps`` and the name of the metadata vector (or None), and it returns the name of the pooled vector
    and the name of the weights (or None), as the module does.

    Parameters
    ----------
    *modules
        Classes of modules.

    Returns
    -------
    Callable
        The decorator; it returns the function unchanged.
    """

    def register(function: Translation) -> Translation:
        _TRANSLATIONS.update(dict.fromkeys(modules, function))
        return function

    return register


def has_translation(module: type[nn.Module]) -> bool:
    """Whether modules of a class can be exported."""
    return module in _TRANSLATIONS


def translate(graph: Graph, module: nn.Module, *arguments: Any) -> Any:
    """Write a module as nodes of a graph.

    Parameters
    ----------
    graph
        The graph, to which nodes are added.
    module
        A module of a network.
    *arguments
        Names in the graph, as the translation of this class of modules takes them.

    Returns
    -------
    Any
        What the translation returns: names in the graph.

    Raises
    ------
    ParameterError
        If no translation is registered for the class of the module.
    """
    kind = type(module)
    if kind not in _TRANSLATIONS:
        raise ParameterError(
            f"{kind.__name__} cannot be exported: no translation to ONNX is registered for this class; register one "
            "with limelight.export.translations.register_translation, or choose another part"
        )
    return _TRANSLATIONS[kind](graph, module, *arguments)
