"""Tables in many Parquet files, local or in an object store: partitions become columns, and only needed parts are read.

Hive partitions are folders such as ``site=B/day=2024-05-01``: the columns ``site`` and ``day`` of every row below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from limelight.data.places import file_system, list_place, url_of
from limelight.data.reading.row_filter import RowFilter
from limelight.errors import DataError, as_sentence, listing

PARTITION = re.compile(r"[^=/\\]+=[^/\\]*")
PIECE_ROWS = 1 << 17
"""Rows that are read at a time; some pieces are read ahead."""
PIECES_AHEAD = 4


@dataclass(frozen=True, eq=False)
class TableDataset:
    """A table that pyarrow reads in pieces, with projection and filter.

    Parameters
    ----------
    dataset
        A dataset of pyarrow.
    name
        The name of the table in messages.
    url
        Where the files are, if in an object store; else None.
    of_files
        Whether the pieces can be located in files; False for a dataset that the user made.
    """

    dataset: Any
    name: str
    url: str | None = None
    of_files: bool = True

    @property
    def columns(self) -> list[str]:
        """The column names, those of partitions included."""
        return list(self.dataset.schema.names)

    @property
    def partitions(self) -> tuple[str, ...]:
        """The columns that folders such as ``site=B`` make, which measure nothing."""
        path = self.dataset.files[0] if self.of_files else ""
        names = [part.partition("=")[0] for part in path.split("/") if PARTITION.fullmatch(part)]
        return tuple(name for name in names if name in self.columns)

    def pieces(
        self, columns: Sequence[str] | None = None, rows: RowFilter | None = None, size: int = PIECE_ROWS
    ) -> Iterator[tuple[pa.Table, str, int]]:
        """Iterate over the table in pieces.

        Parameters
        ----------
        columns
            The columns to read; None reads all.
        rows
            The rows to keep; None keeps all. Files and row groups that hold none of them are not read.
        size
            The most rows of a piece.

        Returns
        -------
        Iterator[tuple[Table, str, int]]
            Rows, the name of their file for messages, and the number of rows of that file that came before.

        Raises
        ------
        DataError
            If a file is damaged, or lacks a column.
        """
        chosen = None if columns is None else list(columns)
        expression = None if rows is None else rows.expression(self.dataset.schema, self.name)
        scanner = self.dataset.scanner(
            columns=chosen,
            filter=expression,
            batch_size=size,
            batch_readahead=PIECES_AHEAD,
            fragment_readahead=PIECES_AHEAD,
        )
        before: dict[str, int] = {}
        with self._errors():
            if not self.of_files:
                for first, batch in _counted(scanner.to_batches()):
                    yield pa.Table.from_batches([batch]), self.name, first
                return
            for tagged in scanner.scan_batches():
                path = tagged.fragment.path
                if path not in before:
                    self._require_columns(tagged.fragment, chosen or self.columns)
                first = before.setdefault(path, 0)
                before[path] += tagged.record_batch.num_rows
                yield pa.Table.from_batches([tagged.record_batch]), self._name_of(path, rows), first

    def table(self, rows: RowFilter | None = None) -> pa.Table:
        """Read the whole table into memory."""
        tables = [piece for piece, _, _ in self.pieces(rows=rows)]
        return pa.concat_tables(tables) if tables else self.dataset.schema.empty_table()

    def _name_of(self, path: str, rows: RowFilter | None) -> str:
        place = path if self.url is None else f"{self.url.partition('://')[0]}://{path.lstrip('/')}"
        return repr(place) if rows is None else f"the rows of {place!r} where {rows}"

    def _require_columns(self, fragment: Any, columns: Sequence[str]) -> None:
        """Check that a file has every column, as pyarrow would fill in those that it lacks."""
        partitions = {part.partition("=")[0] for part in fragment.path.split("/") if PARTITION.fullmatch(part)}
        absent = [name for name in columns if name not in (*fragment.physical_schema.names, *partitions)]
        if absent:
            raise DataError(
                f"expected the same columns in every file of {self.name}, got no {listing(absent)} in "
                f"{fragment.path!r}; make the columns the same, or read the files separately"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"cannot read {self.name}: {as_sentence(error)}; a file may be damaged, have columns of other types, "
                "or not be Parquet"
            ) from error


def is_pyarrow_dataset(series: Any) -> bool:
    """Whether an object is a dataset of pyarrow, without importing ``pyarrow.dataset``."""
    return any(f"{one.__module__}.{one.__name__}" == "pyarrow._dataset.Dataset" for one in type(series).__mro__)


def is_partitioned(folder: Path) -> bool:
    """Whether a local folder holds Parquet files in folders such as ``site=B``."""
    if not folder.is_dir():
        return False
    folders = [one for one in folder.iterdir() if one.is_dir() and PARTITION.fullmatch(one.name)]
    return any(True for one in sorted(folders)[:1] for _ in one.rglob("*.parquet"))


def is_partition_file(path: Path) -> bool:
    """Whether a path is a Parquet file below a folder such as ``site=B``."""
    return path.suffix.lower() == ".parquet" and any(PARTITION.fullmatch(part) for part in path.parts[:-1])


def dataset_at(place: str | Path, without: Sequence[str] = ()) -> TableDataset | None:
    """Open the Parquet files at a URL or below a partitioned local folder; None if there are other files.

    Parameters
    ----------
    place
        A file, a folder or a pattern.
    without
        URLs or paths of files that are not part of the table.

    Returns
    -------
    TableDataset or None
        Only the schema of the first file has been read.

    Raises
    ------
    DataError
        If there is nothing at the URL, or the first file cannot be read.
    """
    url = url_of(place)
    if url is None:
        files = [str(one) for one in sorted(Path(place).rglob("*.parquet")) if not one.name.startswith((".", "_"))]
        return dataset_of([one for one in files if one not in without], repr(str(place)))
    files = [one for one in list_place(url) if one not in without]
    if not files or not all(one.lower().endswith(".parquet") for one in files):
        return None
    return dataset_of(files, repr(url), url)


def dataset_of(files: Sequence[str], name: str, url: str | None = None) -> TableDataset:
    """Open Parquet files as one table; parameters as of ``TableDataset``, errors as of ``dataset_at``."""
    import pyarrow.dataset as datasets

    options = datasets.ParquetFragmentScanOptions(pre_buffer=url is not None)
    parquet = datasets.ParquetFileFormat(default_fragment_scan_options=options)
    system, paths = None, list(files)
    if url is not None:
        system = file_system(url)[0]
        paths = [system._strip_protocol(one) for one in files]
    try:
        opened = datasets.dataset(paths, filesystem=system, format=parquet, partitioning="hive")
    except pa.ArrowInvalid as error:
        raise DataError(
            f"expected complete Parquet files in {name}, got one that is damaged or of another type "
            f"({as_sentence(error, 120)}); write it again"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot read {name}: {as_sentence(error)}") from error
    return TableDataset(opened, name, url)


def _counted(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    first = 0
    for batch in batches:
        yield first, batch
        first += batch.num_rows
