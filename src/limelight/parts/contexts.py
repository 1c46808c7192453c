"""Contexts: what turns the facts about a series into one vector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from limelight.parts.base import Part, Share, Units

Size = Annotated[int, Field(ge=1, le=1024)]


@dataclass
class ContextEncoding(Part):
    """Words become learned vectors, numbers are scaled, and a text is the mean of the vectors of its words.

    Where a folder with a sentence encoder is named, it turns texts into vectors, which are scaled and go through one
    learned layer for each text field.

    Parameters
    ----------
    embedding_size
        Length of the vector of a word of a categorical field or a side signal, 1 to 1024; ``"auto"`` goes by the number
        of words (``size_for``).
    number_size
        Units of a layer over all numbers, 1 to 8192; None takes the numbers as they are.
    text_size
        Length of the vector of a word of a text, or units of the layer over the vector of a text, 1 to 1024.
    dropout
        Share of the facts that are made unknown in training, in [0, 1), drawn for each field and each side signal of
        each series, so that the network learns to do without and what to make of a word that it does not know.
    text_encoder
        Folder with a static sentence encoder that model2vec saved; it is copied into the folder of a saved model, and
        nothing is downloaded. None learns a vector for each word.

    Source
    ------
    Guo and Berkhahn, Entity Embeddings of Categorical Variables, 2016; the rule for ``"auto"`` is fastai's
    (``fastai.tabular.model.emb_sz_rule``), with at most 32 in place of 600.

    Example
    -------
    >>> ContextEncoding().size_for(4), ContextEncoding().size_for(1000), ContextEncoding(embedding_size=10).size_for(4)
    (4, 32, 10)
    """

    name = "embedding"
    embedding_size: Size | Literal["auto"] = "auto"
    number_size: Units | None = None
    text_size: Size = 32
    dropout: Share = 0.1
    text_encoder: str | None = None

    def size_for(self, codes: int) -> int:
        """Return the embedding size of a field by its number of codes, including the one for unknown words."""
        return min(32, math.ceil(1.6 * codes**0.56)) if self.embedding_size == "auto" else self.embedding_size


@dataclass
class OneHotContext(Part):
    """Facts as fixed numbers, nothing to learn: a column for each word, scaled numbers, counted words of texts.

    Parameters
    ----------
    text_size
        Columns that the words of a text are folded to, 1 to 1024.
    """

    name = "one_hot"
    text_size: Size = 64


CONTEXTS: Mapping[str, type[Part]] = MappingProxyType({part.name: part for part in (ContextEncoding, OneHotContext)})
