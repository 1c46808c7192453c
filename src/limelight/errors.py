"""Every exception that limelight raises on purpose.

    LimelightError
    ├── InputError (ValueError)        the user's mistake: one sentence, exit code 2
    │   ├── DataError                  invalid contents of a file, table or array
    │   ├── LabelError                 labels that no model can learn from
    │   ├── ParameterError             an invalid value in an experiment file or a constructor
    │   ├── ModelFolderError           a saved model that is damaged, foreign or too new
    │   └── OutputError                an output path that is taken or cannot be written
    └── InternalError (RuntimeError)   our mistake: exit code 1

A message states what was expected, what was found and where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LimelightError(Exception):
    """The base class of all exceptions that limelight raises on purpose."""


class InputError(LimelightError, ValueError):
    """The user's input cannot be used; the message states what to change."""


class DataError(InputError):
    """The contents of a file, table or array are invalid."""


class LabelError(InputError):
    """No model can learn from the labels."""


class ParameterError(InputError):
    """A value in an experiment file or a constructor argument is invalid."""


class ModelFolderError(InputError):
    """A saved model is damaged, was not written by limelight, or is from a newer version."""


class OutputError(InputError):
    """The output path is taken or cannot be written."""


class InternalError(LimelightError, RuntimeError):
    """An invariant of limelight itself is violated: a bug."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Format a hint with the valid name closest to a mistyped one.

    Parameters
    ----------
    word
        The mistyped name.
    known
        The valid names.

    Returns
    -------
    str
        ``"; did you mean 'name'?"``, or the list of valid names if none is close; empty if there are no valid names.

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
    """List the first few names and count the rest, for a message.

    Parameters
    ----------
    names
        Any objects; they are shown by their ``repr``, in order.
    limit
        The most names to show, at least 1.

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
    quoted = [repr(name) for name in names]
    shown = ", ".join(quoted[:limit])
    return shown if len(quoted) <= limit else f"{shown} and {len(quoted) - limit} more"


def counted(count: int, thing: str) -> str:
    """Format a count with its noun, in the singular or plural.

    Example
    -------
    >>> counted(1, "gap"), counted(3, "gap")
    ('1 gap', '3 gaps')
    """
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
