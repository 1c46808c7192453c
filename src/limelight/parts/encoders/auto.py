"""The encoder ``auto``, which stands for ``rocket`` or ``conv_lstm``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from limelight.parts.encoders.base import Encoder, register_encoder


@register_encoder
@dataclass
class Auto(Encoder):
    """``rocket`` or ``conv_lstm``, whichever answers training series better that were held out; the default.

    Parameters
    ----------
    time_budget
        About how many seconds on two cores may go into training ``conv_lstm`` to compare, at least 0. ``rocket`` is
        solved in a second or so and always tried; below 1,000 series without metadata or side signals nothing else is.
        With them ``conv_lstm`` is tried whatever it takes, as under the linear head of ``rocket`` facts cannot change
        what a series means.

    Source
    ------
    The choice is ours; ``limelight.training.auto`` says how it is made.
    """

    name = "auto"
    automatic = True
    time_budget: Annotated[float, Field(ge=0.0)] = 60.0
