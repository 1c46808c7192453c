"""Fusions: where metadata of a series (machine, mode, age, a note) enter the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from limelight.errors import ParameterError, listing, nearest
from limelight.parts.base import Part


@dataclass
class RepeatFusion(Part):
    """Metadata are concatenated to the values of every time step (not to padding) and read by the encoder."""

    name = "repeat"


@dataclass
class FilmFusion(Part):
    """Metadata scale and shift every feature of the encoder; at the start of training they change nothing.

    Source
    ------
    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, 2018.
    """

    name = "film"


@dataclass
class LateFusion(Part):
    """Metadata are concatenated to the pooled vector, before the head."""

    name = "late"


FUSIONS: Mapping[str, type[Part]] = MappingProxyType(
    {part.name: part for part in (LateFusion, RepeatFusion, FilmFusion)}
)
ATTENTION = "attention"
"""The fusion that is a pooling: it stands for ``metadata_attention``."""
FUSION_WORDS = ("auto", *FUSIONS, ATTENTION)
"""Every word for a fusion, the default first."""
_ALONG_THE_WAY = ("repeat", "film", "late", ATTENTION)


def read_fusion(value: Any) -> tuple[str, ...]:
    """Read the fusions of a network: one fusion or several, each at a different point of the network.

    Parameters
    ----------
    value
        ``"late"``, ``"repeat"``, ``"film"``, ``"attention"``, a list of them, or ``"auto"``; an empty list leaves
        metadata out.

    Returns
    -------
    tuple
        The fusions in the order of the forward pass; ``("auto",)`` for ``"auto"``.

    Raises
    ------
    ParameterError
        If a word is unknown, or comes twice, or ``"auto"`` comes with others.

    Example
    -------
    >>> read_fusion(["late", "repeat"])
    ('repeat', 'late')
    """
    if isinstance(value, str) and value == "auto":
        return ("auto",)
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)):
        raise ParameterError(f"expected a way to fuse metadata or a list of them, got fusion={value!r}{_known(value)}")
    for word in words:
        if word == "auto":
            raise ParameterError(
                f"expected fusion='auto' alone, got fusion={list(words)}; name the others or say 'auto'"
            )
        if word not in _ALONG_THE_WAY:
            raise ParameterError(f"expected a way to fuse metadata, got fusion={word!r}{_known(word)}")
    if len(set(words)) < len(words):
        raise ParameterError(f"expected each fusion once, got {listing(words)}; leave out what comes twice")
    return tuple(word for word in _ALONG_THE_WAY if word in words)


def _known(word: Any) -> str:
    return nearest(str(word), FUSION_WORDS)
