"""Decision: how answers are read off the logits of a network, chosen on validation data and saved with the model."""

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
    """What stands between the logits and the answers.

    Parameters
    ----------
    temperature
        What logits are divided by, shape (1,) or (labels,), above 0; None leaves them as they are.
    thresholds
        From which probability the positive class, shape (1,), or each label, shape (labels,), is answered; None answers
        the most probable class, and labels from 0.5.
    provenance
        How ``"temperature"``, ``"thresholds"`` and ``"sets"`` were chosen and what they cost, as plain numbers.

    Example
    -------
    >>> Decision(temperature=np.array([2.0])).apply_temperature(np.array([[3.0]])).tolist()
    [[1.5]]
    """

    temperature: NDArray[np.float64] | None = None
    thresholds: NDArray[np.float64] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def apply_temperature(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Apply the temperature: divide logits by it, shape (N, outputs)."""
        return logits if self.temperature is None else logits / self.temperature

    def undo_temperature(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Restore the logits of the network by multiplying with the temperature, shape (N, outputs)."""
        return logits if self.temperature is None else logits * self.temperature

    def to_json(self) -> dict[str, Any]:
        """Return the decision in a form that JSON can hold."""
        arrays = {"temperature": self.temperature, "thresholds": self.thresholds}
        return {
            **{name: None if one is None else one.tolist() for name, one in arrays.items()},
            "told": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, content: Any, task: Task) -> Decision:
        """Read what ``to_json`` wrote; ModelFolderError if it is something else, or does not fit the task."""
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
                raise ValueError("temperature and thresholds are finite numbers above 0, as many as the task needs")
            return cls(arrays[0], arrays[1], dict(content["told"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected a decision, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error
