"""Decision: temperature and thresholds that turn logits into predictions, chosen on validation data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ModelFolderError
from limelight.task import Task


@dataclass(frozen=True, eq=False)
class Decision:
    """The calibration and the thresholds of a model, saved with the model.

    Parameters
    ----------
    temperature
        The logits are divided by the temperature, shape (1,) or (labels,), above 0; None leaves the logits unchanged.
    thresholds
        The lowest probability at which the positive class, shape (1,), or each label, shape (labels,), is predicted;
        None predicts the most probable class, or each label with a probability of at least 0.5.
    provenance
        How ``"temperature"``, ``"thresholds"`` and ``"sets"`` were chosen, and their effect on the scores, as numbers
        and strings.

    Example
    -------
    >>> Decision(temperature=np.array([2.0])).apply_temperature(np.array([[3.0]])).tolist()
    [[1.5]]
    """

    temperature: NDArray[np.float64] | None = None
    thresholds: NDArray[np.float64] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def apply_temperature(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the temperature to logits of shape (N, outputs); the shape does not change."""
        return logits if self.temperature is None else logits / self.temperature

    def undo_temperature(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo the temperature, which restores the network's own logits, shape (N, outputs)."""
        return logits if self.temperature is None else logits * self.temperature

    def to_json(self) -> dict[str, Any]:
        """Convert the decision to JSON types."""
        arrays = {"temperature": self.temperature, "thresholds": self.thresholds}
        return {
            **{name: None if one is None else one.tolist() for name, one in arrays.items()},
            "told": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, content: Any, task: Task) -> Decision:
        """Create a decision from the output of ``to_json``; raise ModelFolderError if invalid for the task."""
        try:
            arrays = [
                None if content[name] is None else np.array(content[name], dtype=np.float64).reshape(-1)
                for name in ("temperature", "thresholds")
            ]
            sizes = ((1, task.outputs if task.multilabel else 1), (0 if task.kind == "multiclass" else task.outputs,))
            if not all(
                one is None or (len(one) in size and (np.isfinite(one) & (one > 0)).all())
                for one, size in zip(arrays, sizes, strict=True)
            ):
                raise ValueError("temperature or thresholds are not finite numbers above 0, or have a wrong length")
            return cls(arrays[0], arrays[1], dict(content["told"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected a decision, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error
