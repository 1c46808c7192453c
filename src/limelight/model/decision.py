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
class Mixing:
    """A mixture of predicted probabilities with the class shares, which bounds how certain a prediction can be.

    Parameters
    ----------
    weight
        Of the shares, in (0, 1): 1 / (n + 2) for n calibration series.
    shares
        The share of each class, summing to 1, or of each label, shape (classes or labels,), in (0, 1).

    Source
    ------
    Laplace's rule of succession: if n of n series were predicted correctly, the next one is with (n + 1) / (n + 2).

    Example
    -------
    >>> Mixing(0.01, np.array([0.5, 0.5])).apply(np.array([[0.0, 1.0]])).tolist()
    [[0.005, 0.995]]
    """

    weight: float
    shares: NDArray[np.float64]

    def apply(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mix probabilities of shape (N, classes or labels) with the shares; the shape does not change."""
        return (1 - self.weight) * probabilities + self.weight * self.shares

    def to_json(self) -> dict[str, Any]:
        """Convert the mixing to JSON types."""
        return {"weight": self.weight, "shares": self.shares.tolist()}


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
    mixing
        What the probabilities are mixed with after the softmax; None leaves them unchanged. Logits, and so the evidence
        that sums to them, do not change.

    Example
    -------
    >>> Decision(temperature=np.array([2.0])).apply_temperature(np.array([[3.0]])).tolist()
    [[1.5]]
    """

    temperature: NDArray[np.float64] | None = None
    thresholds: NDArray[np.float64] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    mixing: Mixing | None = None

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
            "mixing": None if self.mixing is None else self.mixing.to_json(),
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
            mixing = _read_mixing(content.get("mixing"), len(task.classes))  # models of earlier versions have none
            return cls(arrays[0], arrays[1], dict(content["told"]), mixing)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFolderError(
                f"expected a decision, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error


def _read_mixing(content: Any, classes: int) -> Mixing | None:
    """Return the mixing of a decision; ValueError, KeyError or TypeError if it is not valid."""
    if content is None:
        return None
    weight, shares = float(content["weight"]), np.array(content["shares"], dtype=np.float64)
    if not 0 < weight < 1 or shares.shape != (classes,) or not ((shares > 0) & (shares < 1)).all():
        raise ValueError("the weight and the shares of a mixture lie between 0 and 1")
    return Mixing(weight, shares)
