"""Contexts: how the metadata of a series are encoded as one vector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from limelight.parts.base import Part, Share, Units

Size = Annotated[int, Field(ge=1, le=1024)]
LEAST_COMPONENTS, MOST_COMPONENTS, MOST_PRODUCTS = 4, 32, 4096


@dataclass
class ContextEncoding(Part):
    """Embeds categories as learned vectors, scales numbers, and averages the learned vectors of the words of a text.

    With a sentence encoder (``text_encoder``), texts are encoded as its vectors instead, which are scaled and pass
    through one learned layer per text field.

    Parameters
    ----------
    embedding_size
        Length of the vector of a word of a categorical field or a side signal, 1 to 1024; ``"auto"`` depends on the
        number of words (``size_for``).
    number_size
        Units of a layer over all numbers, 1 to 8192; None uses the scaled numbers without a layer.
    number_activation
        Activation of that layer: ``"linear"``, ``"relu"`` or ``"tanh"``.
    text_size
        Length of the vector of a word of a text, or units of the layer over the vector of a text, 1 to 1024.
    dropout
        Probability of setting a field or side signal of a series to unknown in training, in [0, 1), so that the
        network learns to predict without it and to handle unknown words.
    text_encoder
        Folder with a static sentence encoder saved by model2vec; it is copied into the folder of a saved model.
        Nothing is downloaded. None learns a vector for each word.

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
    number_activation: Literal["linear", "relu", "tanh"] = "linear"
    text_size: Size = 32
    dropout: Share = 0.1
    text_encoder: str | None = None

    def size_for(self, codes: int) -> int:
        """Return the embedding size of a field by its number of codes, including the one for unknown words."""
        return min(32, math.ceil(1.6 * codes**0.56)) if self.embedding_size == "auto" else self.embedding_size


@dataclass
class OneHotContext(Part):
    """Encodes metadata without learned weights: one-hot categories, scaled numbers, and word frequencies of texts.

    With a sentence encoder (``text_encoder``), texts are encoded as its scaled vectors instead of word frequencies.

    Parameters
    ----------
    text_size
        Number of columns to which the words of a text are hashed, 1 to 2048.
    text_weighting
        ``"root"`` takes the roots of the shares of the words, whose squares sum to 1, and keeps texts out of the
        products; ``"share"`` takes the shares, as models of earlier versions do.
    products
        Number of principal components of the features whose products with the encoded metadata are features too, so
        that metadata can change what a series means, 0 to 1024; ``"auto"`` is 32, or fewer if there are many columns of
        metadata, and 0 if leave-one-out shows no gain.
    text_encoder
        Folder with a static sentence encoder, as for ``ContextEncoding``.

    Example
    -------
    >>> OneHotContext().components(3), OneHotContext().components(1000), OneHotContext(products=8).components(3)
    (32, 4, 8)
    """

    name = "one_hot"
    text_size: Annotated[int, Field(ge=1, le=2048)] = 2048
    text_weighting: Literal["root", "share"] = "root"
    products: Annotated[int, Field(ge=0, le=1024)] | Literal["auto"] = "auto"
    text_encoder: str | None = None

    def components(self, columns: int) -> int:
        """Return the number of components to multiply by some columns of metadata, if they help."""
        few = max(LEAST_COMPONENTS, min(MOST_COMPONENTS, MOST_PRODUCTS // max(columns, 1)))
        return few if self.products == "auto" else self.products


CONTEXTS: Mapping[str, type[Part]] = MappingProxyType({part.name: part for part in (ContextEncoding, OneHotContext)})
