"""The files in ``benchmarks/results``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((HERE / "results" / name).read_text())
    return content
