"""Every exception that limelight raises on purpose.

    LimelightError
    ├── InputError (ValueError)        the user's mistake: one sentence, exit code 2
    │   ├── DataError                  invalid contents of a file, table or array
    │   │   └── DataTypeError          (TypeError) objects that hold no numbers
    │   ├── LabelError                 labels that no model can learn from
    │   ├── ParameterError             an invalid value in an experiment file or a constructor
    │   ├── ModelFolderError           a saved model that is damaged, foreign or too new
    │   ├── OutputError                an output path that is taken or cannot be written
    │   └── LostWorkerError            a process that shared the work was killed, perhaps for want of memory
    └── InternalError (RuntimeError)   our mistake: exit code 1

A message states what was expected, what was found and where, and what to do about it.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

DIRECTIONS = {chr(code) for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Invisible letters that reverse the order of those around them."""
MOST_NAMES = 40
"""Valid names that a message lists."""


class LimelightError(Exception):
    """The base class of all exceptions that limelight raises on purpose; a message is one printable line."""

    def __init__(self, message: object = "") -> None:
        super().__init__(printable(str(message)))


class InputError(LimelightError, ValueError):
    """The user's input cannot be used; the message states what to change."""


class DataError(InputError):
    """The contents of a file, table or array are invalid."""


class DataTypeError(DataError, TypeError):
    """Objects were passed that hold no numbers, such as text or a sparse matrix."""


class LabelError(InputError):
    """No model can learn from the labels."""


class ParameterError(InputError):
    """A value in an experiment file or a constructor argument is invalid."""


class ModelFolderError(InputError):
    """A saved model is damaged, was not written by limelight, or is from a newer version."""


class OutputError(InputError):
    """The output path is taken or cannot be written."""


class LostWorkerError(InputError):
    """A process that shared the work was killed, perhaps for want of memory."""


class InternalError(LimelightError, RuntimeError):
    """An invariant of limelight itself is violated: a bug."""


def printable(text: str) -> str:
    """Escape what must not be sent to a screen: control codes, except line breaks, and what cannot be encoded.

    Example
    -------
    >>> printable("\\x1b[2Jpump \\ud800")
    '\\\\x1b[2Jpump \\\\ud800'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if letter == "\n" or _is_safe(letter) else repr(letter)[1:-1] for letter in text)


def _is_safe(letter: str) -> bool:
    """Whether a letter neither controls a screen, nor reverses the direction of text, nor lacks an encoding."""
    return unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") and letter not in DIRECTIONS


def shown(value: object, limit: int = 80) -> str:
    """Return the ``repr`` of any object in one line for a message, shortened in the middle.

    Parameters
    ----------
    value
        Any object, also one whose ``repr`` fails.
    limit
        The greatest length, at least 10.

    Example
    -------
    >>> shown("x" * 100, limit=20), shown({1, 2})
    ("'xxxxxxxx...xxxxxxx'", '{1, 2}')
    """
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = " ".join(printable(text).split()) if not isinstance(value, str) else text
    head = (limit - 2) // 2
    return text if len(text) <= limit else f"{text[:head]}...{text[head + 3 - limit :]}"


def as_sentence(error: BaseException, limit: int = 300) -> str:
    """Return the message of another library's error in one line, without a final full stop.

    Example
    -------
    >>> as_sentence(ValueError("Expected 2D array, got 1D array instead:\\narray=[1 2].\\nReshape your data."))
    'Expected 2D array, got 1D array instead: array=[1 2]. Reshape your data'
    """
    text = " ".join(printable(str(error) or type(error).__name__).split())
    return (text if len(text) <= limit else f"{text[: limit - 3]}...").removesuffix(".")


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
        ``"; did you mean 'name'?"``, or up to 40 valid names if none is close; empty if there are no valid names.

    Example
    -------
    >>> nearest("pachience", ["max_epochs", "patience"])
    "; did you mean 'patience'?"
    >>> nearest("colour", ["id", "time"])
    '; known are: id, time'
    """
    names = [str(name) for name in known]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are: {', '.join(names[:MOST_NAMES])}{more}" if names else ""


def listing(names: Iterable[object], limit: int = 5) -> str:
    """List the first few names and count the rest, for a message.

    Parameters
    ----------
    names
        Any objects; they are shown by their ``repr``, shortened if it is long, in order.
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
    found = list(names)
    quoted = ", ".join(shown(name) for name in found[:limit])
    return quoted if len(found) <= limit else f"{quoted} and {len(found) - limit} more"


def counted(count: int, thing: str) -> str:
    """Format a count with its noun, in the singular or plural.

    Example
    -------
    >>> counted(1, "gap"), counted(3, "gap")
    ('1 gap', '3 gaps')
    """
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
