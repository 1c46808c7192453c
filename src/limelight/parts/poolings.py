"""Poolings: what turns the features of all steps into one vector for the series, if one is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from limelight.parts.base import Part
from limelight.parts.encoders import Units


@dataclass
class AttentionPooling(Part):
    """Additive attention: a weighted mean, the weights learned from the features and shown to the user.

    Parameters
    ----------
    hidden_size
        Units of the scoring layer, 1 to 8192.

    Source
    ------
    Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate, 2015, with one learned
    query.
    """

    name = "attention"
    hidden_size: Units = 64


@dataclass
class MetadataAttentionPooling(AttentionPooling):
    """Additive attention whose weights depend on the features of the steps and on the facts about the series.

    Parameters
    ----------
    hidden_size
        Units of the scoring layer, 1 to 8192.

    Source
    ------
    Bahdanau et al. 2015, with the facts as the query. The recipe that is printed for Keras, ``Attention`` with the
    series as query and the metadata as value, is another one: it attends over one vector, all of its weights are 1, and
    its answer does not depend on the series.
    """

    name = "metadata_attention"


@dataclass
class LastPooling(Part):
    """The state after the whole series has been read; of a bidirectional encoder, the last of either direction."""

    name = "last"


@dataclass
class MeanPooling(Part):
    """The mean over the real steps."""

    name = "mean"


@dataclass
class MaxPooling(Part):
    """The largest value of each feature over the real steps."""

    name = "max"


@dataclass
class NoPooling(Part):
    """No vector for the series: the features of each step are answered by themselves, for a label at each step."""

    name = "none"


@dataclass
class ProportionPooling(Part):
    """The share of time in which a feature is on, which is how the encoder ``rocket`` pools: by itself."""

    name = "ppv"


POOLINGS: Mapping[str, type[Part]] = MappingProxyType(
    {
        part.name: part
        for part in (
            AttentionPooling,
            LastPooling,
            MeanPooling,
            MaxPooling,
            MetadataAttentionPooling,
            NoPooling,
            ProportionPooling,
        )
    }
)
