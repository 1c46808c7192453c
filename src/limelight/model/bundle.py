"""A fitted model as a folder: ``weights.safetensors`` and ``model.json``. Nothing in it is ever executed.

Format 3. ``model.json`` holds ``format`` ("limelight-model"), ``version`` (3), ``task``, ``sentence`` (the
architecture), ``channels``, ``fitted_on`` and ``weights_sha256``. A newer version than the reader's is rejected. In
version 1 the architecture had no entries for missing values and the clock: missing values were rejected, and only the
order of the steps was used. Up to version 2, metadata without learned weights had the shares of the words of a text,
hashed to 64 columns by default. An architecture without a ``fusion`` entry reads no metadata. A model that encodes text
with a sentence encoder keeps a copy of that encoder in ``text_encoder``, also as safetensors and JSON; the vocabulary
holds the hashes of its files. ``profile.json`` holds statistics of the training series, which new series are checked
against; a model without this file checks nothing.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as tensors_as_bytes
from torch import Tensor

from limelight.data.profile.training_profile import TrainingProfile
from limelight.errors import LimelightError, ModelFolderError, as_sentence, listing
from limelight.files import whole_folder
from limelight.model.batching import shape_of
from limelight.model.description import (
    FORMAT,
    MODEL_FILE,
    TEXT_FOLDER,
    VERSION,
    checked_path,
    damaged_description,
    load_description,
    model_folder,
    read_description,
    with_text_folder,
)
from limelight.model.evidence_profile import EvidenceProfile
from limelight.model.fitted import FittedModel
from limelight.model.novelty import NoveltyScore
from limelight.model.texts import ENCODER_FILES
from limelight.nn.network import Network

PROFILE = "evidence_profile"
"""Name of the baseline of evidence among the weights."""
WEIGHTS_FILE, PROFILE_FILE = "weights.safetensors", "profile.json"


def save_model(model: FittedModel, folder: Path | str) -> Path:
    """Write a model to a folder; on an error nothing is written.

    Parameters
    ----------
    model
        The model to save.
    folder
        The folder to write; a model folder that already exists there is replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    ModelFolderError
        If a folder of that name exists and is not a model; it is left unchanged. If the files of the text encoder have
        changed since the model was fitted.
    """
    folder = checked_path(folder)
    if folder.exists() and not _may_be_replaced(folder):
        raise ModelFolderError(f"{str(folder)!r} already exists and is not a model; choose another name for the model")
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    if model.profile is not None:
        state[PROFILE] = torch.from_numpy(np.ascontiguousarray(model.profile.means, dtype=np.float32))
    if model.novelty is not None:
        state |= model.novelty.to_tensors()
    weights = tensors_as_bytes(state)
    encoder = None if model.vocabulary is None else model.vocabulary.text_encoder
    content = {
        "format": FORMAT,
        "version": VERSION,
        "task": model.task.to_json(),
        "sentence": with_text_folder(model.architecture, None if encoder is None else TEXT_FOLDER).to_json(),
        "channels": list(model.channels),
        "fitted_on": model.fitted_on,
        "vocabulary": None if model.vocabulary is None else model.vocabulary.to_json(),
        "decision": model.decision.to_json(),
        "offset": None if model.offset is None else model.offset.tolist(),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    with whole_folder(folder) as temporary:
        (temporary / WEIGHTS_FILE).write_bytes(weights)
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        (temporary / MODEL_FILE).write_text(text + "\n", encoding="utf-8")
        if model.training_profile is not None:
            profile = json.dumps(model.training_profile.to_json(), ensure_ascii=False, allow_nan=False)
            (temporary / PROFILE_FILE).write_text(profile + "\n", encoding="utf-8")
        if encoder is not None:
            encoder.copy_to(temporary / TEXT_FOLDER)
    return folder


def _may_be_replaced(folder: Path) -> bool:
    """Whether a folder is empty, or holds a limelight model and nothing else."""
    if not folder.is_dir():
        return False
    names = {file.name for file in folder.iterdir()}
    if not names:
        return True
    try:
        read_description(folder)
    except ModelFolderError:
        return False
    texts = {file.name for file in (folder / TEXT_FOLDER).glob("*")}
    return names <= {MODEL_FILE, WEIGHTS_FILE, PROFILE_FILE, TEXT_FOLDER} and texts <= set(ENCODER_FILES)


def load_model(folder: Path | str) -> FittedModel:
    """Load a model that ``save_model`` wrote; nothing in the folder is executed.

    Parameters
    ----------
    folder
        The model folder, or a run folder with the model in its subfolder ``model``.

    Returns
    -------
    FittedModel
        The model, ready to predict.

    Raises
    ------
    ModelFolderError
        If the folder is missing, damaged, not a limelight model, or of a newer version; or if the encoder of the model
        is not registered.
    """
    folder = model_folder(folder)
    found = load_description(folder)
    weights = _read_weights(folder, found.weights_sha256)
    task, channels = found.task, found.channels
    try:
        profile = _read_profile(weights.pop(PROFILE, None), task.outputs)
        novelty = NoveltyScore.from_tensors(weights)
        with torch.device("meta"):  # allocates nothing, so a forged size cannot exhaust memory
            network = Network(found.architecture, len(channels), task.outputs, shape_of(found.vocabulary))
    except ModelFolderError:
        raise
    except (LimelightError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        raise damaged_description(folder, error) from error
    weights = _with_typical(network, weights)
    _require_same_shapes(network, weights, folder)
    _require_numbers(weights, folder)
    read = network.feature_width
    if novelty is not None and len(novelty.scale) != read:
        raise ModelFolderError(
            f"{str(folder)!r} is damaged: expected a novelty score of {read} features, got {len(novelty.scale)}; save "
            "the model again"
        )
    network.load_state_dict(weights, assign=True)
    network.eval()
    training = _read_training_profile(folder, channels)
    return FittedModel(
        task,
        found.architecture,
        network,
        channels,
        found.fitted_on,
        found.vocabulary,
        found.decision,
        found.offset,
        profile,
        training,
        novelty,
    )


def _read_training_profile(folder: Path, channels: tuple[str, ...]) -> TrainingProfile | None:
    """Return the training profile; models saved before there was one have none."""
    file = folder / PROFILE_FILE
    if not file.is_file():
        return None
    try:
        profile = TrainingProfile.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelFolderError(f"{str(file)!r} is damaged ({as_sentence(error)}); save the model again") from error
    if profile.channel_names != channels:
        raise ModelFolderError(f"{str(file)!r} has other channels than {MODEL_FILE}; save the model again")
    return profile


def _read_profile(saved: Tensor | None, outputs: int) -> EvidenceProfile | None:
    """Return the baseline of evidence; models saved before there was one share it equally."""
    if saved is None:
        return None
    means = saved.double().numpy()
    if means.ndim != 4 or len(means) != outputs or means.shape[2] != 2 or 0 in means.shape:
        raise ValueError(f"expected an evidence profile for {outputs} outputs, got shape {means.shape}")
    if not np.isfinite(means).all():
        raise ValueError("expected finite numbers in the evidence profile, got NaN or infinity")
    return EvidenceProfile(means)


def _read_weights(folder: Path, expected_hash: Any) -> dict[str, Tensor]:
    file = folder / WEIGHTS_FILE
    try:
        weights = file.read_bytes()
    except OSError as error:
        raise ModelFolderError(
            f"{str(file)!r} cannot be read ({error.strerror}); a model needs this file next to {MODEL_FILE}"
        ) from error
    if hashlib.sha256(weights).hexdigest() != expected_hash:
        raise ModelFolderError(
            f"{str(file)!r} does not match its hash in {MODEL_FILE}: the file was damaged, truncated or replaced; "
            "save the model again"
        )
    try:
        tensors: dict[str, Tensor] = load_tensors(weights)
    except SafetensorError as error:
        raise ModelFolderError(f"{str(file)!r} is damaged ({as_sentence(error)}); save the model again") from error
    return tensors


def _require_numbers(weights: dict[str, Tensor], folder: Path) -> None:
    """Check that no weight is NaN, which a fit never leaves; ModelFolderError otherwise."""
    wrong = [name for name, tensor in sorted(weights.items()) if tensor.isnan().any()]
    if wrong:
        raise ModelFolderError(
            f"{str(folder / WEIGHTS_FILE)!r} is damaged: NaN in {listing(wrong)}; save the model again"
        )


def _with_typical(network: Network, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Add what the evidence of models saved before there were typical features is relative to: 0."""
    missing = [(name, one) for name, one in network.state_dict().items() if name.endswith(".typical")]
    return {**{name: torch.zeros(one.shape, dtype=one.dtype) for name, one in missing}, **weights}


def _require_same_shapes(network: Network, weights: dict[str, Tensor], folder: Path) -> None:
    wanted = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
    given = {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise ModelFolderError(
                f"{str(folder)!r} is damaged: {MODEL_FILE} and {WEIGHTS_FILE} disagree about {name!r}; "
                "save the model again"
            )
