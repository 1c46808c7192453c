"""Show figures in the gallery that were drawn without pyplot, as all plots of limelight are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from matplotlib import pyplot
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

SHOWN: WeakSet[Figure] = WeakSet()


def save_drawn_figures(block: tuple[Any, ...], block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save every new figure among the variables of an example; those of pyplot are left to sphinx-gallery."""
    of_pyplot = [pyplot.figure(number) for number in pyplot.get_fignums()]
    names = []
    for value in block_vars["example_globals"].values():
        if isinstance(value, Figure) and value not in SHOWN:
            SHOWN.add(value)
            if value not in of_pyplot:
                names.append(block_vars["image_path_iterator"].next())
                value.savefig(names[-1], dpi=110)
    return str(figure_rst(names, gallery_conf["src_dir"]))


def _get_sg_image_scraper() -> Callable[..., str]:
    """Return the scraper; sphinx-gallery looks for this name."""
    return save_drawn_figures
