"""Check the structure of a MATLAB file before SciPy reads it, which trusts the types and sizes that a file names."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEADER = 128
MATRIX, COMPRESSED = 14, 15
FLAGS, SIZES, NAMES = (6,), (5, 6), (1, 16)
"""Types of the first elements of an array; some programs write the second ones."""
DATA = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18))
"""Types of data elements that hold numbers or letters."""
CELL, STRUCTURE, WORDS, FIRST_NUMBER, LAST_NUMBER = 1, 2, 4, 6, 15
"""Classes of arrays."""
COMPLEX = 8
MOST_NESTED = 32
"""Maximum depth of cells within cells."""
MOST_BYTES = 1 << 34
"""Maximum bytes of a compressed element once it is unpacked."""


class Element(NamedTuple):
    """A data element of a MATLAB file: its type and its bytes."""

    kind: int
    content: memoryview


def readable_variables(path: Path) -> list[str] | None:
    """Return the names of the arrays of numbers, words, cells and structures, whose elements are all complete.

    SciPy looks up the type of an element in a table without checking it, and reads beyond an array that lacks a part,
    so that a single wrong byte can end the process. Sparse matrices, objects and functions are no series.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    list[str] | None
        None for a file of version 4 or 7.3, which have other structures.

    Raises
    ------
    ValueError
        If an element has an unknown type or is longer than the file.

    Source
    ------
    MathWorks, MAT-File Format, chapter 1 (level 5 MAT-files).

    Example
    -------
    >>> import tempfile
    >>> import scipy.io
    >>> path = Path(tempfile.mkdtemp()) / "a.mat"
    >>> scipy.io.savemat(path, {"X": [[1.0, 2.0]], "y": [0, 1]})
    >>> readable_variables(path)
    ['X', 'y']
    """
    content = path.read_bytes()
    order = {b"IM": "<", b"MI": ">"}.get(content[HEADER - 2 : HEADER])
    if order is None or content[HEADER - 4 : HEADER - 2] in (b"\0\2", b"\2\0"):
        return None
    names = []
    for element in _elements(memoryview(content)[HEADER:], order):
        matrix = _unpacked(element, order) if element.kind == COMPRESSED else element
        if matrix.kind == MATRIX and _is_complete(matrix.content, order, 0):
            names.append(bytes(list(_elements(matrix.content, order))[2].content).decode("latin-1"))
    return [name for name in names if name]


def _elements(content: memoryview, order: str) -> Iterator[Element]:
    """Yield the elements that bytes consist of; ValueError if there are other bytes."""
    place = 0
    while place < len(content):
        if len(content) - place < 8:
            raise ValueError(f"{len(content) - place} bytes after the last element")
        kind, size = struct.unpack_from(f"{order}II", content, place)
        small, start = kind >> 16, place + 8
        if small:
            kind, size, start = kind & 0xFFFF, small, place + 4
        if kind not in DATA | {MATRIX, COMPRESSED} or size > (4 if small else len(content) - start):
            raise ValueError(f"an element of type {kind} with {size} bytes")
        yield Element(kind, content[start : start + size])
        place = place + 8 if small else start + size + (0 if kind == COMPRESSED else -size % 8)


def _unpacked(element: Element, order: str) -> Element:
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(element.content, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    found = list(_elements(memoryview(content), order))
    if unpacking.unconsumed_tail or len(found) != 1:
        raise ValueError(f"{len(found)} elements in a compressed one")
    return found[0]


def _is_complete(matrix: memoryview, order: str, depth: int) -> bool:
    """Whether the elements of an array are those that its class needs; within cells, an array may be empty."""
    if not matrix:
        return depth > 0
    parts = list(_elements(matrix, order))
    if depth > MOST_NESTED or not _begins(parts, FLAGS, SIZES, NAMES) or len(parts[0].content) < 8:
        return False
    flags = struct.unpack_from(f"{order}I", parts[0].content)[0]
    sizes = struct.unpack(f"{order}{len(parts[1].content) // 4}i", parts[1].content[: len(parts[1].content) // 4 * 4])
    if min(sizes, default=-1) < 0:
        return False
    return _has_content(parts[3:], flags, math.prod(sizes), order, depth)


def _begins(parts: list[Element], *kinds: tuple[int, ...]) -> bool:
    """Whether the first elements have some of the types that are possible for each."""
    return len(parts) >= len(kinds) and all(part.kind in own for part, own in zip(parts, kinds, strict=False))


def _has_content(parts: list[Element], flags: int, count: int, order: str, depth: int) -> bool:
    """Whether an array of some class and size has its numbers, its words, or its cells."""
    kind = flags & 0xFF
    if kind == WORDS or FIRST_NUMBER <= kind <= LAST_NUMBER:
        wanted = 2 if flags >> 8 & COMPLEX and kind != WORDS else 1
        return len(parts) == wanted and all(part.kind in DATA for part in parts)
    if kind == STRUCTURE:
        if not _begins(parts, SIZES, NAMES) or len(parts[0].content) != 4:
            return False
        longest = struct.unpack_from(f"{order}i", parts[0].content)[0]
        count *= len(parts[1].content) // longest if longest > 0 else 0
        parts = parts[2:]
    elif kind != CELL:
        return False
    complete = (part.kind == MATRIX and _is_complete(part.content, order, depth + 1) for part in parts)
    return len(parts) == count and all(complete)
