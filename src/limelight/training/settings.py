"""How long and how fast to train."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from limelight.errors import ParameterError
from limelight.parts.base import first_complaint

STEPS_OF_A_TRAINING = 1500
LEAST_BATCHES_OF_AN_EPOCH = 30
VALIDATION = 0.1
"""Share of the training series that is held out where nothing is stated, and something has to be."""
CHECKPOINT = Path("checkpoints") / "last.ckpt"
"""In the folder of a training."""
ShouldPrune = Callable[[float, float], bool]
"""Takes the share of the epochs that is done, in (0, 1], and the validation loss; says whether to give up."""


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
    def of(cls, value: TrainingSettings | Mapping[str, Any] | None) -> TrainingSettings:
        """Build checked settings from settings, from their keywords as a dict, or from None for the defaults."""
        if isinstance(value, cls):
            value = value.get_params()
        if value is not None and not isinstance(value, Mapping):
            raise ParameterError(
                f"expected training settings as TrainingSettings(...) or a dict of its keywords, got {value!r}"
            )
        return cls.checked(**(value or {}))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name, as scikit-learn's ``get_params`` does."""
        return dataclasses.asdict(self)

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
