"""Assets: the styles and scripts that the report, the page of the server and the exported page share."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

HERE_ASSETS = Path(__file__).parent


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


def fill_page(name: str, styles: Sequence[str], scripts: Sequence[str]) -> tuple[str, str]:
    """Fill the style and the script of a page in.

    Parameters
    ----------
    name
        Name of the page, a file of this folder with the marks ``<!-- style -->`` and ``<!-- script -->``.
    styles, scripts
        Names of files.

    Returns
    -------
    tuple[str, str]
        The page, and the digest of its script.
    """
    script = read_assets(*scripts)
    page = read_assets(name).replace("<!-- style -->", read_assets(*styles)).replace("<!-- script -->", script)
    return page, script_digest(script)


def script_digest(script: str) -> str:
    """Return the digest by which the content security policy of a page allows its script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
