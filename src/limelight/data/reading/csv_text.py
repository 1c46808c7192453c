"""The text of a CSV file: its encoding, its lines with their numbers, and a stream of plain bytes for Arrow."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path

from limelight.data.reading.compression import compression_of, open_bytes
from limelight.data.reading.dialect import Dialect
from limelight.errors import DataError

_SAMPLE_BYTES = 1 << 15
_LARGEST_SAMPLE = 1 << 26
_FEWEST_LINES = 30
_BLOCK_BYTES = 1 << 20
_MARKS_OF_ORDER = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_MARKED = 100
_SIGNS = ((b"#", b"\n#"), (b"%", b"\n%"), (b"/", b"\n//"))
_MARKED_LINE = re.compile(rb"(?<=\n)(?:#|%|//)[^\r\n]*")
_FEWEST_ZEROS = 0.3
"""Share of zero bytes at even or at odd places that shows UTF-16 without a mark of its byte order."""


def find_encoding(head: bytes, *, complete: bool) -> str:
    """Find the encoding of a file by its first bytes.

    Parameters
    ----------
    head
        The first bytes.
    complete
        Whether these are all bytes, so that none is the first part of a sign.

    Returns
    -------
    str
        ``"utf-8"``, ``"utf-16"``, ``"utf-32"`` with a mark of the byte order, ``"utf-16-le"`` or ``"utf-16-be"``
        without one; else ``"cp1252"``, or ``"latin-1"`` for bytes that have no meaning there.

    Example
    -------
    >>> [find_encoding("Größe".encode(code), complete=True) for code in ("utf-8", "utf-16", "cp1252")]
    ['utf-8', 'utf-16', 'cp1252']
    """
    for mark, encoding in _MARKS_OF_ORDER:
        if head.startswith(mark):
            return encoding
    half = max(1, len(head) // 2)
    if head[1::2].count(0) > _FEWEST_ZEROS * half:
        return "utf-16-le"
    if head[0::2].count(0) > _FEWEST_ZEROS * half:
        return "utf-16-be"
    if head.isascii() or _decodes(head, "utf-8", complete=complete):
        return "utf-8"
    return one_byte_encoding(head)


def one_byte_encoding(content: bytes) -> str:
    """Return the encoding of text that is not Unicode: that of Windows, or Latin-1 for bytes it does not know."""
    return "cp1252" if _decodes(content, "cp1252", complete=True) else "latin-1"


def other_encoding(path: Path) -> str:
    """Find the encoding of a file that is not UTF-8 as a whole."""
    with open_bytes(path) as file:
        encoding = find_encoding(file.read(_SAMPLE_BYTES), complete=False)
        if encoding != "utf-8":
            return encoding
    with open_bytes(path) as file:
        while block := file.read(_BLOCK_BYTES):
            if (found := one_byte_encoding(block)) != "cp1252":
                return found
    return "cp1252"


def _decodes(content: bytes, encoding: str, *, complete: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(content, final=complete)
    except UnicodeDecodeError:
        return False
    return True


def read_sample(path: Path, encoding: str | None) -> tuple[str, str, bool]:
    """Read the first lines of a file.

    Parameters
    ----------
    path
        The file.
    encoding
        Its encoding, if it is known.

    Returns
    -------
    tuple
        The text, cut after a line if the file goes on; the encoding; and whether the text is the whole file.
    """
    with open_bytes(path) as file:
        head = file.read(_SAMPLE_BYTES)
        while len(head) < _LARGEST_SAMPLE and max(head.count(b"\n"), head.count(b"\r")) < _FEWEST_LINES:
            more = file.read(len(head))
            if not more:
                break
            head += more
        complete = not file.read(1)
    encoding = encoding or find_encoding(head, complete=complete)
    text = codecs.getincrementaldecoder(encoding)().decode(head, final=complete).removeprefix("\ufeff")
    if not complete:
        end = max(text.rfind("\n"), text[:-1].rfind("\r")) + 1
        text = text[:end] if end else text
    return text, encoding, complete


def read_later_lines(path: Path, encoding: str, pieces: int = 3) -> Iterator[list[str]]:
    """Read some complete lines in the middle and at the end of a large file, for evidence that the head lacks."""
    size = path.stat().st_size
    length = _SAMPLE_BYTES // 2
    if compression_of(path):
        for content in () if encoding.startswith(("utf-16", "utf-32")) else _later_pieces(path):
            yield sample_lines(content.decode(encoding, errors="replace"))[1:-1]
        return
    if size < 2 * _SAMPLE_BYTES:
        return
    order = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
    with path.open("rb") as file:
        if encoding in order and file.read(2) in (codecs.BOM_UTF16_BE, b"\x00\x00"):
            order = {"utf-16": "utf-16-be", "utf-32": "utf-32-be"}
        for piece in range(1, pieces + 1):
            start = (size - length) * piece // pieces // 4 * 4
            file.seek(start)
            text = file.read(length).decode(order.get(encoding, encoding), errors="replace")
            yield list(StringIO(text, newline=""))[1:-1]


def read_last_lines(path: Path, encoding: str) -> list[str]:
    """Read complete lines at the end of a file that is longer than its sample."""
    if encoding.startswith(("utf-16", "utf-32")):
        return []
    if compression_of(path):
        *_, content = _later_pieces(path)
    else:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _SAMPLE_BYTES // 2))
            content = file.read()
    return sample_lines(content.decode(encoding, errors="replace"))[1:]


def _later_pieces(path: Path) -> tuple[bytes, ...]:
    """Return some bytes of a compressed file after 1, 2, 4, 8, ... blocks, and the last; it is read as a whole."""
    status = path.stat()
    return _pieces_of_compressed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _pieces_of_compressed(path: Path, size: int, changed: int) -> tuple[bytes, ...]:
    length, pieces, last, number = _SAMPLE_BYTES // 2, [], b"", 0
    with open_bytes(path) as file:
        while block := file.read(_BLOCK_BYTES):
            if number and not number & (number - 1):
                pieces.append(block[:length])
            number += 1
            last = (last + block)[-length:]
    return (*pieces, last)


def scan(path: Path) -> tuple[bool, list[str]]:
    """Read a whole file to find whether it is UTF-8, and some lines that begin with a sign of a comment."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    unicode, marked = True, list[str]()
    with open_bytes(path) as file:
        while block := file.read(_BLOCK_BYTES):
            if unicode and not (block.isascii() and not decoder.getstate()[0]):
                unicode = _continues(decoder, block)
            if len(marked) < _MOST_MARKED and _has_marked_line(block):
                marked += [line.decode("latin-1") for line in _MARKED_LINE.findall(block)]
    return unicode and not decoder.getstate()[0], marked


def recurs(path: Path, encoding: str, line: str) -> bool:
    """Whether a line occurs at least twice in a file in an encoding of single bytes or UTF-8."""
    if encoding.startswith("utf-") and encoding != "utf-8":
        return False
    wanted, kept, count = b"\n" + line.encode(encoding), b"\n", 0
    with open_bytes(path) as file:
        while count < 2 and (block := file.read(_BLOCK_BYTES)):
            joined = kept + block.removeprefix(codecs.BOM_UTF8)
            count += joined.count(wanted)
            kept = joined[-(len(wanted) - 1) :]
    return count >= 2


def _has_marked_line(block: bytes) -> bool:
    """Whether a line begins with a sign of a comment; most blocks lack the sign, which one fast search shows."""
    return any(sign in block and line in block for sign, line in _SIGNS)


def _continues(decoder: codecs.IncrementalDecoder, block: bytes) -> bool:
    try:
        decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True


class NumberedLines:
    """Iterate over the lines of a text that are not ignored, and count all of them.

    A line is ignored only where a record may begin, that is, while ``first`` is None: a quoted cell keeps its lines.

    Parameters
    ----------
    lines
        The lines with their ends.
    ignored
        A regular expression of lines to leave out, or None.
    """

    def __init__(self, lines: Iterable[str], ignored: re.Pattern[str] | None) -> None:
        self.lines = iter(lines)
        self.ignored = ignored
        self.number = 0
        self.first: int | None = None

    def skip(self, count: int) -> None:
        """Leave out the next lines, ignored ones counted."""
        for _ in islice(self.lines, count):
            self.number += 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self.lines)
            self.number += 1
            if self.first is not None:
                return line
            if self.ignored is None or not self.ignored.match(line):
                self.first = self.number
                return line


def csv_records(lines: NumberedLines, separator: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the records of a text, empty lines left out, and the number of the line on which each begins."""
    source: Iterable[str] = lines if separator != " " else (re.sub(r"[ \t]+", "\t", line.strip()) for line in lines)
    reader = csv.reader(
        source,
        delimiter="\t" if separator == " " else separator,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    while True:
        lines.first = None
        record = next(reader, None)
        if record is None:
            return
        if record:
            yield lines.first or 1, record


@contextmanager
def open_records(path: Path, name: str, dialect: Dialect) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Iterate over the records of the data in a file and their lines; slow: for messages only."""
    try:
        with open_bytes(path) as file, TextIOWrapper(file, _signed(dialect.encoding), newline="") as text:
            lines = NumberedLines(text, dialect.ignored)
            lines.skip(dialect.data_line - 1)
            yield csv_records(lines, dialect.separator, dialect.quote)
    except (UnicodeDecodeError, csv.Error) as error:
        raise undecodable(name, dialect.encoding) from error


def undecodable(name: str, encoding: str) -> DataError:
    """Build the error for bytes that have no meaning in the encoding."""
    return DataError(
        f"expected text in encoding {encoding} in {name}, got other bytes; save the file as UTF-8, or state "
        'its encoding with csv={"encoding": ...} (--set data.csv.encoding=...)'
    )


def _signed(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


class PlainBytes:
    """A readable file of UTF-8 text with simple line ends, without ignored lines and runs of blanks.

    Parameters
    ----------
    path
        The file.
    dialect
        How it is written.
    """

    closed = False

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.file = open_bytes(path)
        self.decoder = codecs.getincrementaldecoder(_signed(dialect.encoding))()
        self.dialect = dialect
        self.rest = ""
        self.ready = b""
        self.ended = False
        self.inside = False

    def readable(self) -> bool:
        """Whether bytes can be read."""
        return True

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self.file.close()

    def read(self, size: int = -1) -> bytes:
        """Return at most the next ``size`` bytes; b"" at the end."""
        wanted = _BLOCK_BYTES if size < 0 else size
        while not self.ended and (size < 0 or len(self.ready) < wanted):
            self._read_block()
        content = self.ready if size < 0 else self.ready[:wanted]
        self.ready = self.ready[len(content) :]
        return content

    def _read_block(self) -> None:
        block = self.file.read(_BLOCK_BYTES)
        self.ended = not block
        text = self.rest + self.decoder.decode(block, final=self.ended)
        if "\r" in text:
            whole = text if self.ended else text.removesuffix("\r")
            text = whole.replace("\r\n", "\n").replace("\r", "\n") + text[len(whole) :]
        end = len(text) if self.ended else text.rfind("\n") + 1
        self.rest = text[end:]
        self.ready += self._cleaned(text[:end]).encode()

    def _cleaned(self, lines: str) -> str:
        dialect = self.dialect
        if dialect.ignored is not None and (self.inside or (dialect.quote and dialect.quote in lines)):
            lines = "".join(self._outside_quotes(lines, dialect.ignored, dialect.quote))
        elif dialect.ignored is not None:
            lines = dialect.ignored.sub("", lines)
        if dialect.separator == " ":
            lines = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", lines)
            lines = re.sub(r"[ \t]+", "\t", lines)
        return lines

    def _outside_quotes(self, lines: str, ignored: re.Pattern[str], quote: str) -> Iterator[str]:
        """Leave out ignored lines, unless they are part of a quoted cell."""
        for line in sample_lines(lines):
            if self.inside or not ignored.match(line):
                self.inside ^= line.count(quote) % 2 == 1
                yield line


def sample_lines(text: str) -> list[str]:
    """Split text into lines with their ends, at the ends of lines alone."""
    return list(StringIO(text, newline=""))
