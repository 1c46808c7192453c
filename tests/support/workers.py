"""Functions for worker processes, which import them: calls that end their process or raise an error."""

import os
import signal
from pathlib import Path

from limelight.errors import DataError


def die_once(marker: Path, number: int, at: int = 3) -> int:
    """Return a number, but end the process at the first call with one of them."""
    if number == at and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int) -> int:
    """End the process, whatever the number."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse(number: int) -> int:
    """Raise an error of limelight from the third call on."""
    if number >= 3:
        raise DataError(f"expected a number below 3, got {number}; use a smaller one")
    return number
