"""Axes: one series with its importance as colour behind it, drawn without pyplot and its global state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.explanation.drawing.titles import series_title, shortened, with_unit
from limelight.model.fitted import Prediction, numbered
from limelight.types import Floats

MOST_SERIES = 12
MOST_NAMED_CHANNELS = 6
MOST_DRAWN_STEPS = 1_000
LEGEND_COLUMNS = 3
MOST_LETTERS = 18
SHADES = 512
INK, QUIET, TRUTH = "#1b2733", "#5b6770", "#0b6e99"
# Dark enough to be legible on amber and distinguishable by colour-blind readers: after Okabe and Ito, without orange.
LINES = (INK, "#0072b2", "#a3306f", "#00735a", "#5d4fa3", "#7a4a12")
GLOW = LinearSegmentedColormap.from_list("limelight", ["#ffffff", "#fff0c9", "#ffd778", "#f9b233", "#ef9500"])
# Orange is evidence for the class, purple against it, distinguishable with any colour blindness (ColorBrewer's PuOr).
DIVERGING = LinearSegmentedColormap.from_list(
    "limelight_signed", ["#7b6bb5", "#a99fd2", "#dcd8ec", "#ffffff", "#fff0c9", "#fbc45c", "#ef9500"]
)
# Uniform attention must look faint: the darkest shade is the peak, but at least this many times the mean.
LEAST_PEAK = 3.0
DIFFERENT_SCALES = 10.0


class Drawable(Protocol):
    """The part of an ``Explanation`` that figures read.

    A protocol, because ``Explanation`` itself imports this package for its ``plot``.
    """

    @property
    def panel(self) -> Panel:
        """The n series."""

    @property
    def prediction(self) -> Prediction:
        """The predictions for these series."""

    @property
    def importance(self) -> list[Floats]:
        """The importance of each step, shape (time,) for each series."""

    @property
    def signed(self) -> bool:
        """Whether negative importance is evidence against the target."""

    @property
    def target(self) -> NDArray[Any] | None:
        """The explained class or label of each series, shape (n,), or None."""

    @property
    def channels(self) -> list[Floats] | None:
        """The importance of each step and channel, shape (time, channels) for each series, or None."""

    @property
    def fields(self) -> Mapping[str, Floats]:
        """The importance of each metadata field and signal by its name, shape (n,) each."""

    def __len__(self) -> int: ...


def draw_series(
    ax: Axes,
    panel: Panel,
    row: int,
    importance: Floats | None = None,
    prediction: Prediction | None = None,
    *,
    signed: bool = False,
) -> None:
    """Draw one series with its importance as colour behind it and, if known, the true interval at the bottom.

    Missing values are gaps in the lines; a known value between two gaps is a dot.

    Parameters
    ----------
    ax
        The axes to draw into.
    panel
        The panel that contains the series.
    row
        The row of the series in the panel and in the prediction.
    importance
        The importance of each time step of this series, shape (time,); None draws no colour.
    prediction
        Predictions for all series of the panel, shown in the title; None omits them.
    signed
        Whether the importance is evidence for or, if negative, against a class, rather than a weight.

    Example
    -------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> panel = Panel.from_series([[1.0, 5.0, 1.0]], ids=["pump"], labels=["fault"])
    >>> draw_series(ax, panel, 0, np.array([0.1, 0.8, 0.1]))
    >>> ax.get_title(loc="left")
    'pump | true: fault'
    """
    clock, kind = time_axis(panel, row)
    values, scaled = _comparable(panel.series(row))
    handles = _draw_lines(ax, clock, values, _channel_names(panel, scaled))
    low, high = _limits(values)
    left, right = _ends(clock)
    if importance is not None:
        draw_colours(ax, clock, np.asarray(importance, dtype=np.float64), (left, right, low, high), signed=signed)
    handles += _draw_interval(ax, panel, row, clock)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    _style_axes(ax, panel, kind, scaled)
    title = series_title(panel, row, prediction)
    ax.set_title(title, loc="left", fontsize=10, color=INK, pad=title_pad(len(handles)), parse_math=False)
    if handles:
        lines, names = zip(*handles, strict=True)
        add_legend(ax, lines, names)


def draw_colours(
    ax: Axes,
    clock: Floats,
    importance: Floats,
    extent: tuple[float, float, float, float],
    *,
    signed: bool,
    peak: float | None = None,
) -> Any:
    """Draw the importance of each step as colour behind a line.

    Parameters
    ----------
    ax
        The axes to draw into.
    clock
        The time of each step, increasing, shape (time,).
    importance
        The importance of each step, shape (time,).
    extent
        Left, right, lower and upper limit of the coloured area.
    signed
        As for ``draw_series``.
    peak
        The importance with the darkest colour; None takes the largest, but for weights at least three times their mean.

    Returns
    -------
    matplotlib.image.AxesImage
        The image, for a colour bar.
    """
    largest = float(np.abs(importance).max(initial=0.0))
    if peak is None:
        peak = largest if signed else max(largest, LEAST_PEAK / len(importance))
    peak = peak or 1.0
    shades = _shades(clock, importance, extent[0], extent[1])
    return ax.imshow(
        shades[None, :],
        extent=extent,
        aspect="auto",
        cmap=DIVERGING if signed else GLOW,
        vmin=-peak if signed else 0.0,
        vmax=peak,
        interpolation="bilinear",
        zorder=0,
    )


def legend_rows(entries: int) -> int:
    """Return the number of lines of a legend above the axes."""
    return math.ceil(entries / LEGEND_COLUMNS)


def title_pad(entries: int) -> float:
    """Return the padding, in points, between axes and title that leaves room for a legend with this many entries."""
    return 6.0 + 13.0 * legend_rows(entries)


def add_legend(ax: Axes, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Add a legend above the axes with the names unchanged."""
    # The names are set afterwards: matplotlib drops names that begin with "_" and parses "$" as a formula.
    legend = ax.legend(
        handles,
        ["x" * min(len(name), MOST_LETTERS) for name in names],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(len(names), LEGEND_COLUMNS),
        fontsize=8,
        frameon=False,
        borderaxespad=0.4,
        borderpad=0.0,
        labelspacing=0.3,
        handlelength=1.4,
        columnspacing=1.4,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(shortened(name, MOST_LETTERS))
        text.set_color(QUIET)


def time_axis(panel: Panel, row: int) -> tuple[Floats, str]:
    """Return an increasing time axis and its kind: ``"dates"``, ``"time"``, or ``"step"`` if no time is usable."""
    times = panel.clock(row)
    dates = times.dtype.kind == "M"
    numbers = np.asarray(
        date2num(times) if dates else times,  # type: ignore[no-untyped-call]
        dtype=np.float64,
    )
    if panel.times is not None and np.isfinite(numbers).all() and (np.diff(numbers) > 0).all():
        return numbers, "dates" if dates else "time"
    return np.arange(len(times), dtype=np.float64), "step"


def _range(values: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest known value of each channel, NaN for a channel without known values."""
    return np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)


def _comparable(measured: NDArray[np.floating[Any]]) -> tuple[Floats, bool]:
    """Scale channels of very different ranges to 0 to 1; also return whether they were scaled."""
    values = measured.astype(np.float64)
    low, high = _range(values)
    spread = high - low
    moving = spread[spread > 0]
    if len(moving) < 2 or moving.max() <= DIFFERENT_SCALES * moving.min():
        return values, False
    return (values - low) / np.where(spread > 0, spread, 1.0), True


def _draw_lines(ax: Axes, clock: Floats, values: Floats, names: Sequence[str]) -> list[tuple[Any, str]]:
    named = len(names) <= MOST_NAMED_CHANNELS
    width = 1.4 if len(names) == 1 else 1.1
    handles = []
    for place, name in enumerate(names):
        if np.isnan(values[:, place]).all():
            continue
        keep = _outline(values[:, place])
        drawn = values[keep, place]
        style: dict[str, Any] = (
            {"color": LINES[place], "lw": width} if named else {"color": INK, "lw": 0.7, "alpha": 0.55}
        )
        if dots := _isolated(drawn):
            style |= {"marker": "o", "markevery": dots, "ms": 4}
        (line,) = ax.plot(clock[keep], drawn, zorder=3, **style)
        handles.append((line, name))
    return handles if named and len(names) > 1 else []


def _isolated(values: Floats) -> list[int]:
    """Find the values that a line would not show because both neighbours are missing."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    places: list[int] = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()
    return places


def _outline(values: Floats) -> NDArray[np.int64]:
    """Choose the steps to draw: all of a short series; the lowest and highest of each stretch of a long series."""
    if len(values) <= MOST_DRAWN_STEPS:
        return np.arange(len(values))
    borders = np.linspace(0, len(values), MOST_DRAWN_STEPS // 2 + 1).astype(np.int64)
    # A missing value is never lowest or highest, so only a stretch without known values becomes a gap.
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    kept = [
        start + place
        for start, stop in pairwise(borders)
        for place in (np.argmin(low[start:stop]), np.argmax(high[start:stop]))
    ]
    return np.unique([0, *kept, len(values) - 1])


def _shades(clock: Floats, importance: Floats, left: float, right: float) -> Floats:
    """Interpolate the importance on a regular grid that keeps irregular times in place and the peaks of long series."""
    grid = np.linspace(left, right, SHADES)
    if len(clock) <= SHADES:
        return np.interp(grid, clock, importance)
    place = ((clock - left) / (right - left) * (SHADES - 1)).round().astype(np.int64)
    highest, lowest = np.interp(grid, clock, importance), np.interp(grid, clock, importance)
    np.maximum.at(highest, place, importance)
    np.minimum.at(lowest, place, importance)
    shades: Floats = np.where(-lowest > highest, lowest, highest)
    return shades


def _draw_interval(ax: Axes, panel: Panel, row: int, clock: Floats) -> list[tuple[Any, str]]:
    if panel.intervals is None:
        return []
    start, stop = panel.intervals[row].tolist()
    if not 0 <= start < stop or start >= len(clock):
        return []
    ends = clock[start], clock[min(stop, len(clock)) - 1]
    across = ax.get_xaxis_transform()
    ax.plot(ends, (0.025, 0.025), color=TRUTH, lw=4, solid_capstyle="butt", transform=across, zorder=4)
    for end in ends:
        ax.plot((end, end), (0.0, 0.09), color=TRUTH, lw=1.4, transform=across, zorder=4)
    return [(Line2D([], [], color=TRUTH, lw=4), "true interval")]


def _limits(values: Floats) -> tuple[float, float]:
    low, high = (float(end) for end in _range(values.reshape(-1)))
    if math.isnan(low):
        return 0.0, 1.0
    room = (high - low) or abs(high) or 1.0
    return low - 0.14 * room, high + 0.08 * room


def _channel_names(panel: Panel, scaled: bool) -> list[str]:
    """Return the channel names for the legend, with units unless the channels are scaled."""
    if scaled:
        return list(panel.channels)
    return [with_unit(name, panel.units.get(name), MOST_LETTERS) for name in panel.channels]


def _values_name(panel: Panel, scaled: bool) -> str:
    units = {panel.units.get(name) for name in panel.channels}
    if len(panel.channels) > 1:
        name = f"{len(panel.channels)} channels"
    else:
        name = "value" if numbered(panel.channels) else panel.channels[0]
    if scaled:
        return f"{name}, rescaled"
    return with_unit(name, units.pop() if len(units) == 1 else None)


def _style_axes(ax: Axes, panel: Panel, kind: str, scaled: bool) -> None:
    ax.ticklabel_format(axis="y", scilimits=(-3, 4))
    ax.set_ylabel(_values_name(panel, scaled), fontsize=9, color=QUIET, parse_math=False)
    _style_spines(ax)
    _label_time_axis(ax, panel, kind)


def _style_spines(ax: Axes) -> None:
    ax.tick_params(labelsize=8.5, colors=QUIET, length=3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#b9c2c9")


def _label_time_axis(ax: Axes, panel: Panel, kind: str) -> None:
    if kind == "dates":
        locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_formatter(formatter)
    axis = with_unit("time", panel.units.get("time")) if kind == "time" else "time" if kind == "dates" else "step"
    ax.set_xlabel(axis, fontsize=9, color=QUIET, loc="left", parse_math=False)


def style_time_axis(ax: Axes, panel: Panel, row: int) -> None:
    """Label the horizontal axis with the kind of time of a series and its unit."""
    clock, kind = time_axis(panel, row)
    _style_spines(ax)
    ax.set_xlim(*_ends(clock))
    _label_time_axis(ax, panel, kind)


def draw_channel(
    ax: Axes, panel: Panel, row: int, channel: int, importance: Floats, *, signed: bool, peak: float
) -> Any:
    """Draw one channel of a series, in its unit, with its importance as colour behind it.

    Parameters
    ----------
    ax, panel, row, signed, peak
        As for ``draw_series`` and ``draw_colours``.
    channel
        The index of the channel.
    importance
        The importance of each step of this channel, shape (time,).

    Returns
    -------
    matplotlib.image.AxesImage
        The image, for a colour bar.
    """
    clock, _ = time_axis(panel, row)
    values = panel.series(row)[:, [channel]].astype(np.float64)
    name = panel.channels[channel]
    _draw_lines(ax, clock, values, [name])
    low, high = _limits(values)
    left, right = _ends(clock)
    image = draw_colours(ax, clock, importance, (left, right, low, high), signed=signed, peak=peak)
    _draw_interval(ax, panel, row, clock)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    _style_spines(ax)
    ax.ticklabel_format(axis="y", scilimits=(-3, 4))
    ax.locator_params(axis="y", nbins=4)
    ax.set_ylabel(with_unit(name, panel.units.get(name), 16), fontsize=8.5, color=QUIET, parse_math=False)
    return image


def _ends(clock: Floats) -> tuple[float, float]:
    return (clock[0], clock[-1]) if clock[-1] > clock[0] else (clock[0] - 0.5, clock[0] + 0.5)
