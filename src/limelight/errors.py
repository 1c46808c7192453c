"""Every error that limelight raises on purpose.

    LimelightError
    ├── InputError (ValueError)        the user's mistake: one sentence, exit code 2
    │   ├── DataError                  a file, table or array does not hold what it should
    │   ├── LabelError                 labels that no model can learn from
    │   ├── ParameterError             an experiment file or a constructor says something impossible
    │   ├── ModelFolderError           a saved model that is damaged, foreign or too new
    │   └── OutputError                the place to write to is taken or cannot be written
    └── InternalError (RuntimeError)   our mistake: exit code 1

A message says what was expected, what came, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LimelightError(Exception):
    """Anything that limelight raises on purpose."""


class InputError(LimelightError, ValueError):
    """The user gave something that cannot work; the message says what to change."""


class DataError(InputError):
    """A file, table or array does not hold what it should."""


class LabelError(InputError):
    """The labels are such that no model can learn from them."""


class ParameterError(InputError):
    """An experiment file or a constructor argument says something impossible."""


class ModelFolderError(InputError):
    """A saved model is damaged, was not written by limelight, or is from a newer version."""


class OutputError(InputError):
    """The place to write to is taken or cannot be written."""


class InternalError(LimelightError, RuntimeError):
    """limelight broke one of its own promises."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Offer the known name closest to a mistyped one.

    Parameters
    ----------
    word
        What was given.
    known
        The names that would have been right.

    Returns
    -------
    str
        ``"; did you mean 'name'?"``, or the list of known names when none is close.

    Example
    -------
    >>> nearest("pachience", ["max_epochs", "patience"])
    "; did you mean 'patience'?"
    >>> nearest("colour", ["id", "time"])
    '; known are: id, time'
    """
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are: {', '.join(names)}" if names else ""


def listing(names: Iterable[object], limit: int = 5) -> str:
    """Name the first few of many things, and count the rest.

    Parameters
    ----------
    names
        Whatever was wrong, in the order in which it was met.
    limit
        How many to name, at least 1.

    Returns
    -------
    str
        For example ``"'a', 'b' and 7 more"``.

    Example
    -------
    >>> listing(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    >>> listing([3])
    '3'
    """
    every = [repr(name) for name in names]
    shown = ", ".join(every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit} more"


def counted(count: int, thing: str) -> str:
    """Say how many of a thing there are.

    Example
    -------
    >>> counted(1, "gap"), counted(3, "gap")
    ('1 gap', '3 gaps')
    """
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
