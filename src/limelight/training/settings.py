"""Training settings: epochs, batches, learning rate, device."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from limelight.errors import ParameterError
from limelight.parts.base import build_checked
from limelight.parts.encoders.base import Encoder

STEPS_OF_A_TRAINING = 1500
LEAST_BATCHES_OF_AN_EPOCH = 30
CHECKPOINT = Path("checkpoints") / "last.ckpt"
"""Path of the checkpoint in the folder of a training."""
AugmentationMethod = Literal["jitter", "scale", "warp", "mixup"]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ShouldPrune = Callable[[float, float], bool]
"""Whether to prune a training, from the share of its epochs that is done, in (0, 1], and its validation loss."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of training by gradient descent.

    A setting that is None is chosen from the number of training series, or by the encoder
    (``Encoder.training_defaults``).

    Parameters
    ----------
    max_epochs
        Maximum number of epochs, at least 1; None takes about 1,500 steps, between 10 and 50 epochs. An epoch has at
        least 30 batches: a small set is repeated within one.
    patience
        Epochs without a better validation loss before training stops, at least 1; None takes half of the epochs, at
        least 5, because a one-cycle schedule is best at its end, when the learning rate is low.
    batch_size
        Series in one step, at least 1; None takes an eighth of the training series, between 8 and 64.
    learning_rate
        The maximum of the one-cycle schedule, in (0, 10).
    weight_decay
        Weight decay of AdamW, in [0, 10).
    gradient_clip
        Maximum norm of the gradient, above 0.
    device
        ``"auto"`` uses a GPU if there is one; ``"cpu"`` or ``"gpu"`` requires one.
    devices
        Processes that train one network together, on a GPU each or on the CPU, 1 to 64. Each computes a share of every
        batch. ``tune``, ``validate`` and ``compare`` use one for each fit.
    strategy
        How these processes exchange gradients: ``"ddp"`` by NCCL between GPUs and by Gloo between CPUs; ``"ddp_gloo"``
        or ``"ddp_nccl"`` requires one.
    precision
        ``"float32"``; or ``"bfloat16"`` or, on a GPU, ``"float16"`` for products in training, which is faster on many
        GPUs. Weights and predictions are float32 always.
    workers
        Processes that prepare training batches, 0 to 64; the result does not depend on their number. Useful if reading
        is slow, as from a store larger than memory. The encoders ``rocket`` and ``blocks`` compute the features of more
        than 4,000 series in them.
    imbalance
        How to emphasise rare classes or labels: ``"weights"`` in the loss, ``"focal"`` loss, or ``"balanced"`` batches,
        which oversample series that have them; ``"none"`` does nothing. A dict has the weight of each class in the
        loss, above 0 (1 if not named), as ``class_weight`` of scikit-learn. A head solved in closed form has
        ``"weights"``, also for ``"balanced"``, and no ``"focal"``. Probabilities then no longer match the
        frequencies in the data; calibration on validation series corrects that.
    augmentation
        Random changes of the training series: ``"jitter"`` (noise), ``"scale"`` (of each channel), ``"warp"`` (time
        stretched and compressed smoothly) and ``"mixup"`` (mixtures of two series). With labels per step, nothing is
        warped or mixed; with metadata, nothing is mixed; with a clock that the network reads, nothing is warped.
        None takes the default of the encoder, which is none except for ``inception``.
    label_smoothing
        Share of each target that is spread evenly over the classes in training, in [0, 1); None takes the default of
        the encoder, which is 0 except for ``inception``.

    Source
    ------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019 (AdamW). Smith and Topin, Super-Convergence,
    2018 (one cycle). Lin et al., Focal Loss for Dense Object Detection, 2017.

    Example
    -------
    >>> from limelight.parts.encoders import LSTM
    >>> TrainingSettings().resolve(7000, LSTM())
    TrainingSettings(max_epochs=14, patience=7, batch_size=64, learning_rate=0.004, ...)
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    max_epochs: Annotated[int, Field(ge=1)] | None = None
    patience: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0, lt=10)] = 4e-3
    weight_decay: Annotated[float, Field(ge=0, lt=10)] = 1e-2
    gradient_clip: _Positive = 1.0
    device: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Annotated[int, Field(ge=1, le=64)] = 1
    strategy: Literal["ddp", "ddp_gloo", "ddp_nccl"] = "ddp"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    workers: Annotated[int, Field(ge=0, le=64)] = 0
    imbalance: Literal["none", "weights", "focal", "balanced"] | dict[str, _Positive] = "none"
    augmentation: list[AugmentationMethod] | None = None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] | None = None

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
        """Build settings of the right type and range; ParameterError names the first that is not."""
        return build_checked(cls, settings, "training")

    def resolve(self, n: int, encoder: Encoder) -> TrainingSettings:
        """Resolve what is None for ``n`` training series and an encoder."""
        defaults = {"augmentation": [], "label_smoothing": 0.0, **encoder.training_defaults}
        own = dataclasses.replace(self, **{name: one for name, one in defaults.items() if getattr(self, name) is None})
        batch_size = min(n, own.batch_size or min(64, max(8, n // 8)))
        epoch = max(math.ceil(n / batch_size), LEAST_BATCHES_OF_AN_EPOCH)
        max_epochs = own.max_epochs or min(50, max(10, round(STEPS_OF_A_TRAINING / epoch)))
        patience = own.patience or max(5, max_epochs // 2)
        return dataclasses.replace(own, batch_size=batch_size, max_epochs=max_epochs, patience=patience)

    def to_json(self) -> dict[str, Any]:
        """Return every setting."""
        return dataclasses.asdict(self)
