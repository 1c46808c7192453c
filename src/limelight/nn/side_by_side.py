"""Two recurrent layers, or one on both halves of a batch, at the same time, each on half of the threads.

torch steps through time with one small product after another, and a second thread has next to nothing to do in it. The
two directions of a layer do not wait for each other, nor does one series for another, so each gets threads of its own.
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
    two: Float[Tensor, "others time width"],
) -> tuple[Float[Tensor, "batch time hidden"], Float[Tensor, "others time hidden"]]:
    """Read ``one`` with the first layer and ``two`` with the second, at the same time where that is possible.

    It is on a CPU with at least two threads, outside of tracing and of automatic precision. The numbers are the same
    either way.

    Parameters
    ----------
    first, second
        Layers of torch such as ``nn.LSTM(..., batch_first=True)``; they may be the same.
    one, two
        What each of them reads, shapes (batch, time, width) and (others, time, width).

    Returns
    -------
    tuple[Tensor, Tensor]
        All outputs of each layer, shapes (batch, time, hidden) and (others, time, hidden).

    Example
    -------
    >>> ahead, back = nn.LSTM(1, 4, batch_first=True), nn.LSTM(1, 4, batch_first=True)
    >>> outputs = side_by_side(ahead, back, torch.zeros(2, 10, 1), torch.zeros(2, 10, 1))
    >>> outputs[0].shape, outputs[1].shape
    (torch.Size([2, 10, 4]), torch.Size([2, 10, 4]))
    """
    if not _possible(one):
        return first(one)[0], second(two)[0]
    if not torch.is_grad_enabled():
        answers: tuple[Tensor, Tensor] = _both(partial(_read, first, one), partial(_read, second, two))
        return answers
    weights = [*first.parameters(), *second.parameters()]
    outputs: tuple[Tensor, Tensor] = _SideBySide.apply(first, second, one, two, *weights)  # type: ignore[no-untyped-call]
    return outputs


def in_halves(layer: nn.Module, values: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time hidden"]:
    """Read a batch with one layer, its halves at the same time where that is possible; a single series on one thread.

    Parameters
    ----------
    layer, values
        As for ``side_by_side``.

    Returns
    -------
    Tensor
        All outputs, shape (batch, time, hidden).

    Example
    -------
    >>> in_halves(nn.LSTM(1, 4, batch_first=True), torch.zeros(3, 10, 1)).shape
    torch.Size([3, 10, 4])
    """
    if not _possible(values):
        return _read(layer, values)
    if len(values) > 1:
        return torch.cat(side_by_side(layer, layer, *values.tensor_split(2)))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        return _read(layer, values)
    finally:
        torch.set_num_threads(threads)


class _SideBySide(torch.autograd.Function):
    """Keeps a graph for each layer, and goes back through both at the same time."""

    @staticmethod
    def forward(
        ctx: Any, first: nn.Module, second: nn.Module, one: Tensor, two: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        wanted = ctx.needs_input_grad
        inputs = one.detach().requires_grad_(wanted[2]), two.detach().requires_grad_(wanted[3])
        split = len(list(first.parameters()))
        own = [
            (given, *(weight for weight in of if weight.requires_grad))
            for given, of in zip(inputs, (weights[:split], weights[split:]), strict=True)
        ]
        with torch.enable_grad():
            ctx.outputs = _both(partial(_read, first, inputs[0]), partial(_read, second, inputs[1]))
        ctx.sources = [[source for source in of if source.requires_grad] for of in own]
        return ctx.outputs[0].detach(), ctx.outputs[1].detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        found = _both(
            *(
                partial(_gradients, output, sources, gradient)
                for output, sources, gradient in zip(ctx.outputs, ctx.sources, gradients, strict=True)
            )
        )
        one, two = ([*of] for of in found)
        of_inputs = [
            of.pop(0) if wanted else None for of, wanted in zip((one, two), ctx.needs_input_grad[2:4], strict=True)
        ]
        rest = iter([*one, *two])
        return None, None, *of_inputs, *(next(rest) if wanted else None for wanted in ctx.needs_input_grad[4:])


def _possible(values: Tensor) -> bool:
    """Whether two layers can run at the same time."""
    traced = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[attr-defined, no-untyped-call]
    busy = traced or torch.is_autocast_enabled("cpu")
    return values.device.type == "cpu" and torch.get_num_threads() > 1 and not busy


def _read(layer: nn.Module, values: Tensor) -> Tensor:
    outputs: Tensor = layer(values)[0]  # torch's layers also give the last state
    return outputs


def _gradients(output: Tensor, sources: list[Tensor], gradient: Tensor) -> tuple[Tensor, ...]:
    if not sources:
        return ()
    return torch.autograd.grad(output, sources, gradient, retain_graph=True)  # whoever asks twice is answered twice


def _both(here: Callable[[], Any], there: Callable[[], Any]) -> tuple[Any, Any]:
    """Do the one in this thread and the other in a helper, each with half of the threads."""
    threads, grad, inference = torch.get_num_threads(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    def help_out() -> Any:
        torch.set_num_threads(max(1, threads // 2))
        with torch.inference_mode(inference), torch.set_grad_enabled(grad):
            return there()

    helped = _helper(os.getpid()).submit(help_out)
    try:
        torch.set_num_threads(max(1, threads - threads // 2))
        mine = here()
    finally:
        try:
            wait([helped])  # after an error too: nothing goes on behind the caller's back
        finally:
            torch.set_num_threads(threads)  # last, as new threads start with the number that was set last in any
    return mine, helped.result()


@cache
def _helper(process: int) -> ThreadPoolExecutor:
    """Return the helper thread of this process; one created before a fork cannot be used after it.

    Numbers below 1e-38 are zero in it: a gradient that fades over hundreds of steps would else take six times as long.
    """
    return ThreadPoolExecutor(1, "limelight", initializer=torch.set_flush_denormal, initargs=(True,))
