"""Verification: an exported model must answer as the model itself before its file appears."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import InternalError
from limelight.model.fitted import FittedModel, Prediction
from limelight.model.session import Session

LARGEST_DIFFERENCE = 1e-5
"""The largest difference of a probability."""
LONGEST = 256
"""Steps of the longest example."""


def example_arrays(model: FittedModel, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Draw random series of several lengths, as the network of a model reads them.

    Parameters
    ----------
    model
        A fitted model.
    seed
        Of the random numbers.

    Returns
    -------
    dict[str, NDArray]
        As ``padded_arrays``: series of 1 step and of typical lengths, with missing values and unknown metadata if the
        model accepts them.
    """
    random, network = np.random.default_rng(seed), model.network
    lengths = np.array([1, 2, *_lengths(model)])
    batch, time = len(lengths), int(lengths.max())
    mask = np.arange(time) < lengths[:, None]
    scaling = network.normalisation
    mean, scale = (one.cpu().numpy()[: len(model.channels)] for one in (scaling.mean, scaling.scale))
    values = (mean + scale * random.normal(size=(batch, time, len(model.channels)))).astype(np.float32)
    if model.accepts_missing:
        values[random.random(values.shape) < 0.3] = np.nan
    values[~mask] = 0.0
    arrays: dict[str, NDArray[Any]] = {"values": values, "mask": mask}
    if model.reads_clock:
        arrays["elapsed"] = (random.random((batch, time)) * mask).astype(np.float32)
        arrays["elapsed"][:, 0] = 0.0
    shape = network.context_shape
    if shape.categories:
        arrays["categories"] = np.stack([random.integers(0, codes, batch) for codes in shape.categories], axis=1)
    if shape.numbers:
        numbers = random.normal(size=(batch, len(shape.numbers))).astype(np.float32)
        arrays["numbers"] = np.where(random.random(numbers.shape) < 0.2, np.float32(np.nan), numbers)
    if shape.texts and shape.vector_size:
        vectors = random.normal(size=(batch, shape.texts, shape.vector_size)).astype(np.float32)
        vectors[0] = np.nan
        arrays["vectors"] = vectors
    elif shape.texts:
        arrays["tokens"] = random.integers(0, shape.buckets + 1, (batch, shape.texts, 5))
    if shape.signals:
        codes = [random.integers(0, words, (batch, time)) for words in shape.signals]
        arrays["signals"] = np.stack(codes, axis=2) * mask[:, :, None]
    return arrays


def require_same_answers(model: FittedModel, exported: bytes) -> float:
    """Compare the probabilities of a model and of its exported graph on random series.

    Parameters
    ----------
    model
        The fitted model.
    exported
        The ONNX model.

    Returns
    -------
    float
        The largest difference.

    Raises
    ------
    InternalError
        If a probability differs by more than 1e-5, or the novelty by more than a thousandth, or if evidence does not
        sum to the logits.
    """
    arrays = example_arrays(model)
    session = Session(exported)
    _require_sum_of_evidence(model, session, arrays)
    answer, exported_answer = model.answer(arrays), session.answer(arrays, model.offset)
    own, given = answer.logits, exported_answer.logits
    real = arrays["mask"] if model.task.by_step else np.ones(len(own), dtype=bool)
    wanted, found = (
        Prediction(
            np.arange(int(real.sum())).astype(str), model.task, logits[real], mixing=model.decision.mixing
        ).probabilities
        for logits in (model.decision.apply_temperature(own), given)
    )
    largest = float(np.abs(wanted - found).max())
    if not _same_novelty(answer.novelty, exported_answer.novelty):
        raise InternalError(
            "the exported model differs from the model itself in the distance to the training series; please report "
            f"this with the architecture: {model.architecture.describe()}"
        )
    if not largest <= LARGEST_DIFFERENCE:
        raise InternalError(
            f"the exported model differs from the model itself by {largest:.1e} in a probability; please report this "
            f"with the architecture: {model.architecture.describe()}"
        )
    return largest


def _require_sum_of_evidence(model: FittedModel, session: Session, arrays: dict[str, NDArray[Any]]) -> None:
    """Raise InternalError if there is evidence that does not sum to the logits."""
    if "evidence" not in session.outputs:
        return
    outputs = session.run(arrays, model.offset)
    logits = outputs["logits"]
    off = np.abs(outputs["evidence"].sum(axis=2) + outputs["base"] - logits).max() / max(1.0, np.abs(logits).max())
    if not off <= LARGEST_DIFFERENCE:
        raise InternalError(
            f"the evidence of the exported model differs from its logits by {off:.1e}; please report this with the "
            f"architecture: {model.architecture.describe()}"
        )


def _same_novelty(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.allclose(one, other, rtol=1e-3, atol=1e-3)


def _lengths(model: FittedModel) -> list[int]:
    """Return lengths around the stride of the encoder and up to the typical length of the training series."""
    stride = int(getattr(model.network.encoder, "stride", 1))
    known = [int(one) for one in model.fitted_on.get("lengths", [50])]
    return sorted({min(one, LONGEST) for one in (max(1, stride - 1), stride + 1, *known)})
