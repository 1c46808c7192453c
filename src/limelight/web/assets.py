"""Assets: the styles and scripts that the report, the page of the server and the exported page share."""

from __future__ import annotations

import base64
import hashlib
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


def script_digest(script: str) -> str:
    """Return the digest by which the content security policy of a page allows its script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
