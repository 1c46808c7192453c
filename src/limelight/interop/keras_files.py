"""Read a Keras model as layers with their settings and arrays, from a file or a live model; no code is executed.

A ``.keras`` file is a zip archive of ``config.json`` and ``model.weights.h5``; an ``.h5`` file holds the configuration
as an attribute. Both are written by Keras 2 and Keras 3.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import ModelFolderError, ParameterError, counted, nearest

LayerArrays = tuple[NDArray[np.float64], ...]
SUFFIXES = (".keras", ".h5", ".hdf5")
LARGEST_CONFIG, LARGEST_WEIGHTS = 1 << 26, 1 << 30
"""The most bytes of a configuration and of the weights that are read."""
DEEPEST = 8
"""The most groups below each other in the weights of a layer."""
OPERATIONS = {
    "math.multiply": "Multiply",
    "math.reduce_sum": "Sum",
    "nn.softmax": "Softmax",
    "linalg.matmul": "Matmul",
    "expand_dims": "ExpandDims",
    "squeeze": "Squeeze",
}
"""Functions that Keras 2 writes as ``TFOpLambda``, and the operation of Keras 3 that does the same."""


@dataclass(frozen=True)
class KerasLayer:
    """One layer or operation of a Keras model.

    Parameters
    ----------
    name, kind
        Its name in the model, and the name of its class.
    config
        Its settings.
    inputs
        Names of the layers whose outputs it reads.
    arrays
        Its weights in the order of ``layer.get_weights()``.
    calls
        How often the model applies it.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    arrays: LayerArrays = ()
    calls: int = 1


@dataclass(frozen=True)
class KerasModel:
    """A Keras model as data.

    Parameters
    ----------
    layers
        By name, in the order of the model.
    outputs
        Names of the layers that are the outputs.
    version
        The version of Keras that wrote it; empty if unknown.
    gives_logits
        Whether the loss that it was compiled with takes logits.
    """

    layers: Mapping[str, KerasLayer]
    outputs: tuple[str, ...]
    version: str = ""
    gives_logits: bool = False


def read_keras(model: Any, weights: Sequence[Any] | None = None) -> KerasModel:
    """Read a Keras model.

    Parameters
    ----------
    model
        The path of a ``.keras``, ``.h5`` or ``.hdf5`` file; a live model; or the configuration of one, as
        ``model.to_json()`` returns it, as text or dict.
    weights
        With a configuration only: the arrays of ``model.get_weights()``.

    Returns
    -------
    KerasModel
        Its layers, with their arrays.

    Raises
    ------
    ModelFolderError
        If the file is missing, damaged or no Keras model, or the weights do not match the layers.
    ParameterError
        If ``model`` or ``weights`` is of another type, or h5py is needed and not installed.
    """
    is_text = isinstance(model, str) and model.lstrip().startswith("{")
    if is_text or isinstance(model, Mapping):
        if weights is None:
            raise ParameterError(
                "expected weights with the configuration of a Keras model, got none; pass weights=model.get_weights()"
            )
        content = _parse(model, "the configuration") if isinstance(model, str) else model
        return _with_flat_weights(_read_config(content, "the configuration"), weights)
    if weights is not None:
        raise ParameterError("expected weights only with a configuration, got both a model and weights; omit weights")
    if isinstance(model, (str, Path)):
        return _read_file(Path(model))
    if not all(hasattr(model, name) for name in ("to_json", "get_weights", "layers")):
        raise ParameterError(
            f"expected a Keras model, a path of a .keras or .h5 file, or a configuration, got {type(model).__name__}"
        )
    found = _read_config(_parse(model.to_json(), "the configuration"), "the model")
    found = replace(found, gives_logits=bool(getattr(getattr(model, "loss", None), "from_logits", False)))
    return _with_arrays(found, {layer.name: _as_arrays(layer.get_weights()) for layer in model.layers})


def _read_file(path: Path) -> KerasModel:
    name = repr(str(path))
    if path.suffix.lower() not in SUFFIXES:
        raise ParameterError(f"expected a Keras model as a .keras, .h5 or .hdf5 file, got {name}; save it as .keras")
    if not path.is_file():
        siblings = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        near = nearest(path.name, [one for one in siblings if one.endswith(SUFFIXES)])
        raise ModelFolderError(f"there is no Keras model at {name}{near}")
    h5py = _require_h5py()
    try:
        return _read_archive(path, name, h5py) if zipfile.is_zipfile(path) else _read_legacy(path, name, h5py)
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        if isinstance(error, (ModelFolderError, ParameterError)):
            raise
        raise ModelFolderError(f"{name} is damaged or no Keras model ({error}); save the model again") from error


def _read_archive(path: Path, name: str, h5py: Any) -> KerasModel:
    """Read the format of Keras 3, also written by Keras 2.12 and newer."""
    with zipfile.ZipFile(path) as archive:
        for member, most in (("config.json", LARGEST_CONFIG), ("model.weights.h5", LARGEST_WEIGHTS)):
            if member not in archive.namelist():
                raise ModelFolderError(f"{name} is no Keras model: {member!r} is missing; save it with model.save")
            if archive.getinfo(member).file_size > most:
                raise ModelFolderError(f"{name} is too large: {member!r} has more than {most >> 20} MiB")
        content = _parse(archive.read("config.json"), name)
        is_described = "metadata.json" in archive.namelist()
        version = _parse(archive.read("metadata.json"), name).get("keras_version", "") if is_described else ""
        weights = io.BytesIO(archive.read("model.weights.h5"))
    model = replace(_read_config(content, name), version=str(version))
    with h5py.File(weights, "r") as file:
        return _with_arrays(model, _arrays_by_path(model, file, h5py, name))


def _read_legacy(path: Path, name: str, h5py: Any) -> KerasModel:
    """Read the HDF5 format of Keras 2, which Keras 3 writes too."""
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise ModelFolderError(
                f"{name} holds no configuration of a Keras model; save the whole model with model.save, or pass "
                "model.to_json() and weights=model.get_weights()"
            )
        content = dict(_parse(file.attrs["model_config"], name))
        if "training_config" in file.attrs:
            content["compile_config"] = _parse(file.attrs["training_config"], name)
        model = replace(_read_config(content, name), version=_text(file.attrs.get("keras_version", "")))
        budget = _Budget(name)
        groups = _group(file, "model_weights", h5py, name)
        arrays = {}
        for layer in (_text(one) for one in groups.attrs["layer_names"]):
            group = _group(groups, layer, h5py, name)
            paths = [_text(one) for one in group.attrs["weight_names"]]
            arrays[layer] = tuple(_dataset(group, one, h5py, budget) for one in paths)
    return _with_arrays(model, arrays)


def _arrays_by_path(model: KerasModel, file: Any, h5py: Any, name: str) -> dict[str, LayerArrays]:
    """Return the arrays of every layer; groups are named by class and counted, not by layer."""
    layers, budget = _group(file, "layers", h5py, name), _Budget(name)
    seen: dict[str, int] = {}
    arrays = {}
    for layer in model.layers.values():
        stem = _snake_case(layer.kind)
        count = seen.get(stem, 0)
        seen[stem] = count + 1
        group = f"{stem}_{count}" if count else stem
        if group in layers:
            found = _arrays_below(_group(layers, group, h5py, name), h5py, budget, DEEPEST)
            arrays[layer.name] = tuple(found)
    return arrays


def _arrays_below(group: Any, h5py: Any, budget: _Budget, depth: int) -> Iterator[NDArray[np.float64]]:
    """Yield the variables of a group in order, then those of its parts; a forward layer before a backward layer."""
    if depth == 0:
        raise ModelFolderError(f"{budget.name} is damaged: groups of weights lie within each other without end")
    if "vars" in group:
        variables = _group(group, "vars", h5py, budget.name)
        for key in sorted(variables, key=lambda key: (len(key), key)):
            yield _dataset(variables, key, h5py, budget)
    parts = [key for key in group if key not in ("vars", "seed_generator")]
    for key in sorted(parts, key=lambda key: (key != "forward_layer", key)):
        yield from _arrays_below(_group(group, key, h5py, budget.name), h5py, budget, depth - 1)


@dataclass
class _Budget:
    """Counts the bytes that a file makes us read."""

    name: str
    left: int = LARGEST_WEIGHTS

    def spend(self, size: int) -> None:
        """Count some bytes; raise ModelFolderError if a file declares more than fit."""
        self.left -= size
        if self.left < 0:
            raise ModelFolderError(
                f"{self.name} is too large: it holds weights of more than {LARGEST_WEIGHTS >> 20} MiB"
            )


def _group(parent: Any, key: str, h5py: Any, name: str) -> Any:
    found = _own(parent, key, h5py, name)
    if not isinstance(found, h5py.Group):
        raise ModelFolderError(f"{name} is damaged: the group {key!r} is missing; save the model again")
    return found


def _dataset(parent: Any, path: str, h5py: Any, budget: _Budget) -> NDArray[np.float64]:
    *groups, last = [part for part in path.split("/") if part]
    for key in groups:
        parent = _group(parent, key, h5py, budget.name)
    found = _own(parent, last, h5py, budget.name)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu":
        raise ModelFolderError(f"{budget.name} is damaged: the array {path!r} is missing or holds no numbers")
    if found.external is not None or found.is_virtual:
        raise ModelFolderError(f"{budget.name} is refused: the array {path!r} lies in another file")
    budget.spend(8 * int(np.prod(found.shape, dtype=object)))
    return _finite(np.asarray(found[()], dtype=np.float64), path)


def _own(parent: Any, key: str, h5py: Any, name: str) -> Any:
    """Return what a group itself holds; raise ModelFolderError for links, which may lead to other files."""
    link = parent.get(key, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise ModelFolderError(f"{name} is refused: {key!r} is a link, and a link can lead to another file")
    return parent.get(key)


def _read_config(content: Any, name: str) -> KerasModel:
    """Read the layers and their connections from a configuration."""
    kind = content.get("class_name") if isinstance(content, Mapping) else None
    config = content.get("config") if isinstance(content, Mapping) else None
    if kind not in ("Sequential", "Functional", "Model"):
        raise ModelFolderError(
            f"expected a Sequential or Functional model in {name}, got {kind or 'no model'!r}; rebuild a subclassed "
            "model with the functional API and copy its weights"
        )
    try:
        entries: Any = config["layers"] if isinstance(config, Mapping) else config
        is_chain = kind == "Sequential"
        layers = _chain(entries) if is_chain else [_layer(one, *_calls(one["inbound_nodes"])) for one in entries]
        outputs = (layers[-1].name,) if is_chain or config is None else _names(config["output_layers"])
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ModelFolderError(f"{name} is damaged: its configuration cannot be read ({error!r})") from error
    by_name = {layer.name: layer for layer in layers}
    unknown = [one for layer in layers for one in layer.inputs if one not in by_name]
    unknown += [one for one in outputs if one not in by_name]
    if unknown or len(by_name) < len(layers):
        raise ModelFolderError(f"{name} is damaged: its layers are not connected; save the model again")
    return KerasModel(by_name, outputs, gives_logits=_takes_logits(content.get("compile_config")))


def _chain(entries: Sequence[Mapping[str, Any]]) -> list[KerasLayer]:
    """Return the layers of a Sequential model, with the input that older files leave out."""
    first = entries[0]
    layers: list[KerasLayer] = []
    if first["class_name"] != "InputLayer":
        shape = first["config"].get("batch_input_shape") or first.get("build_config", {}).get("input_shape")
        layers.append(KerasLayer(f"{first['config']['name']}_input", "InputLayer", {"batch_shape": shape}))
    for entry in entries:
        layers.append(_layer(entry, (layers[-1].name,) if layers else (), 1))
    return layers


def _layer(entry: Mapping[str, Any], inputs: tuple[str, ...], calls: int) -> KerasLayer:
    config, kind = dict(entry["config"]), str(entry["class_name"])
    if kind == "TFOpLambda" and config.get("function") in OPERATIONS:
        constants = entry["inbound_nodes"][0][-1]
        kind = OPERATIONS[config["function"]]
        config |= {key: value for key, value in constants.items() if not isinstance(value, list) or key == "axis"}
    name = entry.get("name") or config["name"]
    return KerasLayer(str(name), kind, config, inputs, calls=calls)


def _calls(nodes: Any) -> tuple[tuple[str, ...], int]:
    """Return the names of the inputs of the first call, and the number of calls."""
    return (tuple(_inputs_in(nodes[0])), len(nodes)) if nodes else ((), 1)


def _inputs_in(node: Any) -> Iterator[str]:
    """Yield the layers named in a call, in the format of Keras 3 or of Keras 2."""
    if isinstance(node, Mapping):
        if node.get("class_name") == "__keras_tensor__":
            yield _name_of(node["config"]["keras_history"])
        else:
            for value in node.values():
                yield from _inputs_in(value)
    elif isinstance(node, (list, tuple)):
        if _is_reference(node):
            yield _name_of(node)
            node = node[3:]
        for value in node:
            yield from _inputs_in(value)


def _is_reference(node: Sequence[Any]) -> bool:
    return len(node) in (3, 4) and isinstance(node[0], str) and all(type(one) is int for one in node[1:3])


def _name_of(reference: Sequence[Any]) -> str:
    """Return the name of a layer; its second output is a name that no layer has."""
    name, _, output = reference[:3]
    return str(name) if output == 0 else f"{name}[{output}]"


def _names(outputs: Any) -> tuple[str, ...]:
    listed = [outputs] if outputs and isinstance(outputs[0], str) else outputs
    return tuple(_name_of(one) for one in listed)


def _takes_logits(compiled: Any) -> bool:
    loss = compiled.get("loss") if isinstance(compiled, Mapping) else None
    config = loss.get("config") if isinstance(loss, Mapping) else None
    return bool(config.get("from_logits")) if isinstance(config, Mapping) else False


def _with_arrays(model: KerasModel, arrays: Mapping[str, LayerArrays]) -> KerasModel:
    layers = {name: replace(layer, arrays=arrays.get(name, ())) for name, layer in model.layers.items()}
    return replace(model, layers=layers)


def _with_flat_weights(model: KerasModel, weights: Sequence[Any]) -> KerasModel:
    """Deal the arrays of ``model.get_weights()`` to the layers, which have them one after the other."""
    left, arrays = list(_as_arrays(weights)), {}
    for name, layer in model.layers.items():
        count = count_of_arrays(layer.kind, layer.config)
        arrays[name], left = tuple(left[:count]), left[count:]
    wanted = sum(count_of_arrays(layer.kind, layer.config) for layer in model.layers.values())
    if wanted != len(weights):
        raise ModelFolderError(
            f"expected {counted(wanted, 'array')} for the layers of the configuration, got {len(weights)}; pass "
            "weights=model.get_weights() of the same model"
        )
    return _with_arrays(model, arrays)


def count_of_arrays(kind: str, config: Mapping[str, Any]) -> int:
    """Return the number of arrays that a layer has, 0 for a class that is not known.

    Example
    -------
    >>> count_of_arrays("Dense", {"use_bias": False}), count_of_arrays("LSTM", {})
    (1, 3)
    """
    if kind in ("Bidirectional", "TimeDistributed"):
        inner = config["layer"]
        return (1 + (kind == "Bidirectional")) * count_of_arrays(inner["class_name"], inner["config"])
    bias = int(config.get("use_bias", True))
    stored = int(config.get("mean") is None) * 3
    affine = int(config.get("scale", True)) + int(config.get("center", True))
    counts = {"LSTM": 2 + bias, "GRU": 2 + bias, "Dense": 1 + bias, "Embedding": 1}
    return {**counts, "Normalization": stored, "BatchNormalization": 2 + affine}.get(kind, 0)


def _as_arrays(weights: Sequence[Any]) -> LayerArrays:
    try:
        return tuple(_finite(np.asarray(one, dtype=np.float64), str(place)) for place, one in enumerate(weights))
    except (TypeError, ValueError) as error:
        if isinstance(error, ModelFolderError):
            raise
        raise ParameterError(f"expected weights as a list of arrays, got other values ({error})") from error


def _finite(array: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if not np.isfinite(array).all():
        raise ModelFolderError(f"expected finite weights, got NaN or infinity in {name!r}; train the Keras model again")
    return array


def _parse(text: Any, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelFolderError(f"{name} is damaged: its configuration is no JSON ({error})") from error


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _snake_case(name: str) -> str:
    """Return the name that Keras gives to the weights of a class: ``"time_distributed"`` for TimeDistributed."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _require_h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ParameterError(
            "a Keras file needs h5py, which is not installed; pip install 'limelight[keras]'"
        ) from error
    return h5py
