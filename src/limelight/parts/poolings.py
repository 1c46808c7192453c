"""Poolings: what turns the features of all steps into one vector for the series, if one is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from limelight.parts.base import Part, Units


@dataclass
class Pooling(Part):
    """Base class of poolings, with what the rest of the package needs to know about one.

    Attributes
    ----------
    attends
        Whether it weights the steps, and the weights can be shown.
    reads_metadata
        Whether it depends on the metadata of the series.
    answers_steps
        Whether it leaves the features of each step as they are, for a label at each step.
    by_encoder
        Whether the encoder pools by itself, so that there is nothing left to do.
    """

    attends: ClassVar[bool] = False
    reads_metadata: ClassVar[bool] = False
    answers_steps: ClassVar[bool] = False
    by_encoder: ClassVar[bool] = False

    def with_metadata(self) -> Pooling | None:
        """Return the pooling of the same size that reads metadata; None if there is none."""
        return self if self.reads_metadata else None

    def without_metadata(self) -> Pooling:
        """Return the pooling of the same size that reads no metadata."""
        return self


@dataclass
class AttentionPooling(Pooling):
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
    attends = True
    hidden_size: Units = 64

    def with_metadata(self) -> Pooling:
        """Return attention of the same size that reads metadata."""
        return MetadataAttentionPooling(hidden_size=self.hidden_size)


@dataclass
class MetadataAttentionPooling(Pooling):
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
    attends = True
    reads_metadata = True
    hidden_size: Units = 64

    def without_metadata(self) -> Pooling:
        """Return plain attention of the same size."""
        return AttentionPooling(hidden_size=self.hidden_size)


@dataclass
class LastPooling(Pooling):
    """The state after the whole series has been read; of a bidirectional encoder, the last of either direction."""

    name = "last"


@dataclass
class MeanPooling(Pooling):
    """The mean over the real steps."""

    name = "mean"


@dataclass
class MaxPooling(Pooling):
    """The largest value of each feature over the real steps."""

    name = "max"


@dataclass
class NoPooling(Pooling):
    """No vector for the series: the features of each step are answered by themselves, for a label at each step."""

    name = "none"
    answers_steps = True


@dataclass
class ProportionPooling(Pooling):
    """The share of time in which a feature is on, which is how the encoder ``rocket`` pools: by itself."""

    name = "ppv"
    by_encoder = True


POOLINGS: Mapping[str, type[Pooling]] = MappingProxyType(
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
