"""How long and how fast to train."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from limelight.errors import ParameterError
from limelight.parts.base import first_complaint

STEPS_OF_A_TRAINING = 1500
LEAST_BATCHES_OF_AN_EPOCH = 30
FEWEST_OF_STEPS = 5
FEWEST_TO_VALIDATE = 20
VALIDATION = 0.1
"""Share of the training series that is held out where nothing is stated, and something has to be."""
CHECKPOINT = Path("checkpoints") / "last.ckpt"
"""In the folder of a training."""
ShouldPrune = Callable[[float, float], bool]
"""Takes the share of the epochs that is done, in (0, 1], and the validation loss; says whether to give up."""


def enough_to_validate(series: int, classes: int, *, by_step: bool = False) -> bool:
    """Say whether the loss on so many validation series says enough to stop a training by.

    Stopping by 8 series of ECG200 cost 10 points of accuracy in cross-validation on its training part (0.69 against
    0.79 when all epochs run).

    Parameters
    ----------
    series
        Number of validation series.
    classes
        Number of classes.
    by_step
        Whether each step has a label, so that a series says as much as many.

    Returns
    -------
    bool
        False below 20 series and where there are more classes than series; of labelled steps below 5 series.

    Example
    -------
    >>> enough_to_validate(8, classes=3), enough_to_validate(25, classes=3)
    (False, True)
    """
    return series >= (FEWEST_OF_STEPS if by_step else max(FEWEST_TO_VALIDATE, classes))


@dataclass(frozen=True)
class TrainingSettings:
    """The training loop in numbers; None means chosen from the number of training series.

    Parameters
    ----------
    max_epochs
        At most so many epochs, at least 1; None takes what makes about 1,500 steps, between 10 and 50. An epoch is at
        least 30 batches: a smaller set is gone through several times in one.
    patience
        Epochs without a better validation loss before training stops, at least 1; None takes half of the epochs, at
        least 5: a one-cycle schedule is best at its end, when the learning rate has come down.
    batch_size
        Series in one step, at least 1, at most all; None takes an eighth of the training series, between 8 and 64.
    learning_rate
        The highest of the one-cycle schedule, above 0.
    weight_decay
        Of AdamW, at least 0.
    gradient_clip
        Largest norm of the gradient, above 0.
    device
        ``"auto"`` takes a GPU if there is one, ``"cpu"`` or ``"gpu"`` insist.
    workers
        Processes that prepare the training batches beside the training, 0 to 64; the numbers come out the same with any
        number of them. Worth it where reading takes long, as from a store larger than memory.
    imbalance
        What makes rare classes or labels count: ``"weights"`` in the loss, ``"focal"`` loss, ``"balanced"`` batches,
        which draw the series that have them more often; ``"none"`` nothing. Probabilities are no longer those of the
        data then; calibration on validation series mends that.

    Source
    ------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019 (AdamW). Smith and Topin, Super-Convergence,
    2018 (one cycle). Lin et al., Focal Loss for Dense Object Detection, 2017.

    Example
    -------
    >>> TrainingSettings().for_series(7000)
    TrainingSettings(max_epochs=14, patience=7, batch_size=64, learning_rate=0.004, ...)
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    max_epochs: Annotated[int, Field(ge=1)] | None = None
    patience: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0, lt=10)] = 4e-3
    weight_decay: Annotated[float, Field(ge=0, lt=10)] = 1e-2
    gradient_clip: Annotated[float, Field(gt=0)] = 1.0
    device: Literal["auto", "cpu", "gpu"] = "auto"
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    imbalance: Literal["none", "weights", "focal", "balanced"] = "none"

    @classmethod
    def checked(cls, **settings: Any) -> TrainingSettings:
        """Make settings of the right type and in range; ParameterError names the first that is not."""
        try:
            return TypeAdapter(cls).validate_python(settings)
        except ValidationError as error:
            raise ParameterError(first_complaint(error)) from None

    def for_series(self, n: int) -> TrainingSettings:
        """Settle what is None for ``n`` training series."""
        batch_size = min(n, self.batch_size or min(64, max(8, n // 8)))
        epoch = max(math.ceil(n / batch_size), LEAST_BATCHES_OF_AN_EPOCH)
        max_epochs = self.max_epochs or min(50, max(10, round(STEPS_OF_A_TRAINING / epoch)))
        patience = self.patience or max(5, max_epochs // 2)
        return dataclasses.replace(self, batch_size=batch_size, max_epochs=max_epochs, patience=patience)

    def to_json(self) -> dict[str, Any]:
        """Say every setting."""
        return dataclasses.asdict(self)
