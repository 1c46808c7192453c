"""Tables with the values of all channels in one column, and the names of the channels in another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from limelight.data.reading.names import plain_name
from limelight.errors import DataError, listing

MEASURED = (
    "value", "values", "val", "reading", "measurement", "measured_value",
    "wert", "messwert", "valeur", "mesure", "valor", "medida",
)  # fmt: skip
NAMED_CHANNELS = (
    "variable", "variable_name", "channel", "channel_name", "sensor", "sensor_id", "sensor_name", "signal", "parameter",
    "metric", "tag", "tag_name", "quantity", "attribute", "feature", "axis",
    "kanal", "messgroesse", "messgrosse", "groesse", "grosse", "signalname", "capteur", "grandeur", "canal", "magnitud",
)  # fmt: skip
"""Names of the two columns, as ``plain_name`` writes them."""


def reject_melted(table: str, channels: Sequence[str], signals: Mapping[str, Collection[str]]) -> None:
    """Raise DataError if the only channel and the only signal are named as values and as names of channels.

    Parameters
    ----------
    table
        The name of the table in messages.
    channels
        The channels.
    signals
        The words of each column of text that changes within a series.
    """
    if len(channels) != 1 or len(signals) != 1:
        return
    column, words = next(iter(signals.items()))
    if plain_name(channels[0]) in MEASURED and plain_name(column) in NAMED_CHANNELS and len(words) > 1:
        raise DataError(describe_melted(table, channels[0], column, words))


def describe_melted(table: str, values: str, column: str, words: Collection[str]) -> str:
    """Return the error about a table with the values of all channels in one column.

    Example
    -------
    >>> describe_melted("'x.csv'", "value", "sensor", ["force", "speed"])
    "expected a column for each channel in 'x.csv', got their values in 'value' below each other and their names in \
'sensor'; write a column for each of 'force', 'speed', as pivot of pandas does"
    """
    return (
        f"expected a column for each channel in {table}, got their values in {values!r} below each other and their "
        f"names in {column!r}; write a column for each of {listing(words)}, as pivot of pandas does"
    )
