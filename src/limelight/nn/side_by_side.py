"""Run two recurrent layers, or one layer on both halves of a batch, in parallel, each on half of the threads.

A recurrent layer in torch computes one small matrix product after another, so a second thread hardly helps. The two
directions of a layer, and the series of a batch, are independent, so they can run on separate threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def side_by_side(
    first: nn.Module,
    second: nn.Module,
    one: Float[Tensor, "batch time width"],
    two: Float[Tensor, "batch_two time width"],
) -> tuple[Float[Tensor, "batch time hidden"], Float[Tensor, "batch_two time hidden"]]:
    """Apply the first layer to ``one`` and the second to ``two``, in parallel if possible.

    They run in parallel on a CPU with at least two threads, except in tracing, compilation and automatic mixed
    precision. The results are the same in both cases.

    Parameters
    ----------
    first, second
        Recurrent torch layers such as ``nn.LSTM(..., batch_first=True)``; they may be the same layer.
    one, two
        The inputs of the layers, shapes (batch, time, width) and (batch_two, time, width).

    Returns
    -------
    tuple[Tensor, Tensor]
        The outputs of each layer at all steps, shapes (batch, time, hidden) and (batch_two, time, hidden).

    Example
    -------
    >>> ahead, back = nn.LSTM(1, 4, batch_first=True), nn.LSTM(1, 4, batch_first=True)
    >>> outputs = side_by_side(ahead, back, torch.zeros(2, 10, 1), torch.zeros(2, 10, 1))
    >>> outputs[0].shape, outputs[1].shape
    (torch.Size([2, 10, 4]), torch.Size([2, 10, 4]))
    """
    if not _can_run_in_parallel(one):
        return first(one)[0], second(two)[0]
    if not torch.is_grad_enabled():
        results: tuple[Tensor, Tensor] = _run_both(partial(_apply, first, one), partial(_apply, second, two))
        return results
    weights = [*first.parameters(), *second.parameters()]
    outputs: tuple[Tensor, Tensor] = _SideBySide.apply(first, second, one, two, *weights)  # type: ignore[no-untyped-call]
    return outputs


def in_halves(layer: nn.Module, values: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time hidden"]:
    """Apply a layer to both halves of a batch, in parallel if possible; a single series runs on one thread.

    Parameters
    ----------
    layer, values
        As for ``side_by_side``.

    Returns
    -------
    Tensor
        The outputs at all steps, shape (batch, time, hidden).

    Example
    -------
    >>> in_halves(nn.LSTM(1, 4, batch_first=True), torch.zeros(3, 10, 1)).shape
    torch.Size([3, 10, 4])
    """
    if not _can_run_in_parallel(values):
        return _apply(layer, values)
    if len(values) > 1:
        return torch.cat(side_by_side(layer, layer, *values.tensor_split(2)))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        return _apply(layer, values)
    finally:
        torch.set_num_threads(threads)


class _SideBySide(torch.autograd.Function):
    """Keeps one autograd graph per layer, and runs the backward passes of both in parallel."""

    @staticmethod
    def forward(
        ctx: Any, first: nn.Module, second: nn.Module, one: Tensor, two: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        needed = ctx.needs_input_grad
        inputs = one.detach().requires_grad_(needed[2]), two.detach().requires_grad_(needed[3])
        split = len(list(first.parameters()))
        with torch.enable_grad():
            ctx.outputs = _run_both(partial(_apply, first, inputs[0]), partial(_apply, second, inputs[1]))
        ctx.sources = [
            [source for source in (layer_input, *layer_weights) if source.requires_grad]
            for layer_input, layer_weights in zip(inputs, (weights[:split], weights[split:]), strict=True)
        ]
        return ctx.outputs[0].detach(), ctx.outputs[1].detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        by_layer = _run_both(
            *(
                partial(_gradients, output, sources, gradient)
                for output, sources, gradient in zip(ctx.outputs, ctx.sources, gradients, strict=True)
            )
        )
        one, two = ([*layer_gradients] for layer_gradients in by_layer)
        input_gradients = [
            layer_gradients.pop(0) if needed else None
            for layer_gradients, needed in zip((one, two), ctx.needs_input_grad[2:4], strict=True)
        ]
        rest = iter([*one, *two])
        return None, None, *input_gradients, *(next(rest) if needed else None for needed in ctx.needs_input_grad[4:])


def _can_run_in_parallel(values: Tensor) -> bool:
    """Whether two layers can run in parallel on these values."""
    traced = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[attr-defined, no-untyped-call]
    unsupported = traced or torch.is_autocast_enabled("cpu")
    return values.device.type == "cpu" and torch.get_num_threads() > 1 and not unsupported


def _apply(layer: nn.Module, values: Tensor) -> Tensor:
    outputs: Tensor = layer(values)[0]  # torch's layers also return the final state
    return outputs


def _gradients(output: Tensor, sources: list[Tensor], gradient: Tensor) -> tuple[Tensor, ...]:
    if not sources:
        return ()
    return torch.autograd.grad(output, sources, gradient, retain_graph=True)  # allows a second backward pass


def _run_both(here: Callable[[], Any], there: Callable[[], Any]) -> tuple[Any, Any]:
    """Run ``here`` in this thread and ``there`` in a helper thread, each with half of the torch threads."""
    threads, grad, inference = torch.get_num_threads(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    def run_there() -> Any:
        torch.set_num_threads(max(1, threads // 2))
        with torch.inference_mode(inference), torch.set_grad_enabled(grad):
            return there()

    future = _helper(os.getpid()).submit(run_there)
    try:
        torch.set_num_threads(max(1, threads - threads // 2))
        result = here()
    finally:
        try:
            wait([future])  # after an error too, so that nothing keeps running in the background
        finally:
            torch.set_num_threads(threads)  # last, because new threads start with the most recently set number
    return result, future.result()


@cache
def _helper(process: int) -> ThreadPoolExecutor:
    """Return the helper thread of a process; cached per process, because a thread does not survive a fork.

    The helper flushes denormals (numbers below 1e-38) to zero: gradients that vanish over hundreds of steps would
    otherwise take six times as long.
    """
    return ThreadPoolExecutor(1, "limelight", initializer=torch.set_flush_denormal, initargs=(True,))
