"""Read arrays of series and labels from .npy, .npz and .mat files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.data.array_labels import attach_labels
from limelight.data.arrays import as_panel, join_panels
from limelight.data.panel import Panel
from limelight.data.reading.array_channels import AXES, are_axes, join_channels
from limelight.data.reading.array_loading import load_mat, load_npy, load_npz
from limelight.errors import DataError, LabelError, listing, shown

ROLES = {
    "X": ("x", "data", "series", "values", "signals", "inputs"),
    "y": ("y", "label", "labels", "target", "targets"),
    "ids": ("ids", "id", "series_id", "series_ids", "names"),
    "channels": ("channels", "channel_names", "feature_names"),
    "lengths": ("lengths", "length"),
    "times": ("times", "time", "t"),
}
"""Names of the arrays in lower case, by what they hold."""
OF_ONE_ARRAY = "save X.transpose(0, 2, 1), or pass X to the estimator with layout='nct'"
OF_SERIES = ("y", "ids", "lengths")
"""Arrays with an entry for each series."""
POSITIONAL = ("arr_0", "arr_1")
"""Names that numpy.savez gives to arrays without names."""
PART_OF_WORD = {
    "train": "train",
    "test": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
PART_AT_END = re.compile(r"(.*?)[_\- .]?(train|test|validation|valid|val)", re.IGNORECASE)
PART_AT_BEGINNING = re.compile(r"(train|test|validation|valid|val)[_\- .]?(.+)", re.IGNORECASE)
WORD_IN_STEM = re.compile(r"[_\- .]")

Array = NDArray[Any]


def is_partner(path: Path) -> bool:
    """Whether a .npy file holds labels, ids or the like for the series in another file.

    Example
    -------
    >>> is_partner(Path("y_train.npy")), is_partner(Path("X_train.npy"))
    (True, False)
    """
    return path.suffix.lower() == ".npy" and _stem_role(path.stem)[0] not in ("X", None)


def hold_recordings(paths: Sequence[Path]) -> bool:
    """Whether each of several files of arrays is one series, as nothing else tells the series apart.

    Parameters
    ----------
    paths
        Files of one format: .npy, .npz or .mat.

    Returns
    -------
    bool
        True for an array of one dimension, for a file whose arrays are channels, and for several files without labels,
        ids or lengths whose arrays have at most two. False if a file is named after what it holds, such as
        ``X_train.npy``.
    """
    if len(paths) == 1 and paths[0].suffix.lower() == ".npy":
        return _dimensions(paths[0]) == 1
    if paths[0].suffix.lower() == ".npy":
        partners = {(part, rest) for role, part, rest in map(_stem_role, _stems_beside(paths)) if role in OF_SERIES}
        named = [_stem_role(path.stem) for path in paths]
        if any(role == "X" or part or (part, rest) in partners for role, part, rest in named):
            return False
        return all(_dimensions(path) in (1, 2) for path in paths)
    arrays = _arrays_in(paths[0], repr(str(paths[0])))
    found = _roles_in(arrays)
    if any(part or (role in OF_SERIES and arrays[key].size > 1) for key, (role, part) in found.items()):
        return False
    series = [arrays[key] for key, (role, _) in found.items() if role == "X"]
    if len(paths) == 1:
        joined = None if series else join_channels(_without_role(arrays, found), repr(str(paths[0])))
        return joined is not None and len(joined.keys) == len(joined.names)  # matrices may hold a series in each row
    return all(array.ndim <= 2 and array.dtype.kind != "O" for array in series or arrays.values())


def labels_of_recordings(paths: Sequence[Path]) -> tuple[Path, Array] | None:
    """Return the file with one label for each .npy file beside it, such as ``y.npy``, and the labels; None if none."""
    for path in sorted(paths[0].parent.glob("*.npy")):
        if _stem_role(path.stem) == ("y", "", "") and path not in paths:
            labels = _plain_labels(load_npy(path, repr(str(path))), len(paths))
            return (path, labels) if labels.shape == (len(paths),) else None
    return None


def read_npy(path: Path, name: str, *, label: bool, recording: bool = False) -> Panel:
    """Read an array of series, and the labels, ids or channel names in the .npy files next to it.

    ``X.npy`` belongs to ``y.npy``, ``X_train.npy`` to ``y_train.npy``, and ``walk_data.npy`` to ``walk_labels.npy``.

    Parameters
    ----------
    path, name
        The file, and its name in messages.
    label
        Whether to read labels.
    recording
        Whether the file is one series of shape (time,) or (time, channels), not one in each row.

    Returns
    -------
    Panel
        The series, named by the file and their row; a recording by the file.

    Raises
    ------
    DataError, LabelError
        If the arrays cannot be used.
    """
    _, part, rest = _stem_role(path.stem)
    arrays = {"X": load_npy(path, name)}
    for other in sorted(path.parent.glob("*.npy")):
        role, other_part, other_rest = _stem_role(other.stem)
        if role not in ("X", None) and (other_part, other_rest) == (part, rest):
            arrays[role] = load_npy(other, repr(str(other)))
    if recording:
        return _recording_of(arrays, name, path.stem, label)
    stem = path.stem if not part else "_".join(word for word in (rest or "series", part) if word)
    return _panel_of(arrays, name, stem, label)


def read_arrays(path: Path, name: str, *, label: bool, recording: bool = False) -> Panel:
    """Read a .npz or .mat file with arrays ``X`` and ``y``, or ``X_train``, ``y_train``, ``X_test`` and ``y_test``.

    Parameters
    ----------
    path, name, label, recording
        As for ``read_npy``.

    Returns
    -------
    Panel
        The series of all parts; their ids name the part.

    Raises
    ------
    DataError, LabelError
        If there is no array of series, or the arrays cannot be used.
    """
    arrays = _arrays_in(path, name)
    roles_of_keys = _roles_in(arrays)
    found: dict[str, dict[str, Array]] = {}
    unused = []
    for key, array in arrays.items():
        role, part = roles_of_keys[key]
        if role is None or role in found.setdefault(part, {}):
            unused.append(key)
        else:
            found[part][role] = array
    common = found.get("", {})
    parts = {part: roles for part, roles in found.items() if "X" in roles}
    joined = join_channels(_without_role(arrays, roles_of_keys), name) if recording and not parts else None
    if joined is not None:
        panel = _recording_of({**common, "X": joined.values}, name, path.stem, label)
        left = [key for key in unused if key not in joined.keys]
        if "channels" not in common:
            panel = panel.replace(channels=tuple(joined.names), notes=(*panel.notes, joined.note))
        return panel.replace(notes=(*panel.notes, *_unread(left)))
    if not parts:
        key = _only_series(arrays, name, path.suffix.lower())
        parts = {"": {**common, "X": arrays[key]}}
        unused = [one for one in unused if one != key]
    if recording and len(parts) == 1:
        panel = _recording_of({**common, **parts.popitem()[1]}, name, path.stem, label)
        return panel.replace(notes=(*panel.notes, *_unread(unused)))
    shared: dict[str, Array] = {role: common[role] for role in ("channels", "times") if role in common}
    panels = [
        _panel_of({**shared, **parts[part]}, name, f"{path.stem}_{part}" if part else path.stem, label)
        for part in ("", "train", "validation", "test")
        if part in parts
    ]
    panel = panels[0] if len(panels) == 1 else join_panels(panels)
    if _are_positional(arrays):
        note = f"took 'arr_0' of {name} as the series and 'arr_1' as their labels, as they have no names"
        panel = panel.replace(notes=(*panel.notes, note))
    if unused:
        panel = panel.replace(notes=(*panel.notes, f"arrays of {name} that were not read: {listing(unused)}"))
    return panel


def _unread(keys: Sequence[str]) -> list[str]:
    """Return a note on arrays of a recording that were not read; without the file, as most have the same arrays."""
    return [f"arrays that were not read: {listing(keys)}"] if keys else []


def _roles_in(arrays: Mapping[str, Array]) -> dict[str, tuple[str | None, str]]:
    """Return the role and the part of each array; the axes of a sensor are channels, and arrays may have no names."""
    axes = AXES if are_axes(arrays) else ()
    if _are_positional(arrays):
        return dict(zip(POSITIONAL, (("X", ""), ("y", "")), strict=True))
    return {key: (None, "") if key.strip().lower() in axes else _key_role(key) for key in arrays}


def _are_positional(arrays: Mapping[str, Array]) -> bool:
    """Whether two arrays were saved without names, as ``numpy.savez(path, X, y)`` does: series and a label for each."""
    if {*arrays} != {*POSITIONAL}:
        return False
    series, labels = (arrays[key] for key in POSITIONAL)
    return series.ndim in (2, 3) and labels.shape in ((len(series),), (len(series), 1))


def _without_role(arrays: Mapping[str, Array], roles: Mapping[str, tuple[str | None, str]]) -> dict[str, Array]:
    return {key: array for key, array in arrays.items() if roles[key][0] is None}


def _arrays_in(path: Path, name: str) -> dict[str, Array]:
    return load_mat(path, name) if path.suffix.lower() == ".mat" else load_npz(path, name)


def _stems_beside(paths: Sequence[Path]) -> set[str]:
    return {other.stem for folder in {path.parent for path in paths} for other in folder.glob("*.npy")}


def _dimensions(path: Path) -> int | None:
    """Return the number of dimensions of the array in a .npy file, without reading it; None if that is not known."""
    try:
        return int(np.load(path, mmap_mode="r", allow_pickle=False).ndim)
    except Exception:  # the file is read later, with an error that names what is wrong
        return None


def _stem_role(stem: str) -> tuple[str | None, str, str]:
    """Return what a .npy file holds, its part, and the rest of its name."""
    part = ""
    words = [word for word in WORD_IN_STEM.split(stem) if word]
    kept = []
    role = None
    for word in words:
        lower = word.lower()
        if lower in PART_OF_WORD:
            part = PART_OF_WORD[lower]
        elif role is None and _role_of(lower) is not None:
            role = _role_of(lower)
        else:
            kept.append(lower)
    if role is None and len(kept) == 1 and not part:
        role, part = _key_role(kept[0])
        kept = [] if role else kept
    return role, part, "_".join(kept)


def _key_role(key: str) -> tuple[str | None, str]:
    """Return what an array holds and its part, such as ``("X", "train")`` for ``X_train``, ``trainX`` or ``Xtrain``."""
    lower = key.strip().lower()
    if _role_of(lower):
        return _role_of(lower), ""
    for pattern, role, part in ((PART_AT_END, 1, 2), (PART_AT_BEGINNING, 2, 1)):
        match = pattern.fullmatch(lower)
        if match and _role_of(match[role]):
            return _role_of(match[role]), PART_OF_WORD[match[part]]
    return None, ""


def _role_of(word: str) -> str | None:
    return next((role for role, names in ROLES.items() if word in names), None)


def _only_series(arrays: Mapping[str, Array], name: str, suffix: str) -> str:
    """Find the one array that may hold the series, if none has a usual name."""
    for dimensions in (3, 2):
        keys = [
            key
            for key, array in arrays.items()
            if array.ndim == dimensions and array.dtype.kind in "fiu" and min(array.shape) > 1
        ]
        if len(keys) == 1:
            return keys[0]
        if keys:
            break
    found = ", ".join(f"{shown(key)} {array.shape}" for key, array in islice(arrays.items(), 5)) or "no arrays"
    more = f" and {len(arrays) - 5} more" if len(arrays) > 5 else ""
    remedy = "save(..., 'X', 'y')" if suffix == ".mat" else "numpy.savez(path, X=X, y=y)"
    raise DataError(
        f"expected an array X of shape (n, time) or (n, time, channels) in {name}, got {found}{more}; name the series "
        f"X and their labels y: {remedy}"
    )


def _panel_of(arrays: Mapping[str, Array], name: str, stem: str, label: bool) -> Panel:
    """Build a Panel from the arrays of one part."""
    values = _series_of(arrays["X"], arrays.get("lengths"), name)
    panel = as_panel(values)
    notes = [*panel.notes]
    ids = _words(arrays["ids"], len(panel), "ids", name) if "ids" in arrays else None
    channels = None
    if "channels" in arrays:
        channels = tuple(_words(arrays["channels"], len(panel.channels), "channels", name))
    if isinstance(values, np.ndarray):
        notes.append(f"read {name} as {_shape_in_words(values)}")
    panel = panel.replace(
        ids=ids or [f"{stem}_{row}" for row in range(len(panel))],
        channels=channels or panel.channels,
        times=None if "times" not in arrays else _times(arrays["times"], panel, name),
        notes=notes,
    )
    return _with_labels(panel, arrays["y"], name) if label and "y" in arrays else panel


def _recording_of(arrays: Mapping[str, Array], name: str, stem: str, label: bool) -> Panel:
    """Build a Panel of one series from an array of shape (time,) or (time, channels)."""
    array = arrays["X"]
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2) or 0 in array.shape:
        raise DataError(
            f"expected one series of shape (time,) or (time, channels) in {name}, got an array of {array.dtype} of "
            f"shape {array.shape}; save one array of numbers for each series, or set layout='wide' (--set "
            "data.layout=wide) if each row is a series"
        )
    values = array.reshape(-1, 1) if array.ndim == 1 or len(array) == 1 else array
    channels = tuple(_words(arrays["channels"], values.shape[1], "channels", name)) if "channels" in arrays else None
    panel = as_panel([values], layout="ntc").replace(ids=[stem])
    panel = panel.replace(channels=channels or panel.channels)
    if "times" in arrays:
        panel = panel.replace(times=_times(arrays["times"], panel, name))
    if not label or "y" not in arrays:
        return panel
    labels = _plain_labels(np.asarray(arrays["y"]), arrays["y"].size)
    if labels.size != 1 and labels.shape[:1] != (len(values),):
        raise LabelError(
            f"expected one label of the series in {name}, or one for each of its {len(values)} steps, got an array of "
            f"shape {labels.shape}; save y of shape (1,) or ({len(values)},)"
        )
    return attach_labels(panel, labels) if labels.size == 1 else attach_labels(panel, [labels], "step")


def _shape_in_words(values: Array) -> str:
    series, steps, *channels = values.shape
    width = channels[0] if channels else 1
    return f"{series} series of {steps} steps and {width} channel{'s' if width != 1 else ''}"


def _series_of(array: Array, lengths: Array | None, name: str) -> Any:
    """Check an array of series; return it, or one array for each series if they differ in length."""
    if array.dtype.kind == "O":
        series = [np.asarray(one) for one in array.ravel()]
        series = [one.reshape(-1) if one.ndim == 2 and 1 in one.shape else one for one in series]
        if any(one.dtype.kind not in "fiub" or one.ndim not in (1, 2) for one in series):
            raise DataError(f"expected arrays of numbers (time, channels) in the cells of X in {name}, got others")
        require_time_first([one.shape for one in series if one.ndim == 2], name)
        return series
    if array.dtype.kind not in "fiub":
        raise DataError(f"expected numbers in X of {name}, got {array.dtype}; save the series as float64")
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise DataError(
            f"expected series of shape (n, time) or (n, time, channels) in {name}, got an array of shape "
            f"{array.shape}; save one row for each series"
        )
    if array.ndim == 3:
        require_time_first([array.shape[1:]], name)
    if lengths is None:
        return array
    counts = np.asarray(lengths).ravel()
    if len(counts) != len(array) or (counts < 1).any() or (counts > array.shape[1]).any():
        raise DataError(
            f"expected a length from 1 to {array.shape[1]} for each of the {len(array)} series in {name}, got others"
        )
    return [series[: int(count)] for series, count in zip(array, counts, strict=True)]


def require_time_first(shapes: Sequence[tuple[int, ...]], name: str, remedy: str = OF_ONE_ARRAY) -> None:
    """Check that no array looks like (channels, time); DataError with the remedy otherwise.

    Parameters
    ----------
    shapes
        The shape of each series, (time, channels).
    name
        The name of the file or folder in messages.
    remedy
        What to do about it.
    """
    if not shapes:
        return
    times, channels = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    if (len(times) == 1 and len(channels) > 1) or (len(channels) == 1 and max(times) < min(channels)):
        steps, width = shapes[0]
        raise DataError(
            f"expected series of shape (time, channels) in {name}, got {steps} time steps of {width} channels, which "
            f"looks like (channels, time); {remedy}"
        )


def _words(array: Array, count: int, content: str, name: str) -> list[str]:
    words = [str(_plain(word)) for word in np.asarray(array).ravel().tolist()]
    if len(words) != count:
        raise DataError(f"expected {count} {content} in {name}, got {len(words)}; save one for each")
    return [word.strip() for word in words]


def _plain(value: Any) -> Any:
    """Return the content of a cell of MATLAB, and whole numbers without a decimal point."""
    if isinstance(value, np.ndarray):
        return _plain(value.ravel()[0]) if value.size == 1 else "".join(map(str, value.ravel().tolist()))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _times(array: Array, panel: Panel, name: str) -> Array:
    """Return the time of each step: one clock for all series, or one for each."""
    array = np.asarray(array)
    longest = int(panel.lengths.max())
    flat = array.ravel()
    if flat.size == longest:
        return np.concatenate([flat[:length] for length in panel.lengths.tolist()])
    if array.shape[:2] == (len(panel), longest):
        return np.concatenate([row[:length] for row, length in zip(array, panel.lengths.tolist(), strict=True)])
    raise DataError(
        f"expected times of shape ({longest},) or ({len(panel)}, {longest}) in {name}, got {array.shape}; save one "
        "time for each step"
    )


def _plain_labels(labels: Array, count: int) -> Array:
    """Return labels as words if there is one for each series: whole numbers without a point, None if unknown."""
    if labels.dtype.kind == "O":
        labels = np.array([_plain(label) for label in labels.ravel().tolist()], dtype=object)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    if labels.size != count:
        return labels
    labels = labels.ravel()
    if labels.dtype.kind == "U":
        return np.char.strip(labels)
    if labels.dtype.kind in "iub":
        return labels.astype(str)
    known = labels[~np.isnan(labels)] if labels.dtype.kind == "f" else labels
    if labels.dtype.kind == "f" and (known == np.round(known)).all():
        return np.array([None if label != label else str(int(label)) for label in labels.tolist()], dtype=object)
    return labels


def _with_labels(panel: Panel, labels: Array, name: str) -> Panel:
    labels = _plain_labels(labels, len(panel))
    if labels.shape[:1] != (len(panel),):
        raise LabelError(
            f"expected one label for each of the {len(panel)} series in {name}, got an array of shape {labels.shape}; "
            "save y of shape (n,)"
        )
    if _is_one_hot(labels):
        note = f"took y of {name} as one-hot: the class of a series is the number of its column, from 0"
        panel = panel.replace(notes=(*panel.notes, note))
        labels = labels.argmax(axis=1).astype(str)
    try:
        return attach_labels(panel, labels)
    except LabelError:
        raise
    except ValueError as error:  # scikit-learn's error about numbers that are no classes
        raise LabelError(f"expected classes in y of {name}, got other numbers: {error}") from None


def _is_one_hot(labels: Array) -> bool:
    """Whether each row of labels (n, classes) has a single 1 among zeros."""
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "fiub":
        return False
    numbers = labels.astype(float)
    return bool(((numbers == 0) | (numbers == 1)).all() and (numbers.sum(axis=1) == 1).all())
