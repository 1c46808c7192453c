"""What every encoder declares about itself, and the registry of encoders."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar

from limelight.errors import ParameterError, listing
from limelight.parts.base import Part
from limelight.parts.fusions import ATTENTION, FUSIONS
from limelight.parts.ranges import Choice, Range

SearchSpace = Mapping[str, str | Choice | Range]


@dataclass(frozen=True)
class TrainingSummary:
    """What an encoder may derive its sizes from.

    Parameters
    ----------
    typical_length
        Median length of the training series, in steps.
    longest
        Length of the longest training series, in steps, at least 1.
    series
        Number of training series, at least 1.
    by_step
        Whether each step has a label.
    """

    typical_length: float
    longest: int
    series: int = 1
    by_step: bool = False


@dataclass
class Encoder(Part):
    """Base class of encoders: a dataclass of parameters, plus what the rest of the package needs to know about it.

    The network of an encoder is called with ``channels`` and ``network_arguments()`` as keywords and returns an
    ``nn.Module``. Its ``forward(values, mask)`` takes tensors of shape (batch, time, channels) and (batch, time) and
    returns features and their mask, shapes (batch, steps, width) and (batch, steps); it has the attributes ``width``,
    ``stride`` (time steps for each step of features) and ``bidirectional`` (whether the second half of the features was
    read backwards, for the pooling ``last``). If the encoder ``pools``, ``forward`` returns one vector for each series,
    shape (batch, width).

    Attributes
    ----------
    name
        Name in experiment files and model folders.
    network
        ``"module:attribute"`` of the class or function that builds the network; imported on first use, so that parts
        need no torch.
    closed_form
        Whether a ridge regression is fitted to the features in closed form, instead of training by gradient descent.
        The network then has a method ``fit(values, mask, generator)``, a buffer ``typical`` and the columns ``spans``
        of its blocks of features, as ``limelight.nn.blocks.BlocksEncoder``; the encoder pools, and its head is
        ``linear``.
    pools
        Whether the encoder returns one vector for each series.
    answers_steps
        Whether its features can predict a label for each step.
    has_evidence
        Whether the network can attribute its predictions to steps exactly (``contributions``, as ``RocketEncoder``).
    automatic
        Whether training chooses another encoder in its place; such an encoder has no network.
    fusions
        Fusions of metadata that the encoder supports.
    training_defaults
        Training settings that suit the encoder, by name, where the user states none (``TrainingSettings``).
    fixed_parts
        Parts that go with this encoder and replace any other: names by ``"pooling"``, ``"head"`` and ``"context"``.
        An encoder that pools names its pooling.
    """

    network: ClassVar[str] = ""
    closed_form: ClassVar[bool] = False
    pools: ClassVar[bool] = False
    answers_steps: ClassVar[bool] = True
    has_evidence: ClassVar[bool] = False
    automatic: ClassVar[bool] = False
    fusions: ClassVar[tuple[str, ...]] = (*FUSIONS, ATTENTION)
    training_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    fixed_parts: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @property
    def resolution(self) -> int:
        """The fewest steps that one feature reads: importance within them cannot be distinguished."""
        return 1

    def resolve(self, summary: TrainingSummary) -> Self:
        """Return the same encoder with every ``"auto"`` size derived from the training series."""
        return self

    def with_blocks(self, names: Sequence[str]) -> Self:
        """Return the same encoder with some of its blocks of features only; an encoder of one block is unchanged."""
        return self

    def network_arguments(self) -> dict[str, Any]:
        """Return the keywords that build the network, in addition to ``channels``."""
        return self.get_params()

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Return what ``tune`` may vary; an empty search space keeps ``tune`` from trying the encoder.

        Returns
        -------
        Mapping
            The names shared by all encoders, ``"units"``, ``"layers"`` and ``"dropout"``, each with the parameter that
            it sets; and parameters of this encoder alone, each with its ``Range`` or ``Choice``. ``tune`` calls these
            ``"<encoder>.<parameter>"``.
        """
        return {}

    def describe(self) -> str:
        """Describe the encoder in a few words: its name, and its units if it has some."""
        parameters = self.get_params()
        units = self.search_space().get("units")
        size = f" ({parameters[units]})" if isinstance(units, str) else ""
        return f"{'bidirectional ' if parameters.get('bidirectional') else ''}{self.name}{size}"


_REGISTERED: dict[str, type[Encoder]] = {}
ENCODERS: Mapping[str, type[Encoder]] = MappingProxyType(_REGISTERED)
"""Every registered encoder by name."""
SHARED = ("units", "layers", "dropout")
"""Tuned names that encoders share."""
AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def register_encoder(part_class: type[AnyEncoder]) -> type[AnyEncoder]:
    """Register an encoder, so that its name works in architectures, experiment files, ``tune`` and saved models.

    To be used as a decorator above ``@dataclass``. A module that is imported again may register its encoder again.

    Parameters
    ----------
    part_class
        A dataclass derived from ``limelight.parts.encoders.Encoder``; every field has a default.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    ParameterError
        If the class is no such dataclass, ``network`` does not have the form ``"module:attribute"``, the search space
        names a parameter that the encoder lacks, or another class is registered under the name.

    Example
    -------
    >>> from dataclasses import dataclass
    >>> register_encoder(dataclass(type("Wavelets", (Encoder,), {"name": "lstm", "network": "wavelets:Wavelets"})))
    Traceback (most recent call last):
    limelight.errors.ParameterError: expected a name that no encoder has yet, got 'lstm' of LSTM for Wavelets; rename it
    """
    _require_complete(part_class)
    name, known = part_class.name, _REGISTERED.get(part_class.name)
    if known is not None and _path(known) != _path(part_class):
        raise ParameterError(
            f"expected a name that no encoder has yet, got {name!r} of {known.__name__} for {part_class.__name__}; "
            "rename it"
        )
    _REGISTERED[name] = part_class
    return part_class


def _path(part_class: type[Encoder]) -> tuple[str, str]:
    return part_class.__module__, part_class.__qualname__


def _require_complete(part_class: type[Encoder]) -> None:
    """Raise ParameterError if a class lacks what an encoder must declare."""
    is_encoder = isinstance(part_class, type) and issubclass(part_class, Encoder)
    if not is_encoder or "__dataclass_fields__" not in vars(part_class):
        raise ParameterError(
            f"expected a dataclass derived from Encoder to register, got {part_class!r}; decorate the class with "
            "@dataclass below @register_encoder"
        )
    title = part_class.__name__
    if not isinstance(getattr(part_class, "name", None), str):
        raise ParameterError(f"expected a name for the encoder {title}, got none; set name = '...' in the class")
    if not part_class.automatic and not re.fullmatch(r"[\w.]+:\w+", part_class.network):
        raise ParameterError(
            f"expected the network of {title} as 'module:attribute', got {part_class.network!r}; name the class or "
            "function that builds it"
        )
    required = [
        f"{word!r}"
        for word, is_required in (("pooling", part_class.pools), ("head", part_class.closed_form))
        if is_required and word not in part_class.fixed_parts
    ]
    if required:
        fixed = dict(part_class.fixed_parts)
        raise ParameterError(
            f"expected fixed_parts of {title} to name its {' and '.join(required)}, got {fixed}; an encoder that pools "
            "has a pooling of its own, and one in closed form a linear head too"
        )
    fields = dataclasses.fields(part_class)
    lacking = [one.name for one in fields if one.default is one.default_factory is dataclasses.MISSING]
    if lacking:
        raise ParameterError(
            f"expected a default for every parameter of {title}, got none for {listing(lacking)}; add one"
        )
    _require_search_space(part_class, {one.name: one.default for one in fields})


def _require_search_space(part_class: type[Encoder], defaults: Mapping[str, Any]) -> None:
    """Raise ParameterError if ``tune`` could not use the search space of an encoder."""
    title = part_class.__name__
    for key, value in part_class.search_space().items():
        parameter = value if isinstance(value, str) else key
        if parameter not in defaults or (isinstance(value, str) and key not in SHARED):
            raise ParameterError(
                f"expected the search space of {title} to map {listing(SHARED)} to its parameters, or a parameter to "
                f"its range, got {key!r}: {value!r}; the parameters are {listing(defaults, 20)}"
            )
        if not isinstance(value, Choice) and isinstance(defaults[parameter], str):
            raise ParameterError(
                f"expected a number as the default of {parameter!r}, which {title} is tuned by, got "
                f"{defaults[parameter]!r}; take a number, or leave it out of the search space"
            )
