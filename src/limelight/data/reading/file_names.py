"""Read ids, labels and metadata from the names of files."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limelight.data.reading.compression import stem_of
from limelight.errors import DataError, ParameterError, listing

FIELD = re.compile(r"\{([^{}]*)\}")
ID, LABEL = "id", "label"
CLASS_FOLDERS = "{label}/{id}"


@dataclass(frozen=True)
class NamedFiles:
    """What the names of files mean.

    Parameters
    ----------
    ids
        The id of each file: the field ``{id}`` of the pattern, else the name without its suffix, with as many folders
        as needed to tell two files apart.
    fields
        The words of the other fields by name, one for each file.
    """

    ids: tuple[str, ...]
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_names(paths: Sequence[Path], pattern: str | None = None) -> NamedFiles:
    """Read ids and fields from the names of files.

    Parameters
    ----------
    paths
        The files.
    pattern
        What the names mean: ``"{label}_{id}"``, with or without a suffix. A pattern with slashes also names folders:
        ``"{label}/{id}"``. Fields other than ``label`` and ``id`` are metadata. None reads only the ids.

    Returns
    -------
    NamedFiles
        The id of each file and the words of its fields.

    Raises
    ------
    DataError
        If a name does not have the form of the pattern, or two files have the same id.
    ParameterError
        If the pattern has no field, or a field twice.

    Example
    -------
    >>> named = read_names([Path("logs/ok_pump7.csv"), Path("logs/worn_pump8.csv")], "{label}_{id}")
    >>> named.ids, named.fields
    (('pump7', 'pump8'), {'label': ('ok', 'worn')})
    """
    if pattern is None:
        return NamedFiles(_unique_stems(paths))
    expression = _compile(pattern)
    depth = pattern.count("/")
    found: list[dict[str, str]] = []
    for path in paths:
        parts = [*path.parts[-1 - depth : -1], stem_of(path)]
        match = expression.fullmatch("/".join(parts))
        if match is None:
            raise DataError(
                f"expected file names of the form {pattern!r}, got {'/'.join(parts)!r} ({str(path)!r}); correct the "
                "pattern, or leave the file out"
            )
        found.append({name: match[f"f{index}"] for index, name in enumerate(FIELD.findall(pattern))})
    names = [name for name in FIELD.findall(pattern) if name != ID]
    fields = {name: tuple(words[name] for words in found) for name in names}
    if ID not in found[0]:
        return NamedFiles(_unique_stems(paths), fields)
    ids = tuple(words[ID] for words in found)
    if len(set(ids)) < len(ids):
        if "/" in pattern and pattern.endswith("/{id}"):
            return NamedFiles(_unique_stems(paths), fields)
        repeated = [name for name, count in Counter(ids).items() if count > 1]
        first, second = [path for path, name in zip(paths, ids, strict=True) if name == repeated[0]][:2]
        raise DataError(
            f"expected each id in the names of the files once, got {repeated[0]!r} in {str(first)!r} and "
            f"{str(second)!r}; omit {{id}} from the pattern, and the name of the file is the id"
        )
    return NamedFiles(ids, fields)


def field_names(pattern: str | None) -> list[str]:
    """Return the fields of a pattern that are metadata.

    Example
    -------
    >>> field_names("{machine}_{label}_{id}.csv")
    ['machine']
    """
    return [] if pattern is None else [name for name in FIELD.findall(pattern) if name not in (ID, LABEL)]


def without_labels(pattern: str | None) -> str | None:
    """Return a pattern that names no labels; None for one that does, or for no pattern.

    Example
    -------
    >>> without_labels("{label}/{id}"), without_labels("{split}/{id}")
    (None, '{split}/{id}')
    """
    return None if pattern is None or LABEL in FIELD.findall(pattern) else pattern


def describe_names(pattern: str, fields: Sequence[str]) -> str:
    """Return a note on what was read from the names of files."""
    if pattern == CLASS_FOLDERS:
        return "took the folders as labels, since nothing else names the labels"
    return f"read {listing(fields)} from the names of the files, {pattern!r}"


def _compile(pattern: str) -> re.Pattern[str]:
    names = FIELD.findall(pattern)
    repeated = [name for index, name in enumerate(names) if name in names[:index]]
    if not names or repeated or not all(name.strip() for name in names):
        of_columns = (
            "" if names else "; for the names of columns, pass csv={'names': [...]} (--set data.csv.names=[...])"
        )
        raise ParameterError(
            f"expected names of files as a pattern with fields such as '{{label}}_{{id}}', each once, got {pattern!r}"
            f"{of_columns}"
        )
    bare = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", pattern)
    pieces = FIELD.split(bare)
    last = len(pieces) - 2
    expression = ""
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            expression += re.escape(piece)
        else:
            greedy = "+" if index == last else "+?"
            expression += f"(?P<f{index // 2}>[^/]{greedy})"
    return re.compile(expression)


def _unique_stems(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the name of each file without its suffix, preceded by as many folders as needed to tell two apart."""
    stems = tuple(stem_of(path) for path in paths)
    if len(set(stems)) == len(stems):
        return stems
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    relative = tuple(path.relative_to(folder).with_name(stem_of(path)).as_posix() for path in paths)
    if len(set(relative)) < len(relative):
        repeated = [name for name, count in Counter(relative).items() if count > 1]
        raise DataError(
            f"expected unique file names, which name the series, got {listing(repeated)} with several suffixes; leave "
            "one of them out, or rename it"
        )
    return relative
