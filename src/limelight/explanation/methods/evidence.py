"""Evidence: what each time step adds to the answer of a network whose answer is a sum over the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.target import resolve_target
from limelight.model.fitted import FittedModel
from limelight.types import Floats


def explain_evidence(model: FittedModel, panel: Panel, target: Any = None) -> Explanation:
    """Share the answer out over the time steps, exactly: features are means over time, and the head is linear.

    Parameters
    ----------
    model
        With the encoder ``rocket``.
    panel
        Series with the channels of the training.
    target
        The class or label that the evidence is for or against, or one for each series, as for ``resolve_target``.

    Returns
    -------
    Explanation
        For each series what each of its steps adds to the logit of the class, above 0 where it speaks for it and below
        0 where it speaks against, next to an average training series. With ``base``, which is the logit of that one and
        what metadata add to it, they sum to the logit. Of two classes, the logit of the first is minus that of the
        second. A step stands for the centre of convolutions that reach beyond it.

    Raises
    ------
    ParameterError
        If the encoder is another one, or the target is no class.
    DataError
        If the channels differ from those of the training, or a value is missing or infinite.

    Source
    ------
    A linear model on means over time, read backwards, as class activation maps are: Zhou et al., Learning Deep
    Features for Discriminative Localization, 2016.

    Example
    -------
    >>> from limelight.data.synthetic.sine import SineSettings, generate_sine
    >>> from limelight.model.targets import task_of
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.training.fit import fit
    >>> waves = generate_sine(SineSettings(dataset_size=60, num_points=40))
    >>> model = fit(waves, task_of(waves), Architecture.of({"name": "rocket", "features": 840})).model
    >>> evidence = explain_evidence(model, waves, "anomalous")
    >>> sums = [steps.sum() for steps in evidence.importance] + evidence.base
    >>> bool(np.allclose(sums, -evidence.prediction.logits[:, 0], atol=1e-4))
    True
    """
    if not model.has_evidence:
        raise ParameterError(
            f"expected a model with the encoder 'rocket' to share its answers out over the steps, got "
            f"{model.architecture.encoder.name!r}; train one with encoder='rocket'"
        )
    encoder, head = model.network.encoder, model.network.head
    prediction = model.predict(panel)
    question = resolve_target(prediction, target)
    binary = model.task.kind == "binary"
    output = np.zeros_like(question.codes) if binary else question.codes
    sign = np.where(question.codes == 0, -1.0, 1.0) if binary else np.ones(len(panel))
    cooling = 1.0 if model.decision.temperature is None else torch.from_numpy(model.decision.temperature)[:, None]
    weights, bias = (head.weight / cooling).detach().float(), (head.bias[:, None] / cooling)[:, 0].detach().float()
    of_series = weights[:, : encoder.width].contiguous()
    typical = of_series @ encoder.typical  # of all steps of an average training series
    importance: list[Floats] = [np.empty(0, np.float32)] * len(panel)
    base = np.zeros(len(panel))
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            parts = encoder.contributions(model.network.inputs(batch), batch.mask, of_series)
            known = bias + typical + model.network.facts(batch) @ weights[:, encoder.width :].T
            for place, row in enumerate(rows.tolist()):
                steps, which = int(panel.lengths[row]), int(output[row])
                own = parts[place, which, :steps] - typical[which] / steps
                importance[row] = np.float32(sign[row]) * own.numpy()
                base[row] = sign[row] * float(known[place, which])
    return Explanation(panel, prediction, importance, "evidence", question.names, base=base)
