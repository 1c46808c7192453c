"""Evidence: what each time step adds to the logit of a network whose logit is a sum over the steps."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.explanation.explanation import Explanation
from limelight.explanation.target import resolve_target
from limelight.model.evidence_profile import EvidenceProfile
from limelight.model.fitted import FittedModel
from limelight.types import Doubles, Floats


def explain_evidence(model: FittedModel, panel: Panel, target: Any = None) -> Explanation:
    """Split the logit exactly over the time steps: features are means over time, and the head is linear.

    Parameters
    ----------
    model
        A fitted model with the encoder ``rocket`` or ``blocks``.
    panel
        n series with the channels used in training.
    target
        The class or label to collect evidence for, or one for each series, as for ``resolve_target``.

    Returns
    -------
    Explanation
        For each series, what each step adds to the logit of the target, relative to the same position of an average
        training series: a positive number is evidence for the target, a negative one evidence against it. Their sum
        plus ``base``, the logit of the average series with the metadata of this one, is the logit. For two classes, the
        logit of the first is minus that of the second. ``channels`` splits the importance of each step among the
        channels; what the clock and side signals add belongs to no channel. ``frequencies`` has what a spectrum adds.

    Raises
    ------
    ParameterError
        If the encoder is neither ``rocket`` nor ``blocks``, or the target is not a class or label of the model.
    DataError
        If the channels differ from those used in training, or a value is missing or infinite.

    Source
    ------
    A linear model on means over time, traced back to the steps as in class activation maps: Zhou et al., Learning Deep
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
            f"expected a model with the encoder 'rocket' or 'blocks' to collect evidence from, got "
            f"{model.architecture.encoder.name!r}; train one of them"
        )
    encoder, head = model.network.encoder, model.network.head
    prediction = model.predict(panel)
    resolved = resolve_target(prediction, target)
    binary = model.task.kind == "binary"
    output = np.zeros_like(resolved.codes) if binary else resolved.codes
    sign = np.where(resolved.codes == 0, -1.0, 1.0) if binary else np.ones(len(panel))
    temperature = 1.0 if model.decision.temperature is None else torch.from_numpy(model.decision.temperature)[:, None]
    weights = (head.weight / temperature).detach().double()
    bias = (head.bias[:, None] / temperature)[:, 0].detach().double()
    series_weights = weights[:, : encoder.width].float().contiguous()
    # the logits of an average training series, without the intercept
    typical = series_weights.double() @ encoder.typical.double()
    profile = profile_of(model)

    @functools.cache
    def baseline_of(steps: int) -> Doubles:
        return profile.baseline(steps)

    importance: list[Floats] = [np.empty(0, np.float32)] * len(panel)
    channels, frequencies = list(importance), list(importance)
    reads_spectrum = "spectrum" in encoder.spans
    base = np.zeros(len(panel))
    with torch.inference_mode():
        for rows, batch in model.batches(panel):
            inputs = model.network.inputs(batch)
            contributions = encoder.contributions(inputs, batch.mask, series_weights, encoder.typical)
            spectrum = None
            if reads_spectrum:
                spectrum = encoder.by_frequency(inputs, batch.mask, series_weights, encoder.typical)
            constant = bias + typical + model.network.context_vector(batch).double() @ weights[:, encoder.width :].T
            for place, row in enumerate(rows.tolist()):
                steps, which = int(panel.lengths[row]), int(output[row])
                own = contributions[place, which, :steps].numpy()
                own -= baseline_of(steps)[which]
                importance[row] = (sign[row] * own.sum(axis=1)).astype(np.float32)
                channels[row] = (sign[row] * _by_channel(own, len(panel.channels), model)).astype(np.float32)
                if spectrum is not None:
                    own = spectrum[place][which].numpy()
                    frequencies[row] = (sign[row] * _by_channel(own, len(panel.channels), model)).astype(np.float32)
                base[row] = sign[row] * float(constant[place, which])
    return Explanation(
        panel,
        prediction,
        importance,
        "evidence",
        resolved.names,
        channels,
        frequencies=frequencies if reads_spectrum else None,
        base=base,
    )


def _by_channel(own: Doubles, channels: int, model: FittedModel) -> Doubles:
    """Sum the contributions of the inputs of each channel: its values and its missing-value marks."""
    filling = model.network.filling
    if filling is not None and filling.width > channels:
        return own[:, :channels] + own[:, channels : 2 * channels]
    return own[:, :channels]


def profile_of(model: FittedModel) -> EvidenceProfile:
    """Return the profile of the calibrated logits; 0 for a model that was saved without one."""
    if model.profile is None:
        outputs = model.task.outputs
        return EvidenceProfile(np.zeros((outputs, 2, 1)), np.zeros((outputs, 1)))
    temperature = model.decision.temperature
    return model.profile.scaled(np.ones(1) if temperature is None else 1 / temperature)
