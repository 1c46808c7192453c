"""Fusions: where the network reads the metadata of a series (machine, mode, age, a note)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from limelight.errors import ParameterError, listing, nearest
from limelight.parts.base import Part


@dataclass
class RepeatFusion(Part):
    """Appends the metadata to the values of every real time step, so that the encoder reads both."""

    name = "repeat"


@dataclass
class FilmFusion(Part):
    """Scales and shifts every feature of the encoder by the metadata; at the start of training nothing is changed.

    Source
    ------
    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, 2018.
    """

    name = "film"


@dataclass
class LateFusion(Part):
    """Appends the metadata to the pooled vector, before the head."""

    name = "late"


FUSIONS: Mapping[str, type[Part]] = MappingProxyType(
    {part.name: part for part in (LateFusion, RepeatFusion, FilmFusion)}
)
ATTENTION = "attention"
"""The fusion that selects the pooling ``metadata_attention``."""
FUSION_WORDS = ("auto", *FUSIONS, ATTENTION)
"""The allowed values of ``fusion``, the default first."""
_ORDER = ("repeat", "film", "late", ATTENTION)


def read_fusion(value: Any) -> tuple[str, ...]:
    """Parse the fusions of a network: one value or a list.

    Parameters
    ----------
    value
        ``"late"``, ``"repeat"``, ``"film"``, ``"attention"``, a list of them, or ``"auto"``; an empty list ignores
        metadata.

    Returns
    -------
    tuple
        The fusions in the order in which the network applies them; ``("auto",)`` for ``"auto"``.

    Raises
    ------
    ParameterError
        If a value is unknown or repeated, or ``"auto"`` is combined with other values.

    Example
    -------
    >>> read_fusion(["late", "repeat"])
    ('repeat', 'late')
    """
    if isinstance(value, str) and value == "auto":
        return ("auto",)
    fusions = [value] if isinstance(value, str) else value
    if not isinstance(fusions, (list, tuple)):
        raise ParameterError(f"expected a fusion of metadata or a list of fusions, got fusion={value!r}{_hint(value)}")
    for fusion in fusions:
        if fusion == "auto":
            raise ParameterError(
                f"expected fusion='auto' alone, got fusion={list(fusions)}; list the fusions or use 'auto'"
            )
        if fusion not in _ORDER:
            raise ParameterError(f"expected a fusion of metadata, got fusion={fusion!r}{_hint(fusion)}")
    if len(set(fusions)) < len(fusions):
        raise ParameterError(f"expected each fusion once, got {listing(fusions)}; remove the duplicates")
    return tuple(fusion for fusion in _ORDER if fusion in fusions)


def _hint(value: Any) -> str:
    return nearest(str(value), FUSION_WORDS)
