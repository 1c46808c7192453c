"""Load the arrays of .npy, .npz and .mat files, without running code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.reading.mat_structure import readable_variables
from limelight.errors import DataError


def load_npy(path: Path, name: str) -> NDArray[Any]:
    """Load the array of a .npy file, of any shape; DataError if it is damaged or holds Python objects."""
    _require_start(path, name, b"\x93NUMPY", "a NumPy array")
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except Exception as error:  # NumPy evaluates the header, with errors of any kind
        if "allow_pickle" in str(error):
            raise DataError(_objects(name)) from error
        raise DataError(
            f"expected a NumPy array, got {name}, which is damaged or of another type; save it again"
        ) from error
    return array


def _require_start(path: Path, name: str, start: bytes, content: str) -> None:
    with path.open("rb") as file:
        if not file.read(len(start)) == start:
            raise DataError(f"expected {content}, got {name}, which is damaged or of another type; save it again")


def _objects(name: str) -> str:
    return (
        f"expected arrays of numbers and words in {name}, got Python objects, which may run code when they are "
        "loaded; save series of different lengths padded with NaN, with their lengths as an array 'lengths' in .npz"
    )


def load_npz(path: Path, name: str) -> dict[str, NDArray[Any]]:
    """Load the arrays of a .npz file by name, of any shapes; DataError as ``load_npy``."""
    _require_start(path, name, b"PK", "a file of numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
        return {key: array for key, array in found.items() if isinstance(array, np.ndarray)}  # others are bytes
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds for damaged files
        if "allow_pickle" in str(error):
            raise DataError(_objects(name)) from error
        raise DataError(
            f"expected a file of numpy.savez, got {name}, which is damaged or of another type; save it again"
        ) from error


def load_mat(path: Path, name: str) -> dict[str, NDArray[Any]]:
    """Load the arrays of a .mat file by name; those of a single structure by their fields.

    Parameters
    ----------
    path, name
        The file, and its name in messages.

    Returns
    -------
    dict[str, NDArray[Any]]
        Arrays of numbers, words and cells by name, of any shapes.

    Raises
    ------
    DataError
        If the file is damaged, or has version 7.3.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=readable_variables(path))
    except NotImplementedError as error:
        raise DataError(
            f"expected a MATLAB file of version 7 or earlier, got {name}, which has version 7.3 (HDF5); save it in "
            "MATLAB with save(..., '-v7')"
        ) from error
    except Exception as error:  # SciPy checks little: a damaged file ends in errors of any kind
        raise DataError(
            f"expected a MATLAB file, got {name}, which is damaged or of another type; save it again"
        ) from error
    arrays = {
        key: array for key, array in content.items() if not key.startswith("__") and isinstance(array, np.ndarray)
    }
    only = next(iter(arrays.values())) if len(arrays) == 1 else np.array(0)
    if only.dtype.names is None or only.size != 1:
        return arrays
    fields = {key: only[key].item() for key in only.dtype.names}
    return {key: array for key, array in fields.items() if isinstance(array, np.ndarray)}
