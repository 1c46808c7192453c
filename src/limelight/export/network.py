"""A whole fitted model as one ONNX graph: from raw values to probabilities and predicted classes."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from limelight.export.context import write_for_products
from limelight.export.evidence import write_evidence_of_features
from limelight.export.graph import Graph
from limelight.export.inputs import ModelInputs
from limelight.export.novelty import write_novelty
from limelight.export.translations import Steps, translate
from limelight.model.fitted import FittedModel
from limelight.nn.context import OneHotContextEncoder
from limelight.nn.network import Network
from limelight.nn.pooling import Mean

for _module in ("context", "convolutional", "hydra", "pooling", "quantiles", "recurrent", "rocket", "shapelets"):
    import_module(f"limelight.export.{_module}")  # registers its translations


def build_graph(model: FittedModel, *, evidence: bool = False) -> Graph:
    """Build the graph of a fitted model.

    Parameters
    ----------
    model
        The model.
    evidence
        Whether fixed features have the outputs ``evidence`` and ``base`` too.

    Returns
    -------
    Graph
        With the inputs ``values`` (batch, time, channels), float64, NaN if missing, and ``lengths`` (batch,); if the
        network reads them also ``elapsed``, ``signals``, ``categories``, ``numbers``, ``tokens`` and ``vectors``, as in
        ``Batch``. Its outputs are ``logits``, ``probabilities`` and ``prediction``, the predicted codes; with a novelty
        score also ``novelty`` (batch,); with attention also ``attention`` (batch, time), and with a pooling that sums
        steps, or on request, also ``evidence`` (batch, outputs, time) and ``base`` (batch, outputs), which sum to the
        logits.

    Raises
    ------
    ParameterError
        If a part of the network has no translation.
    """
    network = model.network.eval()
    graph = Graph()
    assert model.offset is not None
    inputs = ModelInputs(graph, network, model.offset)
    context = inputs.context()
    writer = _Writer(graph, network, inputs, context, model)
    encoder = network.architecture.encoder
    steps = inputs.encoder_inputs(context)
    if encoder.pools:
        features = translate(graph, network.encoder, steps)
        if evidence and encoder.has_evidence:
            writer.evidence(*write_evidence_of_features(graph, model, steps, features, context))
        pooled = writer.with_context(features)
        writer.novelty(pooled)
        if network.products is not None:
            assert isinstance(network.context, OneHotContextEncoder)
            assert context is not None
            multiplied = write_for_products(graph, network.context, context)
            pooled = graph.concat([pooled, translate(graph, network.products, features, multiplied)], 1)
        writer.finish(writer.pooled_logits(pooled))
        return graph
    encoded: Steps = translate(graph, network.encoder, steps)
    if network.film is not None:
        encoded = encoded._replace(values=translate(graph, network.film, encoded.values, context))
    if network.pooling is None:
        writer.novelty(writer.mean_of_steps(encoded))
        writer.finish(writer.over_time(writer.step_logits(encoded.values), 1))
    elif network.architecture.pooling.sums_steps:
        writer.sum_steps(encoded)
    else:
        pooled, weights = translate(graph, network.pooling, encoded, context)
        if weights is not None:
            writer.attention(weights, encoded)
        pooled = writer.with_context(pooled)
        writer.novelty(pooled)
        writer.finish(translate(graph, network.head, pooled))
    return graph


class _Writer:
    """Writes what follows the encoder."""

    def __init__(
        self, graph: Graph, network: Network, inputs: ModelInputs, context: str | None, model: FittedModel
    ) -> None:
        self.graph, self.network, self.inputs, self.context, self.model = graph, network, inputs, context, model
        self.late = "late" in network.architecture.fusions

    def with_context(self, pooled: str) -> str:
        """Append the metadata to one vector of each series, if they are fused late."""
        return self.graph.concat([pooled, self.context], 1) if self.late and self.context else pooled

    def pooled_logits(self, pooled: str) -> str:
        """Apply the head to the vector of an encoder that pools; in float64 if it was solved in closed form."""
        graph, head = self.graph, self.network.head
        if not self.network.architecture.encoder.closed_form:
            logits: str = translate(graph, head, pooled)
            return logits
        weights = graph.constant(head.weight.detach().double().T)
        product = graph.add("MatMul", graph.cast(pooled, np.float64), weights)
        total = graph.add("Add", product, graph.constant(head.bias.detach().double()))
        return graph.cast(total, np.float32)

    def step_logits(self, features: str) -> str:
        """Apply the head to the features of each step, shape (batch, steps, outputs)."""
        graph = self.graph
        if self.late and self.context:
            one = graph.integers(1)
            extent = graph.concat([one, graph.size(features, 1), one], 0)
            features = graph.concat([features, graph.add("Expand", graph.unsqueeze(self.context, 1), extent)], 2)
        logits: str = translate(graph, self.network.head, features)
        return logits

    def over_time(self, values: str, axis: int) -> str:
        """Repeat the values of each encoder step at the time steps that it covers."""
        graph, stride = self.graph, self.network.encoder.stride
        if stride == 1:
            return values
        cells = graph.add("Div", graph.arange(self.inputs.time), graph.integer(stride))
        return graph.add("Gather", values, cells, axis=axis)

    def spread(self, values: str, steps: Steps) -> str:
        """Split values of each encoder step evenly among the real time steps that it covers, over the last axis."""
        graph, stride = self.graph, self.network.encoder.stride
        rank_two = graph.cast(self.inputs.mask, np.float32)
        if stride == 1:
            return graph.add("Mul", values, rank_two)
        starts = graph.add("Mul", graph.arange(graph.size(steps.mask, 1)), graph.integer(stride))
        left = graph.add("Sub", graph.unsqueeze(self.inputs.lengths, 1), graph.unsqueeze(starts, 0))
        covered = graph.add("Clip", left, graph.integer(1), graph.integer(stride))
        shared = graph.add("Div", values, graph.cast(covered, np.float32))
        return graph.add("Mul", self.over_time(shared, 1), rank_two)

    def attention(self, weights: str, steps: Steps) -> None:
        """Write the output ``attention``."""
        self.graph.output("attention", self.spread(weights, steps), np.float32, ["batch", "time"])

    def mean_of_steps(self, steps: Steps) -> str:
        """Write the mean features of the real steps, shape (batch, width)."""
        pooled: tuple[str, None] = translate(self.graph, Mean(), steps, None)
        return pooled[0]

    def novelty(self, features: str) -> None:
        """Write the output ``novelty`` from what the head reads, if the model has this score."""
        if self.model.novelty is not None:
            self.graph.output("novelty", write_novelty(self.graph, self.model.novelty, features), np.float64, ["batch"])

    def sum_steps(self, steps: Steps) -> None:
        """Write all outputs of a pooling that sums the logits of the steps."""
        graph, pooling = self.graph, self.network.pooling
        outputs = self.model.task.outputs
        self.novelty(self.mean_of_steps(steps))
        factors = translate(graph, pooling, steps, self.context)
        total = graph.sum(factors, 1, keepdims=True)
        self.attention(graph.add("Div", factors, total), steps)
        each = graph.add("Mul", graph.unsqueeze(factors, 2), self.step_logits(steps.values))
        usual = self._typical(steps)
        shares = graph.add(
            "Div", graph.cast(steps.mask, np.float32), graph.cast(graph.unsqueeze(steps.lengths, 1), np.float32)
        )
        own = graph.add("Sub", each, graph.add("Mul", graph.unsqueeze(shares, 2), usual))
        by_output = [
            graph.unsqueeze(self.spread(graph.squeeze(graph.slice(own, 2, place, place + 1), 2), steps), 1)
            for place in range(outputs)
        ]
        self.evidence(graph.concat(by_output, 1), graph.squeeze(usual, 1))
        self.finish(graph.squeeze(graph.add("MatMul", graph.unsqueeze(factors, 1), self.step_logits(steps.values)), 1))

    def evidence(self, by_step: str, base: str) -> None:
        """Write the outputs ``evidence`` and ``base`` from what steps add to the logits of the network."""
        outputs = self.model.task.outputs
        calibrated = self._calibrated(by_step, trailing=True)
        self.graph.output("evidence", calibrated, np.float64, ["batch", outputs, "time"])
        self.graph.output("base", self._calibrated(base), np.float64, ["batch", outputs])

    def _typical(self, steps: Steps) -> str:
        """Write the logits of a series of typical steps with the metadata of each series, shape (batch, 1, outputs)."""
        graph, pooling = self.graph, self.network.pooling
        batch = graph.size(self.inputs.lengths, 0)
        extent = graph.concat([batch, graph.integers(1, 1)], 0)
        typical = graph.add("Expand", graph.constant(pooling.typical[None, None]), extent)
        whole = graph.add("Expand", graph.constant(True), graph.concat([batch, graph.integers(1)], 0))
        single = graph.add("Expand", graph.integers(1), batch)
        factor = translate(graph, pooling, Steps(typical, whole, single), self.context)
        return graph.add("Mul", graph.unsqueeze(factor, 2), self.step_logits(typical))

    def _calibrated(self, logits: str, trailing: bool = False) -> str:
        """Divide by the temperature in float64; the outputs are the last axis, or the one before it."""
        temperature = self.model.decision.temperature
        doubled = self.graph.cast(logits, np.float64)
        if temperature is None:
            return doubled
        return self.graph.add("Div", doubled, self.graph.double(temperature[:, None] if trailing else temperature))

    def finish(self, raw: str) -> None:
        """Write the outputs ``logits``, ``probabilities`` and ``prediction`` from the logits of the network."""
        graph, task = self.graph, self.model.task
        over: list[str | int] = ["batch", *(["time"] if task.by_step else [])]
        logits = self._calibrated(raw)
        graph.output("logits", logits, np.float64, [*over, task.outputs])
        axis = len(over)
        if task.kind == "multiclass":
            probabilities = graph.add("Softmax", logits, axis=axis)
        else:
            probabilities = graph.add("Sigmoid", logits)
        if task.kind == "binary":
            probabilities = graph.concat([graph.add("Sub", graph.double(1.0), probabilities), probabilities], axis)
        mixing = self.model.decision.mixing
        if mixing is not None:
            kept = graph.add("Mul", probabilities, graph.double(1 - mixing.weight))
            probabilities = graph.add("Add", kept, graph.double(mixing.weight * mixing.shares))
        graph.output("probabilities", probabilities, np.float64, [*over, len(task.classes)])
        shape = [*over, len(task.classes)] if task.multilabel else over
        graph.output("prediction", self._predicted(probabilities, axis), np.int64, shape)

    def _predicted(self, probabilities: str, axis: int) -> str:
        """Write the predicted code of each class, or 0 and 1 for each label, as ``Task.decide``."""
        graph, task, thresholds = self.graph, self.model.task, self.model.decision.thresholds
        if task.multilabel:
            lowest = np.full(task.outputs, 0.5) if thresholds is None else thresholds
            return graph.cast(graph.add("GreaterOrEqual", probabilities, graph.double(lowest)), np.int64)
        if thresholds is None:
            return graph.add("ArgMax", probabilities, axis=axis, keepdims=0)
        positive = task.positive_index
        own = graph.squeeze(graph.slice(probabilities, axis, positive, positive + 1), axis)
        reached = graph.add("GreaterOrEqual", own, graph.double(thresholds[0]))
        return graph.add("Where", reached, graph.integer(positive), graph.integer(1 - positive))
