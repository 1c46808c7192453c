"""A model for workers of other processes, the first of which ends."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limelight.model.fitted import FittedModel
from limelight.model.predictor import Answer
from support.workers import die_once


@dataclass
class MortalModel(FittedModel):
    """A model whose first worker to predict a batch is killed."""

    marker: Path = Path()

    def answer(self, arrays: dict[str, Any]) -> Answer:
        die_once(self.marker, 3)
        return super().answer(arrays)
