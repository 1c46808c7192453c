"""Features of fixed convolutions over the last steps of a stream, carried from step to step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from limelight.nn.blocks import DifferencesOf
from limelight.nn.fixed_features import TAPS
from limelight.nn.hydra import RIVALS, WEIGHT_BITS, HydraBlock
from limelight.nn.rocket import KERNELS, RocketEncoder
from limelight.streaming.tap_window import (
    BEFORE_ZEROED_CENTRE,
    CENTRE,
    ENTRIES,
    MINUS,
    NEW_CENTRE,
    PLUS,
    ZEROED_CENTRE,
    TapWindow,
)
from limelight.types import Doubles

Singles = NDArray[np.float32]
MOST_SLIDING_CHANNELS = 64
"""Kernels of more channels are not unrolled into one matrix for each dilation."""


class SlidingFeatures(Protocol):
    """Features of the last steps of a stream."""

    def another(self) -> SlidingFeatures:
        """Return the same features for another stream; what does not change with the steps is shared."""

    def restart(self, steps: Singles) -> None:
        """Compute what is carried from all steps of the window, shape (steps, channels)."""

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Update what is carried for a window whose last step is new, and whose first was dropped if ``dropped``."""

    def features(self, steps: Singles) -> Singles:
        """Return the features of the window, shape (width,)."""


def sliding_features(block: Any, window: int) -> SlidingFeatures:
    """Build what carries the features of a block over a window.

    Parameters
    ----------
    block
        A block of fixed features. Those of ``SLIDING`` are carried; others compute their features anew at every step.
    window
        The most steps in the window, at least 2.
    """
    build = SLIDING.get(type(block))
    return ComputedAnew(block) if build is None else build(block, window)


def can_slide(block: Any) -> bool:
    """Whether a block, if its features are carried, evaluates kernels at every step and reads few channels."""
    own = getattr(block, "block", block)  # what reads the differences between steps
    if type(own) not in SLIDING:
        return True
    strides = own.strides if hasattr(own, "strides") else [one.stride for one in own.plan]
    return own.reads.shape[-1] <= MOST_SLIDING_CHANNELS and set(strides) == {1}


class ComputedAnew:
    """Features that every step computes from the whole window.

    Parameters
    ----------
    block
        Any block of features.
    """

    def __init__(self, block: Any) -> None:
        self.block = block

    def another(self) -> ComputedAnew:
        """Return the features themselves, which carry nothing."""
        return self

    def restart(self, steps: Singles) -> None:
        """Carry nothing."""

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Carry nothing."""

    def features(self, steps: Singles) -> Singles:
        """Return the features of the window, shape (width,)."""
        values = torch.from_numpy(steps)[None]
        found: Singles = self.block(values, torch.ones(values.shape[:2], dtype=torch.bool))[0].numpy()
        return found


class SlidingRocket:
    """The counts of a ``RocketEncoder`` over the last steps.

    Parameters
    ----------
    block
        A fitted block that evaluates kernels at every step.
    window
        The most steps in the window, at least 2.
    differences
        Whether the block reads differences between steps, of which the first is 0.
    """

    def __init__(self, block: RocketEncoder, window: int, *, differences: bool = False) -> None:
        self.block, self.differences = block, differences
        weights = block.taps[:, :, None].numpy() * block.reads[:, :, None, :].numpy()
        by_tap = weights.reshape(len(block.plan), KERNELS, -1).transpose(0, 2, 1)
        self._taps = TapWindow([one.step for one in block.plan], by_tap, window, differences)
        each = [np.repeat(np.arange(KERNELS), one.thresholds) for one in block.plan]
        self._place = np.repeat(np.arange(len(block.plan)), [len(kernels) for kernels in each])
        kernels = np.concatenate(each)
        self._row, self._within = self._place * KERNELS + kernels, (kernels + self._place) % 2 == 1
        self._reach = np.array([one.reach for one in block.plan])
        self._thresholds = block.thresholds.numpy()
        self._grouped: dict[int, tuple[list[Any], list[Any], list[Any]]] = {}
        self._counts = np.zeros(block.width, dtype=np.int32)
        self._exponent, self._fits = 0, self._reach < 0
        self._group(0)

    def another(self) -> SlidingRocket:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._taps = self._taps.another()
        return new

    def _group(self, length: int) -> None:
        """Separate the features that count kernels within the window from those that count every position."""
        self._fits = length > 2 * self._reach
        key = int(self._fits.sum())
        if key not in self._grouped:
            inner = self._within & self._fits[self._place]
            groups = [np.flatnonzero(one) for one in (~inner, inner)]
            self._grouped[key] = (
                groups,
                [self._row[one] for one in groups],
                [self._thresholds[one] for one in groups],
            )
        self._groups, self._rows, self._limits = self._grouped[key]

    def _read(self, steps: Singles) -> Singles:
        return np.diff(steps, axis=0, prepend=steps[:1]) if self.differences else steps

    def restart(self, steps: Singles) -> None:
        """Count over the whole window."""
        read = self._read(steps)
        self._exponent = exponent_of(read)
        self._taps.restart(to_grid(read, self._exponent, self.block.bits))
        self._group(len(steps))
        self._counts = self.block.counts_of_one(torch.from_numpy(read)).numpy().astype(np.int32)

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Count what the new step adds and the dropped one takes away; count anew if the grid of values changes."""
        read = self._read(steps)
        if exponent_of(read) != self._exponent:
            self.restart(steps)
            return
        outputs = self._taps.advance(to_grid(read[-1], self._exponent, self.block.bits), dropped)
        fitted = self._fits
        if (fits := len(steps) > 2 * self._reach).sum() > fitted.sum():
            self._group(len(steps))
            started = self._within & (fits & ~fitted)[self._place]
            self._counts[started] = 0  # from now on only positions at which the kernel lies within the window count
        flat = outputs.reshape(ENTRIES, -1)
        self._count_every(flat)
        self._count_within(flat, dropped)

    def _count_every(self, outputs: Singles) -> None:
        above = (outputs[: MINUS.stop].take(self._rows[0], axis=1) > self._limits[0]).view(np.uint8)
        more, fewer = (np.add.reduce(above[entries], axis=0, dtype=np.uint8) for entries in (PLUS, MINUS))
        self._counts[self._groups[0]] += more.astype(np.int32) - fewer

    def _count_within(self, outputs: Singles, dropped: bool) -> None:
        rows, limits = self._rows[1], self._limits[1]
        change = (outputs[NEW_CENTRE].take(rows) > limits).astype(np.int32)
        if dropped:
            change -= outputs[CENTRE].take(rows) > limits
        if dropped and self.differences:
            change += outputs[ZEROED_CENTRE].take(rows) > limits
            change -= outputs[BEFORE_ZEROED_CENTRE].take(rows) > limits
        self._counts[self._groups[1]] += change

    def features(self, steps: Singles) -> Singles:
        """Return the share of counted positions at which each kernel is above each threshold, shape (width,)."""
        totals = np.full(len(self._counts), len(steps), dtype=np.float32)
        inner = self._groups[1]
        totals[inner] -= 2 * self._reach[self._place[inner]]
        return self._counts.astype(np.float32) / totals


class SlidingHydra:
    """The sums of a ``HydraBlock`` over the last steps.

    Parameters
    ----------
    block
        A fitted block that evaluates kernels at every step.
    window
        The most steps in the window, at least 2.
    """

    def __init__(self, block: HydraBlock, window: int) -> None:
        self.block = block
        kernels = block.kernels.numpy().astype(np.float32) / 2**WEIGHT_BITS
        weights = kernels[..., None] * block.reads.numpy()[:, :, :, None, None, :]
        rivals_first = weights.swapaxes(2, 3)  # the largest of a group is found fastest across rows
        shape = (2, len(block.dilations), RIVALS * block.groups, TAPS * weights.shape[-1])
        by_tap = rivals_first.reshape(shape).swapaxes(2, 3)
        self._taps = [TapWindow(block.dilations, own, window, differences=False) for own in by_tap]
        self._sums = np.zeros((2, len(block.dilations), block.groups, 2, RIVALS))
        self._exponent = 0
        signs = np.zeros(ENTRIES, dtype=np.float32)
        signs[PLUS], signs[MINUS] = 1, -1
        self._signs = signs[: MINUS.stop, None, None, None]

    def another(self) -> SlidingHydra:
        """Return the same features for another stream, to be restarted."""
        new = copy.copy(self)
        new._taps = [taps.another() for taps in self._taps]
        return new

    def restart(self, steps: Singles) -> None:
        """Sum over the whole window."""
        self._exponent = exponent_of(steps)
        values = to_grid(steps, self._exponent, self.block.bits)
        for taps, read in zip(self._taps, (values, np.diff(values, axis=0)), strict=True):
            taps.restart(read)
        self._sums = self.block.sums_of_one(torch.from_numpy(steps)).numpy()

    def advance(self, steps: Singles, dropped: bool) -> None:
        """Add what changes with the new step and without the dropped one; sum anew if the grid of values changes."""
        if exponent_of(steps) != self._exponent:
            self.restart(steps)
            return
        last = to_grid(steps[-2:], self._exponent, self.block.bits)
        for place, value in enumerate((last[-1], last[-1] - last[0])):
            if place == 0 or len(steps) > 1:
                self._sums[place] += self._change(self._taps[place].advance(value, dropped))

    def _change(self, outputs: Singles) -> Doubles:
        """Return what the outputs of changed positions add to the sums, shape (dilations, groups, 2, rivals)."""
        entries = outputs[: MINUS.stop].reshape(MINUS.stop, len(outputs[0]), RIVALS, -1)
        top, low = entries.max(axis=2, keepdims=True), entries.min(axis=2, keepdims=True)
        exist = np.isfinite(top)
        signed_top = np.where(exist, top, 0) * self._signs.astype(np.float64)
        wins = np.where(entries == top, signed_top, 0).sum(axis=0)
        loses = np.where(entries == low, np.where(exist, self._signs, np.float32(0)), np.float32(0)).sum(axis=0)
        return np.stack([wins, loses], axis=1).transpose(0, 3, 1, 2)

    def features(self, steps: Singles) -> Singles:
        """Return the mean output where each kernel wins and the share of positions where it loses, shape (width,)."""
        return (self._sums / len(steps)).astype(np.float32).reshape(-1)


SLIDING: Mapping[type, Callable[[Any, int], SlidingFeatures]] = MappingProxyType(
    {
        RocketEncoder: SlidingRocket,
        DifferencesOf: lambda block, window: SlidingRocket(block.block, window, differences=True),
        HydraBlock: SlidingHydra,
    }
)
"""How the features of a block are carried, by its class."""


def exponent_of(values: Singles) -> int:
    """Return the exponent of the largest absolute value, as ``on_grid`` does, at least -90.

    Example
    -------
    >>> exponent_of(np.array([0.7, -5.0], dtype=np.float32))
    3
    """
    return max(-90, int(np.frexp(np.abs(values).max())[1]))


def to_grid(values: Singles, exponent: int, bits: int) -> Singles:
    """Round values to the grid of an exponent, as ``on_grid`` does.

    Example
    -------
    >>> to_grid(np.array([0.7, 0.2], dtype=np.float32), 0, 2).tolist()
    [0.75, 0.25]
    """
    step = np.float32(2.0 ** (exponent - bits))
    rounded: Singles = np.round(values / step) * step
    return rounded
