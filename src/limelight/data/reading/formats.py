"""Every file format that is read: suffixes, whether it holds a table or whole series, and the library it needs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

from limelight.data.reading.compression import COMPRESSIONS, compression_of, open_bytes, suffix_of, unpacking
from limelight.errors import DataError, ParameterError, nearest

TABLE, SERIES = "table", "series"


@dataclass(frozen=True)
class Format:
    """A file format.

    Parameters
    ----------
    name
        The name of the format in the code.
    suffixes
        The endings of its files, in lower case.
    kind
        ``"table"`` if rows and columns are read, ``"series"`` if a file holds complete series.
    description
        What a user has, for the help, messages and the docs.
    extra
        The extra of limelight that installs the library it needs, or None.
    library
        The module that this extra installs, or None.

    Example
    -------
    >>> Format("excel", (".xlsx",), TABLE, "a workbook", extra="excel", library="openpyxl").kind
    'table'
    """

    name: str
    suffixes: tuple[str, ...]
    kind: str
    description: str
    extra: str | None = None
    library: str | None = None


FORMATS = (
    Format("parquet", (".parquet",), TABLE, "a Parquet file"),
    Format("csv", (".csv",), TABLE, "a CSV file"),
    Format("excel", (".xlsx", ".xlsm"), TABLE, "an Excel workbook", "excel", "openpyxl"),
    Format("arrow", (".feather", ".arrow", ".ipc"), TABLE, "an Arrow or Feather file"),
    Format("json", (".jsonl", ".ndjson"), TABLE, "JSON lines"),
    Format("ts", (".ts",), SERIES, "a file of the UEA archive"),
    Format("ucr", (".tsv", ".txt"), SERIES, "a file of the UCR archive"),
    Format("arff", (".arff",), SERIES, "an ARFF file of the UCR/UEA archive"),
    Format("npy", (".npy",), SERIES, "a NumPy array (n, time) or (n, time, channels), with the labels in y.npy"),
    Format("npz", (".npz",), SERIES, "NumPy arrays X and y in one file"),
    Format("mat", (".mat",), SERIES, "MATLAB arrays X and y in one file"),
    Format("wfdb", (".hea",), SERIES, "a WFDB record (PhysioNet)", "wfdb", "wfdb"),
)
"""Earlier formats are preferred if a folder holds the same series in several."""
DELIMITED_TEXT = Format("csv", (".tsv", ".txt"), TABLE, "a table with a header, separated by tabs or blanks")
ARFF_TABLE = Format("arff_table", (".arff",), TABLE, "an ARFF file of numbers and words")
TEXT_FORMATS = ("csv", "json", "ts", "ucr", "arff")
"""Formats whose files may be compressed."""
OTHER_TEXT = (".dat", ".data", ".asc", ".prn", ".tab", ".log")
"""Suffixes of files that are read as ``DELIMITED_TEXT`` if their content is text."""
FORMAT_OF = {suffix: one for one in FORMATS for suffix in one.suffixes}
TABLE_SUFFIXES = tuple(suffix for suffix, one in FORMAT_OF.items() if one.kind == TABLE)
FRAME = "pass the DataFrame"
ELSEWHERE = {
    **dict.fromkeys((".xls", ".xlsb", ".ods", ".numbers"), "save it as .xlsx"),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), "read it with h5py and save the arrays X and y as .npz with numpy.savez"),
    ".nc": "read it with xarray, turn it into a DataFrame with to_dataframe().reset_index(), and save it as .parquet",
    **dict.fromkeys((".pkl", ".pickle"), f"load it with pandas.read_pickle and {FRAME}, or save it as .parquet"),
    ".json": f"save it as JSON lines (.jsonl), one object in each line, or load it with pandas.read_json and {FRAME}",
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), f"load it with pandas.read_sql and {FRAME}, or save it as .csv"),
    **dict.fromkeys(
        (".edf", ".bdf", ".gdf"), "read it with mne or pyedflib and save the signals as arrays X and y in .npz"
    ),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "save it in R with write.csv or arrow::write_parquet"),
    ".sav": f"load it with pandas.read_spss and {FRAME}, or save it as .csv",
    ".dta": f"load it with pandas.read_stata and {FRAME}, or save it as .csv",
    **dict.fromkeys((".sas7bdat", ".xpt"), f"load it with pandas.read_sas and {FRAME}, or save it as .csv"),
    ".orc": f"load it with pandas.read_orc and {FRAME}, or save it as .parquet",
    **dict.fromkeys((".pt", ".pth"), "load it with torch.load and save the arrays X and y as .npz with numpy.savez"),
    **dict.fromkeys((".wav", ".flac", ".mp3"), "read it with scipy.io.wavfile or soundfile and save arrays as .npz"),
    **dict.fromkeys((".mdf", ".mf4"), f"read it with asammdf (to_dataframe) and {FRAME}, or save it as .parquet"),
    ".tdms": f"read it with nptdms (as_dataframe) and {FRAME}, or save it as .parquet",
    **dict.fromkeys((".dat", ".atr"), "name the header of the WFDB record (.hea), or save a table of text as .csv"),
    ".xml": f"load it with pandas.read_xml and {FRAME}, or save it as .csv",
    **dict.fromkeys((".7z", ".tar", ".tgz", ".rar"), "unpack it, and pass the folder"),
    **COMPRESSIONS,
}
"""What to do with files of formats that are not read."""
HEADER_LINES = 3
CONTROL_CODES = frozenset((*range(9), *range(14, 27), *range(28, 32)))
"""Bytes that text does not hold."""
FEWEST_STEP_CELLS = 3


def format_of(path: Path) -> Format:
    """Return the format of a file, by its suffix and, for ``.tsv`` and ``.txt``, by its content.

    Text may be compressed: ``pumps.csv.gz`` is a CSV file.

    Parameters
    ----------
    path
        The file, which need not exist.

    Returns
    -------
    Format
        One of ``FORMATS``, or ``DELIMITED_TEXT``.

    Raises
    ------
    DataError
        If no such files are read; the message names what to do.

    Example
    -------
    >>> format_of(Path("pumps.XLSX")).name
    'excel'
    """
    suffix = suffix_of(path)
    with unpacking(path, repr(str(path))):
        if is_other_text(path):
            return DELIMITED_TEXT
        if not has_known_suffix(path):
            remedy = remedy_for(path) or "save the series as one of these"
            raise DataError(f"expected {describe_suffixes()}, got {str(path)!r}; {remedy}")
        return _format_of_content(FORMAT_OF[suffix], path)


def _format_of_content(found: Format, path: Path) -> Format:
    if found.name == "arff":
        return found if _is_relational(path) else ARFF_TABLE
    return DELIMITED_TEXT if found.name == "ucr" and has_header(path) else found


def has_known_suffix(path: Path) -> bool:
    """Whether files of this suffix are read, by their name alone.

    Example
    -------
    >>> [has_known_suffix(Path(name)) for name in ("a.csv", "a.csv.gz", "a.npy", "a.npy.gz")]
    [True, True, True, False]
    """
    found = FORMAT_OF.get(suffix_of(path))
    return found is not None and (not compression_of(path) or found.name in TEXT_FORMATS)


def is_other_text(path: Path) -> bool:
    """Whether a file of another suffix, such as ``.dat``, holds text; DataError if it is compressed and damaged."""
    with unpacking(path, repr(str(path))):
        return suffix_of(path) in OTHER_TEXT and _is_text(path)


def remedy_for(path: Path) -> str:
    """Return what to do with a file of a format that is not read; "" if nothing is known about it.

    Example
    -------
    >>> remedy_for(Path("a.npy.gz")), remedy_for(Path("a.xls")), remedy_for(Path("a.zzz"))
    ('unpack it with gunzip', 'save it as .xlsx', '')
    """
    return ELSEWHERE.get(suffix_of(path)) or ELSEWHERE.get(path.suffix.lower(), "")


def is_table(path: Path) -> bool:
    """Whether a file is read as a table of rows and columns; False if its format is not known."""
    return (has_known_suffix(path) or is_other_text(path)) and format_of(path).kind == TABLE


def endings(suffix: str) -> list[str]:
    """Return a suffix, and the same with that of each compression if files of this format may be compressed."""
    compressions = COMPRESSIONS if FORMAT_OF[suffix].name in TEXT_FORMATS else ()
    return [suffix, *(f"{suffix}{one}" for one in compressions)]


def describe_suffixes() -> str:
    """Return the suffixes of all formats in words, without those of compressed files.

    Example
    -------
    >>> describe_suffixes().startswith("a table (.parquet, .csv, ")
    True
    """
    series = [suffix for suffix, one in FORMAT_OF.items() if one.kind == SERIES]
    return f"a table ({', '.join(TABLE_SUFFIXES)}) or a file of series ({', '.join(series)})"


def require_library(found: Format, path: Path) -> None:
    """Check that the library that reads a format is installed; DataError with the pip command if not."""
    if found.library is not None and importlib.util.find_spec(found.library) is None:
        raise DataError(
            f"expected {found.library}, which reads {found.suffixes[0]} files, to read {str(path)!r}, but it is not "
            f"installed; install it with pip install 'limelight[{found.extra}]'"
        )


def has_header(path: Path) -> bool:
    """Whether the first line of a text file names columns, while the lines of the UCR archive begin with a class.

    A line is a header if none of its cells, or only those that number steps, are numbers: the values of a series are
    numbers, and only its class may be a word.
    """
    if not path.is_file():
        return False
    with open_bytes(path) as start:
        encoding = "utf-16" if start.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with TextIOWrapper(open_bytes(path), encoding, errors="replace") as file:
        lines = [line.rstrip("\r\n") for line in islice((one for one in file if one.strip()), HEADER_LINES)]
    comments = [line for line in lines if line.lstrip().startswith(("#", "%", "//"))]
    if comments:
        return True  # the archive has no comments; a table may
    if not lines:
        return False
    separator = next((sign for sign in ("\t", ";", "|", ",") if sign in lines[0]), None)
    cells = [cell.strip().strip('"') for cell in lines[0].split(separator)]
    words = [cell for cell in cells if not _is_value(cell)]
    if len(words) == len(cells):
        return len(cells) > 1
    return not _is_value(cells[0]) and _counts_up([cell for cell in cells if cell not in words])


def _is_text(path: Path) -> bool:
    """Whether a file exists and its first bytes are text."""
    if not path.is_file():
        return False
    with open_bytes(path) as file:
        head = file.read(1 << 12)
    return bool(head) and not set(head) & CONTROL_CODES


def _is_relational(path: Path) -> bool:
    if not path.is_file():
        return False
    with TextIOWrapper(open_bytes(path), "utf-8", errors="replace") as file:
        for line in file:
            words = line.lower().split()
            if words[:1] == ["@data"]:
                return False
            if words[:1] == ["@attribute"] and words[-1] == "relational":
                return True
    return False


def _is_value(cell: str) -> bool:
    if cell in ("", "?"):
        return True
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether cells are consecutive whole numbers from 0 or 1, at least three, as in a header of steps."""
    if len(cells) < FEWEST_STEP_CELLS or cells[0] not in ("0", "1"):
        return False
    return cells == [str(step) for step in range(int(cells[0]), int(cells[0]) + len(cells))]


LONGEST_HINT = 200
"""Letters of a hint at the files beside a path; a longer one helps nobody."""


def require_known_type(source: Path) -> None:
    """Require an experiment file, a folder, or a file of a type that is read; ParameterError if it is another."""
    if source.suffix.lower() == ".json" or has_known_suffix(source) or is_other_text(source) or source.is_dir():
        return
    remedy = f"; {remedy_for(source)}" if remedy_for(source) else ""
    raise ParameterError(
        f"expected an experiment file (.json), a folder, {describe_suffixes()}, got {str(source)!r}"
        + (remedy if source.exists() else f", which does not exist{_hint_at(source)}")
    )


def require_file(path: Path) -> None:
    """Require that a file exists; DataError, with the names of its neighbours, if not."""
    if not path.is_file():
        raise DataError(f"expected a file at {str(path)!r}, got {_describe_missing(path)}")


def _describe_missing(path: Path) -> str:
    """Describe what is at a path that is not a file, with a hint."""
    if path.is_dir():
        return "a folder; name the file in it"
    if not path.parent.is_dir():
        return f"none, nor a folder {str(path.parent)!r}; check the path"
    return f"none{_hint_at(path)}"


def _hint_at(path: Path) -> str:
    """Return a hint at the tables and folders beside a path that does not exist."""
    siblings = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    hint = nearest(path.name, [one.name for one in siblings if suffix_of(one) in TABLE_SUFFIXES or one.is_dir()])
    return hint if 0 < len(hint) < LONGEST_HINT else "; check the path"
