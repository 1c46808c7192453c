"""The description of a saved model, without its weights: all that reading new series needs. Needs no torch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limelight.errors import LimelightError, ModelFolderError, as_sentence, nearest, shown
from limelight.files import require_model_folder
from limelight.model.decision import Decision
from limelight.model.vocabulary import Vocabulary
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import OneHotContext
from limelight.parts.encoders import ENCODERS
from limelight.replacement import complete_replacement
from limelight.task import Task

FORMAT, VERSION = "limelight-model", 3
MODEL_FILE, TEXT_FOLDER = "model.json", "text_encoder"
DEFAULTS_OF_VERSION_1 = {"missing": "error", "clock": "order"}
TEXTS_OF_VERSION_2 = {"text_size": 64, "text_weighting": "share"}
NO_METADATA: dict[str, Any] = {"fusion": []}
KEYS = {"format", "version", "task", "sentence", "channels", "fitted_on", "weights_sha256"}


@dataclass(frozen=True, eq=False)
class ModelDescription:
    """A saved model without its network.

    Parameters
    ----------
    task, architecture, channels, fitted_on, vocabulary, decision, offset
        As for ``FittedModel``.
    weights_sha256
        The hash of the file of its weights.
    """

    task: Task
    architecture: Architecture
    channels: tuple[str, ...]
    fitted_on: dict[str, Any]
    vocabulary: Vocabulary | None
    decision: Decision
    offset: NDArray[np.float64]
    weights_sha256: Any


def load_description(folder: Path | str) -> ModelDescription:
    """Read the description of a saved model; nothing in the folder is executed.

    Parameters
    ----------
    folder
        The model folder, or a run folder with the model in its subfolder ``model``.

    Returns
    -------
    ModelDescription
        The description.

    Raises
    ------
    ModelFolderError
        If the folder is missing, its description is damaged, not of limelight, or of a newer version; or if the encoder
        of the model is not registered.
    """
    folder = model_folder(folder)
    content = read_description(folder)
    _require_registered(content["sentence"], folder)
    try:
        task = Task.from_json(content["task"])
        architecture = Architecture.from_json(_completed(content["sentence"], content["version"]))
        channels = tuple(str(name) for name in content["channels"])
        fitted_on = dict(content["fitted_on"])
        saved = content.get("vocabulary")  # version 1 has no such key
        vocabulary = None if saved is None else _with_text_encoder(Vocabulary.from_json(saved), folder)
        encoder = None if vocabulary is None else vocabulary.text_encoder
        architecture = with_text_folder(architecture, None if encoder is None else encoder.folder)
        decision = Decision.from_json(content["decision"], task) if "decision" in content else Decision()
        offset = _read_offset(content.get("offset"), len(channels))
    except ModelFolderError:
        raise
    except (LimelightError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        raise damaged_description(folder, error) from error
    return ModelDescription(
        task, architecture, channels, fitted_on, vocabulary, decision, offset, content["weights_sha256"]
    )


def _completed(sentence: dict[str, Any], version: int) -> dict[str, Any]:
    """Return the architecture with the entries that earlier versions of the format did not have."""
    sentence = {**NO_METADATA, **(DEFAULTS_OF_VERSION_1 if version == 1 else {}), **sentence}
    context = sentence.get("context")
    if version < 3 and isinstance(context, dict) and context.get("name") == OneHotContext.name:
        sentence["context"] = {**TEXTS_OF_VERSION_2, **context}
    return sentence


def damaged_description(folder: Path, error: Exception) -> ModelFolderError:
    """Return the error that names what is wrong in the description of a model."""
    return ModelFolderError(f"{str(folder / MODEL_FILE)!r} is damaged: {as_sentence(error)}; save the model again")


def model_folder(folder: Path | str) -> Path:
    """Return the folder of a model, which in a run is its subfolder, once a replacement that was killed is complete."""
    folder = checked_path(folder)
    complete_replacement(folder)
    return folder / "model" if (folder / "model" / MODEL_FILE).is_file() else folder


def read_description(folder: Path) -> dict[str, Any]:
    """Return the content of the file that describes a model; ModelFolderError if there is none."""
    file = folder / MODEL_FILE
    require_model_folder(folder)
    if not file.is_file():
        raise ModelFolderError(
            f"expected a model folder with the file {MODEL_FILE!r}, got {str(folder)!r} without that file; "
            "use a folder written by save() or by a run"
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelFolderError(f"{str(file)!r} is damaged ({as_sentence(error)}); save the model again") from error
    if not _is_encodable(content):
        raise ModelFolderError(f"{str(file)!r} is damaged: it has half of a surrogate pair; save the model again")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFolderError(f"{str(file)!r} was not written by limelight: its format is not {FORMAT!r}")
    if content.get("version") not in range(1, VERSION + 1):
        raise ModelFolderError(
            f"{str(file)!r} has format version {content.get('version')!r}, but this limelight reads versions up to "
            f"{VERSION}; update limelight"
        )
    missing = sorted(KEYS - set(content))
    if missing:
        raise ModelFolderError(f"{str(file)!r} is damaged: {missing[0]!r} is missing; save the model again")
    return content


def checked_path(folder: Any) -> Path:
    """Return the path of a model folder; ModelFolderError if there can be no such path."""
    if not isinstance(folder, (str, PathLike)) or not isinstance(os.fspath(folder), str):
        raise ModelFolderError(f"expected the path of a model folder as text, got {shown(folder)}; pass text or a Path")
    try:
        os.lstat(folder)
    except (OSError, ValueError) as error:
        if not isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)):
            reason = error.strerror if isinstance(error, OSError) else as_sentence(error)
            raise ModelFolderError(
                f"expected the path of a model folder, got {shown(folder)}: {reason}; choose another name"
            ) from error
    return Path(folder)


def with_text_folder(architecture: Architecture, folder: str | None) -> Architecture:
    """Return the architecture with the folder of its text encoder."""
    if "text_encoder" not in architecture.context.get_params():
        return architecture
    return replace(architecture, context=replace(architecture.context, text_encoder=folder))  # type: ignore[call-arg]


def _with_text_encoder(vocabulary: Vocabulary, folder: Path) -> Vocabulary:
    encoder = vocabulary.text_encoder
    return vocabulary if encoder is None else replace(vocabulary, text_encoder=encoder.at(folder / TEXT_FOLDER))


def _read_offset(saved: Any, channels: int) -> NDArray[np.float64]:
    """Return the offset of each channel; models saved before there was one are relative to 0."""
    offset = np.zeros(channels) if saved is None else np.asarray(saved, dtype=np.float64)
    if offset.shape != (channels,) or not np.isfinite(offset).all():
        raise ValueError(f"expected a finite offset for each of {channels} channels, got {saved!r}")
    return offset


def _require_registered(sentence: Any, folder: Path) -> None:
    """Raise ModelFolderError for an unregistered encoder; encoders of other packages are registered on import."""
    encoder = sentence.get("encoder") if isinstance(sentence, dict) else None
    name = encoder.get("name") if isinstance(encoder, dict) else encoder
    if isinstance(name, str) and name not in ENCODERS:
        raise ModelFolderError(
            f"the model in {str(folder)!r} has the encoder {name!r}, which is not registered; import the package that "
            f"registers it before loading the model{nearest(name, ENCODERS)}"
        )


def _is_encodable(content: Any) -> bool:
    """Whether no word in the content of a JSON file has a lone surrogate."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
