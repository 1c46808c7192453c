"""The content of a matplotlib figure."""

import io

from matplotlib.figure import Figure


def svg_of(figure: Figure) -> str:
    """Return the figure as SVG text."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg")
    return stream.getvalue().decode()
