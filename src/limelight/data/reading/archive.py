"""Read .ts and .tsv files of the UCR/UEA time-series archive, with one line per series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limelight.data.arrays import join_panels
from limelight.data.clock import format_time
from limelight.data.panel import Panel
from limelight.data.reading.arff import read_arff
from limelight.data.reading.columns import LARGEST_NUMBER, NUMBER
from limelight.data.reading.compression import read_text, stem_of, suffix_of
from limelight.data.reading.missing import EMPTY_WORDS
from limelight.data.reading.sources import Source
from limelight.data.reading.times import read_clock
from limelight.errors import DataError, LabelError, listing, nearest
from limelight.types import Doubles, Rows

ARCHIVE_SUFFIXES = (".ts", ".tsv", ".txt", ".arff")
MISSING = pa.array([*EMPTY_WORDS, "?"], pa.large_string())
CHUNK_CHARACTERS = 1 << 24
DECIMAL = re.compile(r"[+-]?\d+\.\d*([eE][+-]?\d+)?")
BOOLEAN = "true|false"
FEWEST_MEASURED = 10
"""Lines of which most begin with another number, so that these are no classes."""
FLAGS = ("@timestamp", "@univariate", "@classlabel", "@targetlabel")
PART = re.compile(r"_(train|test)$", re.IGNORECASE)
PAIR = re.compile(r"\(\s*([^(),]+?)\s*,\s*([^(),]*?)\s*\)")
PAIRS = re.compile(rf"{PAIR.pattern}(\s*,\s*{PAIR.pattern})*")
BLANKS_OR_COMMA = re.compile(r"\s*,\s*|\s+")
STRAY = re.compile(r"[\s,]*,\s*$")
AFTER_PAIR = re.compile(r"(?<=\))\s*:\s*")


def read_archive(path: Path | str, *, label: bool = True) -> Panel:
    """Read one file of the UCR/UEA time-series archive.

    Parameters
    ----------
    path
        A ``.ts`` file (UEA: a header of lines that begin with ``@``, then dimensions separated by ``:`` and values
        separated by ``,``), an ``.arff`` file with a relational attribute, or a ``.tsv`` or ``.txt`` file (UCR: the
        class, then the values, without a header).
    label
        False reads the series without their classes.

    Returns
    -------
    Panel
        The series in the order of the lines, named by the file and their number from 0. Labels are strings as written
        in the file, except that whole numbers lose their decimal point: ``1.0`` becomes ``1``. Missing values (``?``,
        ``NaN``, or nothing) are NaN. In UCR files, missing values at the end of a series are padding and are cut off.

    Raises
    ------
    DataError
        If the file is invalid; the message names the line.
    LabelError
        If the file is for regression.

    Source
    ------
    Dau et al., The UCR time series archive, 2019; Bagnall et al., The UEA multivariate archive, 2018.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "Waves.ts"
    >>> _ = path.write_text("@dimensions 2\\n@classLabel true a b\\n@data\\n1,2,?:5,6,7:a\\n3,4:8,9:b\\n")
    >>> panel = read_archive(path)
    >>> panel.ids.tolist(), panel.labels.tolist(), panel.series(1).tolist()
    (['Waves_0', 'Waves_1'], ['a', 'b'], [[3.0, 8.0], [4.0, 9.0]])
    """
    path = Path(path)
    name, kind = repr(str(path)), suffix_of(path)
    if kind not in ARCHIVE_SUFFIXES:
        raise DataError(f"expected a .ts, .tsv, .txt or .arff file of the UCR/UEA archive, got {name}; check the path")
    if not path.is_file():
        raise DataError(f"expected a file at {name}, got none; check the path")
    lines, notes = _read_lines(path, name)
    if not lines:
        raise DataError(f"expected series in {name}, got an empty file; check the path")
    series = ArchiveSeries(name, stem_of(path), notes)
    if kind == ".ts":
        _read_uea(lines, series, label)
    elif kind == ".arff":
        _read_relational(path, series)
    else:
        _read_ucr(lines, series, spaces=kind == ".txt")
    if not series.lines:
        raise DataError(f"expected at least one series in {name}, got none; add a line for each series")
    return series.panel(label)


def read_archive_files(paths: Sequence[Path]) -> tuple[Panel, list[str] | None]:
    """Read several files of the archive into one Panel.

    Parameters
    ----------
    paths
        The files of one data set, at least one.

    Returns
    -------
    tuple[Panel, list[str] | None]
        The series of all files in the given order; and the part of each series, ``"train"`` or ``"test"``, if every
        file name ends in ``_TRAIN`` or ``_TEST``, else None.

    Raises
    ------
    DataError
        If two files have the same name, a different number of channels or another kind of time, or if only one of
        them has labels.
    LabelError
        As ``read_archive``.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "Pulse_TRAIN.tsv").write_text("1\\t0.5\\t0.7\\n2\\t0.1\\t0.2\\n")
    >>> _ = (folder / "Pulse_TEST.tsv").write_text("2\\t0.4\\t0.3\\n")
    >>> panel, parts = read_archive_files(sorted(folder.iterdir()))
    >>> panel.ids.tolist(), parts
    (['Pulse_TEST_0', 'Pulse_TRAIN_0', 'Pulse_TRAIN_1'], ['test', 'train', 'train'])
    """
    stems: dict[str, Path] = {}
    for path in map(Path, paths):
        earlier = stems.setdefault(stem_of(path), path)
        if earlier is not path:
            raise DataError(
                f"expected unique file names, which name the series, got {str(earlier)!r} and {str(path)!r}; leave one "
                "out, or rename it"
            )
    panels = {path: read_archive(path) for path in stems.values()}
    first, *rest = panels
    for other in rest:
        _require_compatible(first, panels[first], other, panels[other])
    matches = [PART.search(stem) for stem in stems]
    parts = [
        match[1].lower() for match, panel in zip(matches, panels.values(), strict=True) if match for _ in panel.ids
    ]
    return join_panels(list(panels.values())), parts if all(matches) else None


def _require_compatible(first: Path, first_panel: Panel, second: Path, second_panel: Panel) -> None:
    """Check that two files have the same number of channels, both labels or none, and the same kind of time."""
    properties, other_properties = _properties(first_panel), _properties(second_panel)
    for requirement, value in properties.items():
        other_value = other_properties[requirement]
        if value != other_value:
            raise DataError(
                f"expected {requirement}, got {value} in {str(first)!r} and {other_value} in {str(second)!r}; make the "
                "files consistent, or read them one by one"
            )


def _properties(panel: Panel) -> dict[str, str]:
    """Describe what files to be joined must have in common."""
    dates = "dates with a time zone" if panel.units else "dates without a time zone"
    clock = "no times" if panel.times is None else dates if panel.times.dtype.kind == "M" else "numbers"
    return {
        "the same number of channels": _counted(len(panel.channels), "channel"),
        "classes in every file or in none": "none" if panel.labels is None else "classes",
        "one kind of time": clock,
    }


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number != 1 else ''}"


def _read_lines(path: Path, name: str) -> tuple[list[tuple[int, str]], list[str]]:
    """Read the lines that are not empty, with their numbers, and notes on the encoding."""
    notes: list[str] = []
    try:
        text, is_unicode = read_text(path, name)
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from error
    if not is_unicode:
        notes.append(f"{name} is not UTF-8 and was read as Latin-1")
    return [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()], notes


@dataclass(frozen=True, eq=False)
class _Times(Source):
    """A column of times that can locate each time by its line in the file."""

    lines: Sequence[int] = ()

    def location(self, row: int) -> str:
        return f"line {self.lines[row]} of {self.name}"


@dataclass
class ArchiveSeries:
    """The content of a file, with numbers and times still as text: one string per dimension of each series."""

    name: str
    stem: str
    notes: list[str]
    dimensions: int = 1
    lines: list[int] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    ucr: bool = False

    def location(self, row: int) -> str:
        """Describe the line of a series for messages."""
        return f"line {self.lines[row]} of {self.name}"

    def describe_empty(self, row: int) -> str:
        """Describe a series without values for messages."""
        return f"expected at least one value in every series, got none in {self.location(row)}; leave the line out"

    def panel(self, label: bool) -> Panel:
        """Convert the text to numbers and build a Panel."""
        numbers, lengths = self._numbers()
        if self.ucr:
            numbers, lengths = self._without_padding(numbers, lengths)
        longest = lengths.reshape(-1, self.dimensions).max(axis=1)
        return Panel(
            self._align_dimensions(numbers, lengths, longest),
            np.cumsum(longest) - longest,
            longest,
            ids=[f"{self.stem}_{row}" for row in range(len(self.lines))],
            labels=self.classes if label and self.classes else None,
            **(self._clock(longest) if self.times else {}),
            notes=self.notes,
        )

    def _numbers(self) -> tuple[Doubles, Rows]:
        """Parse all values, dimension by dimension, some megabytes at a time; return them and their numbers."""
        ends = np.cumsum([len(text) + 1 for text in self.values])
        numbers, lengths = [], []
        start = 0
        while start < len(ends):
            parsed = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, parsed + CHUNK_CHARACTERS, side="right")))
            lists = pc.split_pattern(pa.array(self.values[start:stop], pa.large_string()), "\t" if self.ucr else ",")
            counts = pc.list_value_length(lists).to_numpy().astype(np.int64)
            chunk, invalid = _parse_floats(lists.flatten())
            if invalid is not None:
                index = start + int(np.searchsorted(np.cumsum(counts), invalid, side="right"))
                row, dimension = divmod(index, self.dimensions)
                where = f"dimension {dimension + 1} of " if self.dimensions > 1 else ""
                raise DataError(
                    f"expected a finite number, got {lists.flatten()[invalid].as_py().strip()!r} in {where}series "
                    f"{f'{self.stem}_{row}'!r}, {self.location(row)}; correct it, or write NaN if the value is unknown"
                )
            numbers.append(chunk)
            lengths.append(counts)
            start = stop
        return np.concatenate(numbers), np.concatenate(lengths)

    def _without_padding(self, numbers: Doubles, lengths: Rows) -> tuple[Doubles, Rows]:
        """Remove the missing values at the end of each series."""
        starts = np.cumsum(lengths) - lengths
        step = np.arange(len(numbers)) - np.repeat(starts, lengths)
        unpadded = np.maximum.reduceat(np.where(np.isnan(numbers), 0, step + 1), starts)
        if (unpadded == 0).any():
            raise DataError(self.describe_empty(int(np.argmin(unpadded))))
        shortened = int((unpadded < lengths).sum())
        if shortened:
            self.notes.append(
                f"the last values of {shortened} series of {self.name} are missing: read as shorter series"
            )
        return numbers[step < np.repeat(unpadded, lengths)], unpadded

    def _align_dimensions(self, numbers: Doubles, lengths: Rows, longest: Rows) -> Doubles:
        """Stack the dimensions of each series as columns, shape (steps, dimensions)."""
        if self.dimensions == 1:
            return numbers[:, None]
        short = int((lengths.reshape(-1, self.dimensions) < longest[:, None]).any(axis=1).sum())
        if short:
            self.notes.append(
                f"the dimensions of {short} series of {self.name} have different numbers of values: the shorter ones "
                "were padded with missing values at the end"
            )
        values = np.full((int(longest.sum()), self.dimensions), np.nan, dtype=np.float64)
        series, dimension = np.divmod(np.arange(len(lengths)), self.dimensions)
        shift = (np.cumsum(longest) - longest)[series] - (np.cumsum(lengths) - lengths)
        values[np.arange(len(numbers)) + np.repeat(shift, lengths), np.repeat(dimension, lengths)] = numbers
        return values

    def _clock(self, lengths: Rows) -> dict[str, Any]:
        """Read and check the times; return the keyword arguments ``times`` and ``units`` of ``Panel``."""
        lines = np.repeat(self.lines, lengths).tolist()
        clock = read_clock(_Times(pa.table({"time": self.times}), self.name, lines=lines), "time")
        if clock.zones:
            self.notes.append(
                f"times in {self.name} have several time zones ({', '.join(clock.zones)}); all were converted to UTC"
            )
        series = np.repeat(np.arange(len(lengths)), lengths)
        disordered = np.flatnonzero((clock.times[1:] <= clock.times[:-1]) & (series[1:] == series[:-1]))
        if len(disordered):
            index = disordered[0]
            first, second = clock.times[index : index + 2]
            raise DataError(
                f"expected increasing times within each series, got {format_time(second)} after {format_time(first)} "
                f"in {self.location(int(series[index]))}; sort the values by time"
            )
        return {"times": clock.times, "units": {"time": "UTC"} if clock.zone else {}}


def _parse_floats(cells: Any) -> tuple[Doubles, int | None]:
    """Parse numbers; return them and the index of the first cell that is no number or is too large."""
    try:
        column = cells.cast(pa.float64())
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim_whitespace(cells)
        words = pc.if_else(pc.is_in(pc.utf8_lower(trimmed), MISSING), pa.scalar(None, trimmed.type), trimmed)
        readable = pc.match_substring_regex(words, NUMBER).fill_null(True).to_numpy(zero_copy_only=False)
        if not readable.all():
            return np.zeros(0, dtype=np.float64), int(np.argmin(readable))
        column = words.cast(pa.float64())
    numbers: Doubles = column.to_numpy(zero_copy_only=False)
    infinite = np.abs(numbers) > LARGEST_NUMBER
    return numbers, int(np.argmax(infinite)) if infinite.any() else None


def _class_name(word: str) -> str:
    """Format a class, whole numbers without a decimal point."""
    return str(int(float(word))) if DECIMAL.fullmatch(word) and float(word).is_integer() else word


def _read_ucr(lines: list[tuple[int, str]], series: ArchiveSeries, *, spaces: bool) -> None:
    series.ucr = True
    for number, line in lines:
        series.lines.append(number)
        text = "\t".join(BLANKS_OR_COMMA.split(line.strip())) if spaces else line
        word, tab, values = text.partition("\t")
        if not tab or not word.strip():
            raise DataError(
                f"expected a class and values separated by tabs, got {line[:40]!r} in {series.location(-1)}; .tsv and "
                ".txt files must have the format of the UCR archive, without a header"
            )
        series.classes.append(_class_name(word.strip()))
        series.values.append(values)
    _require_classes(series)


def _require_classes(series: ArchiveSeries) -> None:
    """Check that the first cells of the lines are classes, not measurements or times of a table without a header."""
    numbers = [word for word in series.classes if re.match(NUMBER, word)]
    lines, distinct = len(series.classes), len({*numbers})
    measured = 2 * distinct > lines and not all(float(word).is_integer() for word in numbers)
    if lines >= FEWEST_MEASURED and (measured or distinct == lines):
        raise DataError(
            f"expected the class of a series at the beginning of each line of {series.name}, as in the UCR archive, "
            f"got {listing(numbers, 4)}; if the lines are steps, write a line with the names of the columns above them"
        )


def _read_uea(lines: list[tuple[int, str]], series: ArchiveSeries, label: bool) -> None:
    content = iter([(number, line.strip()) for number, line in lines if not line.lstrip().startswith("#")])
    header = _read_header(content, series.name)
    regression, timed = (header[key][0] == "true" for key in ("@targetlabel", "@timestamp"))
    if regression and label:
        raise LabelError(
            f"expected classes in {series.name}, got a regression target (@targetlabel); limelight supports "
            "classification only"
        )
    has_target = regression or header["@classlabel"][0] == "true"
    classes = {_class_name(word) for word in header["@classlabel"][1:]} if label else set()
    series.dimensions = int(header["@dimension"][0]) or int(header["@univariate"][0] == "true")
    stray = 0
    for number, line in content:
        series.lines.append(number)
        fields = AFTER_PAIR.split(line) if timed else line.split(":")
        stray += _strip_stray(fields, series.dimensions + has_target if series.dimensions else None, has_target)
        series.dimensions = series.dimensions or max(len(fields) - has_target, 1)
        if len(fields) != series.dimensions + has_target:
            expected = _counted(series.dimensions, "dimension") + (" and the class" if has_target else "")
            raise DataError(
                f"expected {expected}, separated by ':', got {_counted(len(fields), 'field')} in "
                f"{series.location(-1)}; correct the line, or the header"
            )
        if has_target:
            word = _class_name(fields.pop().strip())
            if not word or (classes and word not in classes):
                raise DataError(
                    f"expected a class listed by @classLabel, got {word!r} in {series.location(-1)}"
                    f"{nearest(word, sorted(classes))}"
                )
            series.classes.append(word)
        if not any(fields):
            raise DataError(series.describe_empty(-1))
        series.values += _split_pairs(fields, series) if timed else fields
    if stray:
        series.notes.append(
            f"ignored separators at the end of the values in {_counted(stray, 'line')} of {series.name}"
        )


def _strip_stray(fields: list[str], expected: int | None, has_target: bool) -> bool:
    """Remove separators that nothing follows: after the last value of a dimension, and after the last field."""
    stray = False
    if (
        len(fields) > 1
        and not fields[-1].strip(" ,")
        and (len(fields) - 1 == expected or (has_target and not expected))
    ):
        fields.pop()
        stray = True
    for index, text in enumerate(fields):
        if STRAY.search(text) and (bare := STRAY.sub("", text)):
            fields[index] = bare
            stray = True
    return stray


def _read_relational(path: Path, series: ArchiveSeries) -> None:
    """Read an ARFF file with one relational attribute, whose rows are the dimensions of a series."""
    file = read_arff(path, series.name)
    relational = [index for index, kind in enumerate(file.kinds) if kind == "relational"]
    if len(relational) > 1:
        raise DataError(
            f"expected one relational attribute in {series.name}, got {len(relational)}; save its dimensions as rows "
            "of one attribute"
        )
    words = [index for index, kind in enumerate(file.kinds) if kind == "word"]
    series.dimensions = 0
    for line, row in zip(file.lines, file.rows, strict=True):
        series.lines.append(line)
        fields = [one for one in (row[relational[0]] or "").split("\\n") if one.strip()]
        series.dimensions = series.dimensions or len(fields)
        if not fields:
            raise DataError(series.describe_empty(-1))
        if len(fields) != series.dimensions:
            raise DataError(
                f"expected {_counted(series.dimensions, 'dimension')} in every series, got {len(fields)} in "
                f"{series.location(-1)}; correct the line"
            )
        series.values += fields
        if words:
            word = row[words[-1]]
            if word is None:
                raise DataError(f"expected a class in every row of {series.name}, got none in {series.location(-1)}")
            series.classes.append(_class_name(word))


def _split_pairs(fields: list[str], series: ArchiveSeries) -> list[str]:
    """Split "(time,value),(time,value)" into times, added to ``series``, and the values of each dimension, returned."""
    if not all(PAIRS.fullmatch(text) for text in fields):
        raise DataError(
            "expected pairs (time,value),(time,value) because of @timeStamps true in the header, got something else in "
            f"{series.location(-1)}; correct the line, or the header"
        )
    times, values = zip(*[zip(*PAIR.findall(text), strict=True) for text in fields], strict=True)
    if len(set(times)) > 1:
        raise DataError(
            f"expected the same times in every dimension of a series, got different ones in {series.location(-1)}; "
            "resample the dimensions to the same times"
        )
    series.times += times[0]
    return [",".join(dimension) for dimension in values]


def _read_header(lines: Iterator[tuple[int, str]], name: str) -> dict[str, tuple[str, ...]]:
    """Read the header up to @data; return the words after each key, keys in lower case and singular."""
    header: dict[str, tuple[str, ...]] = {**dict.fromkeys(FLAGS, ("false",)), "@dimension": ("0",)}
    for number, line in lines:
        key, *words = line.split()
        key = key.lower().removesuffix("s")
        if key == "@data":
            return header
        if not key.startswith("@"):
            raise DataError(
                f"expected a header line that begins with @, or @data before the series, got {line[:40]!r} in line "
                f"{number} of {name}; .ts files must have the format of the UEA archive"
            )
        if key in header:
            expected, pattern = ("true or false", BOOLEAN)
            if key == "@dimension":
                expected, pattern = ("a number above 0", "[1-9][0-9]*")
            if not re.fullmatch(pattern, " ".join(words[:1]), re.IGNORECASE):
                raise DataError(f"expected {expected} after {line.split()[0]}, got {line!r} in line {number} of {name}")
            header[key] = (words[0].lower(), *words[1:])
    raise DataError(f"expected a line @data before the series in {name}, got none; the file is incomplete")
