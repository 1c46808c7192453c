"""Conversions of units that explain why the values of a channel differ from those in training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conversion:
    """A change of unit: new value = factor · value in training + offset.

    Parameters
    ----------
    factor, offset
        Of the change; the factor is not 0.
    meaning
        The change in words, as in "looks like ...".

    Example
    -------
    >>> fahrenheit = next(one for one in CONVERSIONS if one.offset == 32)
    >>> fahrenheit.factor * 100 + fahrenheit.offset
    212.0
    """

    factor: float
    offset: float
    meaning: str


def _both_ways(factor: float, large: str, small: str) -> list[Conversion]:
    """Return the change to the smaller unit, with larger numbers, and back."""
    return [
        Conversion(factor, 0.0, f"{small} instead of {large} (times {factor:g})"),
        Conversion(1 / factor, 0.0, f"{large} instead of {small} (divided by {factor:g})"),
    ]


CONVERSIONS = (
    Conversion(1.8, 32.0, "°F instead of °C"),
    Conversion(1 / 1.8, -32 / 1.8, "°C instead of °F"),
    Conversion(1.0, 273.15, "K instead of °C"),
    Conversion(1.0, -273.15, "°C instead of K"),
    Conversion(-1.0, 0.0, "an inverted sign"),
    *_both_ways(9.80665, "g", "m/s²"),
    *_both_ways(1000.0, "a unit such as V", "one such as mV"),
    *_both_ways(1e6, "a unit such as V", "one such as µV"),
    *_both_ways(100.0, "shares or m", "% or cm"),
    *_both_ways(10.0, "a unit such as cm", "one such as mm"),
    *_both_ways(60.0, "a unit such as min", "one such as s"),
    *_both_ways(3.6, "m/s", "km/h"),
    *_both_ways(1.609344, "mph or miles", "km/h or km"),
    *_both_ways(25.4, "inches", "mm"),
    *_both_ways(3.28084, "m", "feet"),
    *_both_ways(2.20462, "kg", "pounds"),
    *_both_ways(57.29578, "rad", "degrees"),
    *_both_ways(14.50377, "bar", "psi"),
    *_both_ways(4.184, "cal", "J"),
)
"""Known changes of unit, tried in this order."""
