"""Texts: encode free text as hashed words, or as vectors of a sentence encoder from a local folder."""

from __future__ import annotations

import hashlib
import re
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from limelight.data.metadata import Values
from limelight.errors import ModelFolderError, ParameterError, counted, listing

EncoderFile = Literal["config.json", "model.safetensors", "tokenizer.json"]
ENCODER_FILES: tuple[EncoderFile, ...] = get_args(EncoderFile)


@dataclass(frozen=True)
class TextEncoder:
    """A static model2vec sentence encoder, identified by the hashes of its files; made by ``read_text_encoder``.

    The vector of a text is the mean of the vectors of its words or subwords. The encoder is loaded when a text is
    encoded, always from its local folder.

    Parameters
    ----------
    size
        Length of a vector, at least 1.
    files
        The SHA-256 of each file of the encoder, by file name.
    folder
        Absolute path of the files; neither saved nor compared.
    """

    size: PositiveInt
    files: dict[EncoderFile, str] = field(hash=False)
    folder: str = field(default="", compare=False)

    def encode(self, texts: Values) -> NDArray[np.float32]:
        """Encode texts as vectors.

        Parameters
        ----------
        texts
            The texts, "" if missing, shape (n,).

        Returns
        -------
        NDArray[np.float32]
            One vector per text, NaN if the text is missing or contains no word that the encoder knows, shape (n, size).

        Raises
        ------
        ParameterError
            If model2vec is not installed.
        ModelFolderError
            If the files of the encoder are missing or have changed.
        """
        vectors = np.full((len(texts), self.size), np.nan, dtype=np.float32)
        present = texts != ""
        if present.any():
            distinct, place = np.unique(texts[present], return_inverse=True)
            model = _load_static_model(self.folder, tuple(self.files.items()))
            if model.dim != self.size:
                raise ModelFolderError(
                    f"expected a text encoder with vectors of length {self.size} in {self.folder!r}, got length "
                    f"{model.dim}; save the model again"
                )
            encoded = model.encode(distinct.tolist(), max_length=None, use_multiprocessing=False).astype(np.float32)
            encoded[~encoded.any(axis=1)] = np.nan  # a vector of zeros means that the encoder knows no word
            vectors[present] = encoded[place]
        return vectors

    def at(self, folder: Path) -> Self:
        """Return this encoder with another folder; raise ModelFolderError if its files are not in that folder."""
        _require_files(str(folder), self.files)
        return replace(self, folder=str(folder.resolve()))

    def copy_to(self, folder: Path) -> None:
        """Copy the files to a new folder; raise ModelFolderError if they have changed since training."""
        _require_files(self.folder, self.files)
        folder.mkdir()
        for name in ENCODER_FILES:
            shutil.copyfile(Path(self.folder, name), folder / name)
        _require_files(str(folder), self.files)


def read_text_encoder(folder: str) -> TextEncoder:
    """Read a sentence encoder saved by model2vec; nothing is ever downloaded.

    Parameters
    ----------
    folder
        A folder written by ``StaticModel.save_pretrained``, with ``config.json``, ``model.safetensors`` and
        ``tokenizer.json``.

    Returns
    -------
    TextEncoder
        The encoder, ready for use.

    Raises
    ------
    ParameterError
        If the folder does not exist, a file is missing or damaged, or model2vec is not installed.

    Source
    ------
    Tulkens and van Dongen, Model2Vec: Fast State-of-the-Art Static Embeddings, 2024.
    """
    path = Path(folder).resolve()
    if not path.is_dir():
        raise ParameterError(
            f"there is no folder {folder!r} with a text encoder; nothing is downloaded: save an encoder with "
            "StaticModel.save_pretrained of model2vec, and use its folder"
        )
    missing = [name for name in ENCODER_FILES if not (path / name).is_file()]
    if missing:
        raise ParameterError(
            f"expected a model2vec text encoder in {folder!r}, got a folder without {listing(missing)}; use a folder "
            "written by StaticModel.save_pretrained"
        )
    files = {name: _digest(path / name) for name in ENCODER_FILES}
    size = int(_load_static_model(str(path), tuple(files.items())).dim)
    return TextEncoder(size, files, str(path))


def read_texts(
    texts: Mapping[str, Values], n: int, *, buckets: int, encoder: TextEncoder | None, notes: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Convert text fields to tokens, or to vectors if there is an encoder.

    Parameters
    ----------
    texts
        The texts of each field, by field name, "" if missing, each shape (n,).
    n
        Number of series.
    buckets
        Number of hash buckets for words, at least 1.
    encoder
        Encodes texts as vectors; None hashes their words to tokens.
    notes
        Receives a sentence for each field with texts that contain no word known to the encoder.

    Returns
    -------
    tuple[NDArray[np.int64], NDArray[np.float32]]
        Tokens, 1 to ``buckets``, padded with 0, shape (n, T, L), and vectors, shape (n, T, size); one of the two is
        empty (T is 0).

    Example
    -------
    >>> notes = np.array(["pump is loud", ""], dtype=object)
    >>> tokens, vectors = read_texts({"note": notes}, 2, buckets=8, encoder=None, notes=[])
    >>> tokens.tolist(), vectors.shape
    ([[[6, 8, 1]], [[0, 0, 0]]], (2, 0, 0))
    """
    if encoder is None:
        return _hash_words(list(texts.values()), n, buckets), np.zeros((n, 0, 0), dtype=np.float32)
    vectors = np.zeros((n, len(texts), encoder.size), dtype=np.float32)
    for place, (name, cells) in enumerate(texts.items()):
        vectors[:, place] = encoder.encode(cells)
        unknown = cells[np.isnan(vectors[:, place, 0]) & (cells != "")]
        if len(unknown):
            notes.append(
                f"metadata {name!r} has no word that the text encoder knows in {len(unknown)} series: "
                f"{listing(np.unique(unknown).tolist())}; treated as unknown"
            )
    return _hash_words([], n, buckets), vectors


def _hash_words(texts: list[Values], n: int, buckets: int) -> NDArray[np.int64]:
    words = [[re.findall(r"\b\w\w+\b", text.lower()) for text in cells] for cells in texts]
    longest = max((len(tokens) for field in words for tokens in field), default=0)
    hashed = np.zeros((n, len(texts), max(1, longest)), dtype=np.int64)
    for row, place in np.ndindex(n, len(texts)):
        codes = [zlib.crc32(token.encode()) % buckets + 1 for token in words[place][row]]
        hashed[row, place, : len(codes)] = codes
    return hashed


@lru_cache(maxsize=2)
def _load_static_model(folder: str, files: tuple[tuple[EncoderFile, str], ...]) -> Any:
    """Load an encoder once; model2vec would download a name that is not an existing (here absolute) folder."""
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise ParameterError(
            "a text encoder needs model2vec, which is not installed; pip install 'limelight[text]'"
        ) from error
    _require_files(folder, dict(files))
    try:
        model = StaticModel.from_pretrained(folder, force_download=False)
    except Exception as error:  # damaged files make tokenizers and safetensors raise various exceptions
        raise ParameterError(
            f"the text encoder in {folder!r} cannot be read ({error}); save it again with StaticModel.save_pretrained"
        ) from error
    if wrong := int((~np.isfinite(model.embedding)).any(axis=1).sum()):
        raise ParameterError(
            f"expected finite numbers in the text encoder in {folder!r}, got NaN or infinity for "
            f"{counted(wrong, 'word')}; use another encoder"
        )
    return model


def _require_files(folder: str, files: Mapping[EncoderFile, str]) -> None:
    for name in ENCODER_FILES:
        file = Path(folder, name)
        if not file.is_file():
            raise ModelFolderError(
                f"the text encoder of the model is missing: there is no file {str(file)!r}; restore the file, or fit "
                "the model again"
            )
        if _digest(file) != files.get(name):
            raise ModelFolderError(
                f"{str(file)!r} is not the file that the model was fitted with: it was damaged, truncated or "
                "replaced; restore the file, or fit the model again"
            )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
