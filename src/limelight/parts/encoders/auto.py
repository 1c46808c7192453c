"""The encoder ``auto``, which stands for ``blocks`` or ``conv_lstm``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from limelight.parts.encoders.base import Encoder, register_encoder


@register_encoder
@dataclass
class Auto(Encoder):
    """``blocks`` or ``conv_lstm``, whichever has the lower held-out log loss; the default.

    Parameters
    ----------
    time_budget
        Approximate time in seconds on two cores that may be spent on training ``conv_lstm`` for the comparison, at
        least 0. ``blocks`` takes a few seconds and is always fitted; below 1,000 series without side signals nothing
        else is.

    Source
    ------
    ``limelight.training.auto`` implements the choice, which has no published source.
    """

    name = "auto"
    automatic = True
    time_budget: Annotated[float, Field(ge=0.0)] = 60.0
