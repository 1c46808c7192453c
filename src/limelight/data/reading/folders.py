"""Find what a folder holds: series in one file or in many, and the tables that belong to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from limelight.data.reading.array_files import is_partner
from limelight.data.reading.compression import stem_of, suffix_of
from limelight.data.reading.datasets import is_partitioned
from limelight.data.reading.file_names import CLASS_FOLDERS, without_labels
from limelight.data.reading.formats import (
    DELIMITED_TEXT,
    FORMAT_OF,
    FORMATS,
    OTHER_TEXT,
    TABLE,
    TABLE_SUFFIXES,
    describe_suffixes,
    endings,
    has_known_suffix,
    is_other_text,
    is_table,
    remedy_for,
)
from limelight.data.splitting.part_words import are_parts
from limelight.data.store.open import is_store
from limelight.errors import DataError, listing

TABLES = ("labels", "metadata", "signals", "split")
NO_DATA = ("readme", "license", "licence", "changelog", "notes", "records", "requirements", "description")
ARCHIVE = ("ts", "ucr", "arff")
ABOUT_DATA = (".txt", ".dat", ".data", ".asc")
"""Suffixes of files that may only describe the data."""
MOST_ENTRIES = 10_000
"""Files and folders among which series are looked for that lie too deep."""
PART_FOLDERS = "{split}/{id}"


@dataclass(frozen=True)
class FolderContent:
    """The series of a folder and the tables that belong to them.

    Parameters
    ----------
    series
        A store, a file or a folder of partitions, or several files; the URL of a dataset.
    tables
        The files of labels, metadata, signals and split that exist, by these names.
    names
        What the names of the files mean, if files or folders are named after the parts of a split, or folders are
        classes; else None.
    """

    series: str | Path | list[Path]
    tables: Mapping[str, str | Path] = field(default_factory=dict)
    names: str | None = None


def folder_content(folder: Path) -> FolderContent:
    """Find the series in a folder, and the tables next to them.

    A store and a folder of Parquet partitions such as ``site=B`` are taken as they are; a file ``series`` of any format
    comes before other files. Otherwise, all files of the one
    format that is there are series, and if there are none, the files in its folders are, with the folders as classes.
    Files or folders that are named ``train`` and ``test`` name the parts of the split.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    FolderContent
        What was found.

    Raises
    ------
    DataError
        If there are no series, or files of several formats; the message lists them.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("a.csv", "b.csv", "labels.csv"):
    ...     (folder / name).touch()
    >>> content = folder_content(folder)
    >>> [path.name for path in content.series], list(content.tables)
    (['a.csv', 'b.csv'], ['labels'])
    """
    if is_store(folder):
        return FolderContent(folder, _tables_in(folder))
    tables = _tables_in(folder)
    series_file = _named(folder, "series", FORMAT_OF)
    if series_file is not None:
        return FolderContent(series_file, tables)
    if is_partitioned(folder):
        return FolderContent(folder, tables)
    files = [path for path in _data_files(folder) if path not in tables.values()]
    if files:
        series = _of_one_format(files, folder)
        parts = all(is_table(path) for path in series) and are_parts(stem_of(path) for path in series)
        return FolderContent(series, tables, "{split}" if parts else None)
    inside = _files_inside(folder)
    of_parts = are_parts(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    if not inside and of_parts:
        inside = [path for one in sorted(folder.iterdir()) if one.is_dir() for path in _files_inside(one)]
    if not inside:
        raise DataError(_nothing(folder))
    series = _of_one_format(inside, folder)
    several = len({path.parent for path in series}) > 1
    names = _meaning(series, folder, of_parts=of_parts) if several else None
    return FolderContent(series, tables, without_labels(names) if "labels" in tables else names)


def _files_inside(folder: Path) -> list[Path]:
    return [path for one in sorted(folder.iterdir()) if one.is_dir() for path in _data_files(one)]


def _meaning(series: Sequence[Path], folder: Path, *, of_parts: bool) -> str:
    """Return what the names of files in folders mean: a class, a part, or both."""
    if not of_parts:
        return CLASS_FOLDERS
    return PART_FOLDERS if series[0].parent.parent == folder else f"{{split}}/{CLASS_FOLDERS}"


def _tables_in(folder: Path) -> dict[str, Path]:
    found = {name: _named(folder, name, (".csv", *TABLE_SUFFIXES, ".tsv")) for name in TABLES}
    return {name: path for name, path in found.items() if path is not None}


def _named(folder: Path, name: str, suffixes: Iterable[str]) -> Path | None:
    """Return the first file of a name with one of some suffixes, also compressed; None if there is none."""
    files = (folder / f"{name}{ending}" for suffix in suffixes for ending in endings(suffix))
    return next((one for one in files if one.is_file()), None)


def _data_files(folder: Path) -> list[Path]:
    """List the files of known formats in a folder, without hidden files and those that only describe the data.

    Files of text with other suffixes, such as ``.dat``, are those of a folder without any of these; logs are not, as
    they may lie beside the data.
    """
    files = [one for one in sorted(folder.iterdir()) if one.is_file() and not one.name.startswith((".", "~", "_"))]
    files = [one for one in files if not stem_of(one).lower().startswith(NO_DATA) or suffix_of(one) not in ABOUT_DATA]
    known = [one for one in files if has_known_suffix(one) and not is_partner(one)]
    return known or [one for one in files if suffix_of(one) != ".log" and is_other_text(one)]


def _of_one_format(files: Sequence[Path], folder: Path) -> list[Path]:
    """Return the files if they have one format; of the archive's formats, the first that is there."""
    suffixes: dict[str, list[Path]] = {}
    for path in files:
        suffixes.setdefault(suffix_of(path), []).append(path)
    kinds = {FORMAT_OF.get(suffix, DELIMITED_TEXT).name for suffix in suffixes}
    tables = {one.name for one in FORMATS if one.kind == TABLE}
    ordered = [suffix for suffix in (*FORMAT_OF, *OTHER_TEXT) if suffix in suffixes]
    if len(suffixes) == 1 or (kinds <= set(ARCHIVE) and not kinds & tables):
        return suffixes[ordered[0]]
    if "wfdb" in kinds and not (kinds - {"wfdb"} - {"ucr"}):
        return suffixes[".hea"]
    counts = ", ".join(f"{len(suffixes[suffix])} {suffix}" for suffix in ordered)
    raise DataError(
        f"expected series in files of one format in {str(folder)!r}, got {counts}; name the series with a pattern such "
        f"as {str(folder / ('*' + ordered[0]))!r}, and other tables with --labels, --metadata or --split"
    )


def _deeper_file(folder: Path) -> Path | None:
    """Return the first file of a known format that lies deeper than the folders in a folder; None if there is none."""
    files = (one for one in islice(folder.rglob("*"), MOST_ENTRIES) if has_known_suffix(one) and one.is_file())
    relative = (one.relative_to(folder) for one in files)
    visible = (one for one in relative if not any(part.startswith((".", "~", "_")) for part in one.parts))
    return min((one for one in visible if len(one.parts) > 2), default=None)


def _nothing(folder: Path) -> str:
    deeper = _deeper_file(folder)
    if deeper is not None:
        folders = len(deeper.parts) - 1
        pattern = str(folder / Path(*["*"] * folders, f"*{deeper.name.removeprefix(stem_of(deeper))}"))
        levels = "".join(f"{{folder_{level}}}/" for level in range(2, folders + 1))
        return (
            f"expected series in {str(folder)!r} or in the folders in it, got files further inside, such as "
            f"{str(deeper)!r}; name them with the pattern {pattern!r}, and what their folders mean with --names, such "
            f"as --names '{{label}}/{levels}{{id}}'"
        )
    names = sorted(one.name for one in folder.iterdir())
    hints = [remedy for remedy in (remedy_for(Path(name)) for name in names) if remedy]
    remedy = hints[0] if hints else "name the table itself, or write an experiment file"
    return (
        f"expected a store, {describe_suffixes()} in {str(folder)!r}, got "
        f"{listing(names) or 'an empty folder'}; {remedy}"
    )
