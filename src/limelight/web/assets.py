"""Assets: the styles and scripts that the report, the page of the server and the exported page share."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

HERE_ASSETS = Path(__file__).parent
FRAME_FILE = "frame.html"
PART_OF_FRAME = re.compile(r"^<!-- part (\w+) -->\n", flags=re.MULTILINE)
"""A line of the frame in whose place a page has lines of its own, which follow the same line in its file."""


def read_assets(*names: str) -> str:
    """Read files of this folder, one after the other.

    Parameters
    ----------
    *names
        Names of files, for example ``"base.css"``.

    Returns
    -------
    str
        Their content.

    Example
    -------
    >>> read_assets("theme.js").startswith('"use strict"')
    True
    """
    return "\n".join((HERE_ASSETS / name).read_text(encoding="utf-8") for name in names)


def read_page(name: str) -> str:
    """Read a page for series: the frame that all of them share, with what is its own.

    Parameters
    ----------
    name
        Name of the page, a file of this folder with parts of the frame; those that it lacks are empty.

    Returns
    -------
    str
        The page, with marks such as ``<!-- style -->``.

    Example
    -------
    >>> page = read_page("serve.html")
    >>> page.startswith("<!doctype html>"), "<!-- part" in page
    (True, False)
    """
    _, *parts = PART_OF_FRAME.split(read_assets(name))
    own = dict(zip(parts[::2], parts[1::2], strict=True))
    return PART_OF_FRAME.sub(lambda mark: own.get(mark[1], ""), read_assets(FRAME_FILE))


def fill_page(name: str, styles: Sequence[str], scripts: Sequence[str]) -> tuple[str, str]:
    """Fill the style and the script of a page in.

    Parameters
    ----------
    name
        Name of the page, see ``read_page``.
    styles, scripts
        Names of files.

    Returns
    -------
    tuple[str, str]
        The page, and the digest of its script.
    """
    script = read_assets(*scripts)
    page = read_page(name).replace("<!-- style -->", read_assets(*styles)).replace("<!-- script -->", script)
    return page, script_digest(script)


def script_digest(script: str) -> str:
    """Return the digest by which the content security policy of a page allows its script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
