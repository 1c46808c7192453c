"""Panels that several tests use, and their values as plain lists."""

from typing import Any

from limelight.data.align import align
from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps

LEARNABLE = {"num_points": 40, "width": 6, "noise": 0.2}
"""Settings of bumps that a small network learns within seconds."""


def bump_panel(n: int, **settings: Any) -> Panel:
    """Return n series with bumps; their mode is a metadata field, or a side signal with ``mode_as="signal"``."""
    panel, modes = generate_bumps(BumpSettings(dataset_size=n, **settings), 0)
    return panel if modes is None else align(panel, modes)


def values_of(panel: Panel) -> list[list[list[float]]]:
    """Return the values of each series as nested lists, shape (series, time, channels)."""
    return [panel.series(row).tolist() for row in range(len(panel))]
