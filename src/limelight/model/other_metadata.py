"""Predict the same series with other metadata, without encoding the series again where that is not needed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from limelight.data.panel import Panel
from limelight.model.fitted import FittedModel
from limelight.model.prediction import Prediction
from limelight.nn.batch import Batch

MOST_KEPT = 1 << 25
"""Maximum number of features that are kept, 128 MiB."""
ROWS_AT_ONCE = 4_096


class OtherMetadata:
    """Predicts series with other metadata than their own.

    With ``blocks`` and ``rocket``, metadata enter after the features of the series, which are therefore computed once.

    Parameters
    ----------
    model
        A fitted model with labels per series.
    panel
        n series.

    Example
    -------
    >>> from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
    >>> from limelight.model.targets import task_of
    >>> from limelight.parts.architecture import Architecture
    >>> from limelight.training.fit import fit
    >>> panel = generate_bumps(BumpSettings(dataset_size=40, num_points=30))[0]
    >>> model = fit(panel, task_of(panel), Architecture.of({"name": "rocket", "features": 84})).model
    >>> again = OtherMetadata(model, panel).predict(panel)
    >>> bool(np.allclose(again.logits, model.predict(panel).logits))
    True
    """

    def __init__(self, model: FittedModel, panel: Panel) -> None:
        self.model = model
        network = model.network
        once = network.architecture.encoder.pools and network.architecture.fusions == ("late",)
        few = len(panel) * network.encoder.width <= MOST_KEPT
        self._features = self._encode(model.with_channels(panel)) if once and few and len(panel) else None

    @torch.inference_mode()
    def _encode(self, panel: Panel) -> Tensor:
        network = self.model.network.eval()
        features = torch.empty(len(panel), network.encoder.width)
        device = next(network.parameters()).device
        for rows, batch in self.model.batches(panel):
            moved = batch.to(device)
            features[torch.from_numpy(rows)] = network.encoder(network.inputs(moved), moved.mask).cpu()
        return features

    @torch.inference_mode()
    def predict(self, panel: Panel) -> Prediction:
        """Predict the series with the metadata of a panel.

        Parameters
        ----------
        panel
            The same series in the same order, with other metadata.

        Returns
        -------
        Prediction
            As ``FittedModel.predict`` of this panel, without novelty.
        """
        model = self.model
        encoded = model.encoded_metadata(panel)
        if self._features is None or encoded is None:
            return model.predict(panel)
        logits = np.zeros((len(panel), model.task.outputs))
        device = next(model.network.parameters()).device
        for start in range(0, len(panel), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            features = self._features[some].to(device)
            context = model.network.context_vector(
                Batch(
                    torch.zeros(len(features), 1, len(model.channels)),
                    torch.ones(len(features), 1, dtype=torch.bool),
                    categories=torch.from_numpy(encoded.categories[some]),
                    numbers=torch.from_numpy(encoded.numbers[some]),
                    tokens=torch.from_numpy(encoded.tokens[some]),
                    vectors=torch.from_numpy(encoded.vectors[some]),
                ).to(device)
            )
            logits[some] = model.network.logits_of(torch.cat([features, context], dim=1)).double().cpu().numpy()
        return model.prediction_of(panel, model.decision.apply_temperature(logits))
