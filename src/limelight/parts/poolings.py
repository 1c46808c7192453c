"""Poolings: combine the features of all steps into one vector for the series, unless labels are per step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from limelight.parts.base import Part, Units


@dataclass
class Pooling(Part):
    """Base class of poolings.

    Attributes
    ----------
    attends
        Whether the pooling weights the steps and returns the weights.
    reads_metadata
        Whether the pooling reads the metadata of the series.
    answers_steps
        Whether the features of each step stay separate, for per-step labels.
    by_encoder
        Whether the encoder already returns one vector per series.
    sums_steps
        Whether the head is applied to the features of each step, and the logits are summed over the steps.
    """

    attends: ClassVar[bool] = False
    reads_metadata: ClassVar[bool] = False
    answers_steps: ClassVar[bool] = False
    by_encoder: ClassVar[bool] = False
    sums_steps: ClassVar[bool] = False

    def with_metadata(self) -> Pooling | None:
        """Return the pooling of the same size that reads metadata; None if there is none."""
        return self if self.reads_metadata else None

    def without_metadata(self) -> Pooling:
        """Return the pooling of the same size that reads no metadata."""
        return self


@dataclass
class AttentionPooling(Pooling):
    """Additive attention: a weighted mean; the weights are computed from the features and returned for inspection.

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
    """Additive attention whose weights depend on the features of the steps and on the metadata of the series.

    Parameters
    ----------
    hidden_size
        Units of the scoring layer, 1 to 8192.

    Source
    ------
    Bahdanau et al. 2015, with the metadata as query. A common Keras recipe, ``Attention`` with the series as query and
    the metadata as value, is different: it attends over a single vector, so all weights are 1 and the result does not
    depend on the series.
    """

    name = "metadata_attention"
    attends = True
    reads_metadata = True
    hidden_size: Units = 64

    def without_metadata(self) -> Pooling:
        """Return plain attention of the same size."""
        return AttentionPooling(hidden_size=self.hidden_size)


@dataclass
class ConjunctivePooling(Pooling):
    """Conjunctive attention: the head gives logits for each step; their mean, weighted by attention, is the answer.

    The attention of a step lies between 0 and 1 and does not depend on the other steps. The answer is a sum over the
    steps, by class, which plain attention is not.

    Parameters
    ----------
    hidden_size
        Units of the scoring layer, 1 to 8192.

    Source
    ------
    Early et al., Inherently Interpretable Time Series Classification via Multiple Instance Learning (MILLET), 2024.
    """

    name = "conjunctive"
    attends = True
    sums_steps = True
    hidden_size: Units = 16

    def with_metadata(self) -> Pooling:
        """Return conjunctive attention of the same size that reads metadata."""
        return MetadataConjunctivePooling(hidden_size=self.hidden_size)


@dataclass
class MetadataConjunctivePooling(Pooling):
    """Conjunctive attention that depends on the features of a step and on the metadata of the series.

    Parameters
    ----------
    hidden_size
        Units of the scoring layer, 1 to 8192.

    Source
    ------
    Early et al. 2024, with the metadata as query.
    """

    name = "metadata_conjunctive"
    attends = True
    reads_metadata = True
    sums_steps = True
    hidden_size: Units = 16

    def without_metadata(self) -> Pooling:
        """Return plain conjunctive attention of the same size."""
        return ConjunctivePooling(hidden_size=self.hidden_size)


@dataclass
class LastPooling(Pooling):
    """The final state of the encoder; for a bidirectional encoder, the final state of each direction."""

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
    """No pooling: the head is applied to the features of each step, for per-step labels."""

    name = "none"
    answers_steps = True


@dataclass
class ProportionPooling(Pooling):
    """The share of time in which a feature is above its threshold; computed by ``rocket`` and ``blocks`` themselves."""

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
            ConjunctivePooling,
            MetadataConjunctivePooling,
            NoPooling,
            ProportionPooling,
        )
    }
)
