"""Evidence: what each time step adds to the answer of a network whose answer is a sum over the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import ParameterError, listing, nearest
from limelight.explanation.attention import Explanation, explain_attention
from limelight.model.fitted import FittedModel, Prediction
from limelight.nn.rocket import RocketEncoder
from limelight.task import Label, Task


def explain_as(method: str | None, model: FittedModel, panel: Panel) -> Explanation:
    """Explain by ``"attention"`` or ``"evidence"``, None by what the model has; ParameterError for another word."""
    ways = {"attention": explain_attention, "evidence": explain_evidence}
    if method not in (None, *ways):
        raise ParameterError(f"expected a way to explain, got method={method!r}{nearest(str(method), ways)}")
    usual = "evidence" if model.network.pools_itself else "attention"
    return ways[method or usual](model, panel)


def explain_evidence(model: FittedModel, panel: Panel, target: Label | None = None) -> Explanation:
    """Share the answer out over the time steps, exactly: features are means over time, and the head is linear.

    Parameters
    ----------
    model
        With the encoder ``rocket``.
    panel
        Series with the channels of the training.
    target
        The class or label that the evidence is for or against; None takes the class answered for each series.

    Returns
    -------
    Explanation
        For each series what each of its steps adds to the logit of the class, above 0 where it speaks for it and below
        0 where it speaks against, next to an average training series. With ``base``, which is the logit of that one and
        what metadata add to it, they sum to the logit. When binary, the logit of the other class is minus that of the
        second. A step stands for the centre of convolutions that reach beyond it.

    Raises
    ------
    ParameterError
        If the encoder is another one, the target is no class, or is left out where series have several labels.
    DataError
        If the channels differ from those of the training, or a value is missing or infinite.

    Source
    ------
    A linear model on means over time, read backwards, as class activation maps are: Zhou et al., Learning Deep
    Features for Discriminative Localization, 2016.

    Example
    -------
    >>> from limelight.data.sine import SineSettings, generate_sine
    >>> from limelight.model.targets import task_of
    >>> from limelight.parts.sentence import Sentence
    >>> from limelight.training.fit import fit
    >>> waves = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> model = fit(waves, task_of(waves), Sentence.of({"name": "rocket", "features": 840})).model
    >>> evidence = explain_evidence(model, waves, "anomalous")
    >>> sums = [steps.sum() for steps in evidence.importance] + evidence.base
    >>> bool(np.allclose(sums, -evidence.prediction.logits[:, 0], atol=1e-4))
    True
    """
    encoder, head = model.network.encoder, model.network.head
    if not isinstance(encoder, RocketEncoder):
        raise ParameterError(
            f"expected a model with the encoder 'rocket' to share its answers out over the steps, got "
            f"{model.sentence.encoder.name!r}; train one with encoder='rocket'"
        )
    prediction = model.predict(panel)
    output, sign, named = _asked(model.task, prediction, target)
    cooling = 1.0 if model.decision.temperature is None else torch.from_numpy(model.decision.temperature)[:, None]
    weights, bias = (head.weight / cooling).detach().float(), (head.bias[:, None] / cooling)[:, 0].detach().float()
    of_series = weights[:, : encoder.width].contiguous()
    typical = of_series @ encoder.typical  # of all steps of an average training series
    importance: list[NDArray[np.floating[Any]]] = [np.empty(0, np.float32)] * len(panel)
    base = np.zeros(len(panel))
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            parts = encoder.contributions(model.network.inputs(batch), batch.mask, of_series)
            known = bias + typical + model.network.facts(batch) @ weights[:, encoder.width :].T
            for place, row in enumerate(rows.tolist()):
                steps, which = int(panel.lengths[row]), int(output[row])
                own = parts[place, which, :steps] - typical[which] / steps
                importance[row] = sign[row] * own.numpy()
                base[row] = sign[row] * float(known[place, which])
    return Explanation(panel, prediction, importance, "evidence", target=named, base=base)


def _asked(
    task: Task, prediction: Prediction, target: Label | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[Any]]:
    """Say for each series which logit is meant, with which sign, and of which class it is."""
    names = [str(name) for name in task.classes]
    if target is not None and str(target) not in names:
        raise ParameterError(f"expected a class as target, got {target!r}{nearest(str(target), names)}")
    if target is None and task.multilabel:
        raise ParameterError(
            f"expected a target where series have several labels, got none; name one of {listing(names, 20)}"
        )
    n = len(prediction.ids)
    if target is None:
        codes = task.encode(prediction.labels) if n else np.zeros(0, dtype=np.int64)
    else:
        codes = np.full(n, names.index(str(target)))
    named = np.array(task.classes)[codes]
    if task.kind != "binary":
        return codes, np.ones(n, dtype=np.float32), named
    return np.zeros(n, dtype=np.int64), np.where(codes == 1, 1.0, -1.0).astype(np.float32), named
