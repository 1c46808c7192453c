"""Advice for users of the page, who can change their files but no option of a command."""

from __future__ import annotations

import re

COLUMN_NAMES = {"id": "series_id", "time": "time", "label": "label"}
"""The name by which the column of each role is found in every table."""
OPTION = r"(?:\w+=\{[^}]*\}+|\w+=\S+) \(--[^()]*\)"
FILE_ADVICE = (
    (r"name the column that tells the recordings apart with " + OPTION,
     f"rename the column that tells the recordings apart to {COLUMN_NAMES['id']!r}"),
    (r"take (?:the|their) order(?: of the rows)?\s+as the clock with " + OPTION,
     "remove the column of times, so that the order of the rows counts"),
    (r"sort the rows by time with " + OPTION, "sort the rows by time"),
    (r"change it with " + OPTION, "if this is wrong, change the file"),
    (r"\bset " + OPTION, "write the table as those of the training series"),
    (r", or state its encoding with " + OPTION, ""),
    (r"[,;]?\s*(?:or pass the names|state it|for the names of columns, pass)(?: with)? " + OPTION, ""),
    (r", and name it with --id \(id=\.\.\. in Python\)", f" {COLUMN_NAMES['id']!r}"),
    (r" with " + OPTION, ""),
    (r" \(set by '\w+'\)", ""),
)  # fmt: skip


def advice_for_page(message: str) -> str:
    """Replace the options of commands in a message about a table by what can be done to the file.

    Parameters
    ----------
    message
        Of an error or a note of the reader of tables.

    Returns
    -------
    str
        The message without names of options.

    Example
    -------
    >>> advice_for_page("took column 'a' as id: it fits; name another with id=... (--id)")
    "took column 'a' as id: it fits; to read another one, rename it to 'series_id'"
    """
    message = re.sub(r"name them with (--.*) \(.* in Python\)", _renamed, message)
    message = re.sub(
        r"name (?:another|one) with (id|time|label)=\.\.\. \(--\w+\)",
        lambda match: f"to read another one, rename it to {COLUMN_NAMES[match[1]]!r}",
        message,
    )
    for pattern, advice in FILE_ADVICE:
        message = re.sub(pattern, advice, message)
    return message


def _renamed(match: re.Match[str]) -> str:
    names = [repr(COLUMN_NAMES[role]) for role in re.findall(r"--(id|time|label) ", match[1])]
    return f"rename {'it' if len(names) == 1 else 'them'} to {' and '.join(names)}"
