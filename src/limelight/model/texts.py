"""Texts: free text as hashed words, or as the vectors of a sentence encoder that lies in a local folder."""

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
    """A static sentence encoder of model2vec, known by what is in its files; made by ``read_text_encoder``.

    The vector of a text is the mean of those of its words or parts of words. The encoder is loaded from its folder when
    a text is to be encoded, and never from anywhere else.

    Parameters
    ----------
    size
        Length of a vector, at least 1.
    files
        The SHA-256 of each of its files, by name.
    folder
        Where they lie, absolute; not saved and not compared.
    """

    size: PositiveInt
    files: dict[EncoderFile, str] = field(hash=False)
    folder: str = field(default="", compare=False)

    def encode(self, texts: Values) -> NDArray[np.float32]:
        """Encode texts as vectors.

        Parameters
        ----------
        texts
            "" where missing, shape (n,).

        Returns
        -------
        NDArray[np.float32]
            NaN for a text that is missing or has no word that the encoder knows, shape (n, size).

        Raises
        ------
        ParameterError
            If model2vec is not installed.
        ModelFolderError
            If the folder no longer holds the encoder.
        """
        vectors = np.full((len(texts), self.size), np.nan, dtype=np.float32)
        there = texts != ""
        if there.any():
            different, place = np.unique(texts[there], return_inverse=True)
            model = _loaded(self.folder, tuple(self.files.items()))
            if model.dim != self.size:
                raise ModelFolderError(
                    f"expected a text encoder with vectors of {self.size} numbers in {self.folder!r}, got one of "
                    f"{model.dim}; save the model again"
                )
            made = model.encode(different.tolist(), max_length=None, use_multiprocessing=False).astype(np.float32)
            made[~made.any(axis=1)] = np.nan  # zeros: no word was known
            vectors[there] = made[place]
        return vectors

    def at(self, folder: Path) -> Self:
        """Return the same encoder in another folder; ModelFolderError if it is missing."""
        _require_files(str(folder), self.files)
        return replace(self, folder=str(folder.resolve()))

    def copy_to(self, folder: Path) -> None:
        """Copy the files into a new folder; ModelFolderError if they are no longer those of the training."""
        _require_files(self.folder, self.files)
        folder.mkdir()
        for name in ENCODER_FILES:
            shutil.copyfile(Path(self.folder, name), folder / name)
        _require_files(str(folder), self.files)


def read_text_encoder(folder: str) -> TextEncoder:
    """Read a sentence encoder that model2vec saved; nothing is ever downloaded.

    Parameters
    ----------
    folder
        What ``StaticModel.save_pretrained`` wrote: ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

    Returns
    -------
    TextEncoder
        Ready to encode.

    Raises
    ------
    ParameterError
        If there is no such folder, a file is missing or damaged, or model2vec is not installed.

    Source
    ------
    Tulkens and van Dongen, Model2Vec: Fast State-of-the-Art Static Embeddings, 2024.
    """
    path = Path(folder).resolve()
    if not path.is_dir():
        raise ParameterError(
            f"expected a folder with a text encoder, there is none at {folder!r}; nothing is downloaded: save one with "
            "StaticModel.save_pretrained of model2vec, and name its folder"
        )
    missing = [name for name in ENCODER_FILES if not (path / name).is_file()]
    if missing:
        raise ParameterError(
            f"expected a text encoder of model2vec in {folder!r}, got a folder without {listing(missing)}; name the "
            "folder that StaticModel.save_pretrained wrote"
        )
    files = {name: _digest(path / name) for name in ENCODER_FILES}
    size = int(_loaded(str(path), tuple(files.items())).dim)
    return TextEncoder(size, files, str(path))


def read_texts(
    texts: Mapping[str, Values], n: int, *, buckets: int, encoder: TextEncoder | None, notes: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Convert text fields to tokens, or to vectors if there is a text encoder.

    Parameters
    ----------
    texts
        The cells of each field by its name, "" where missing, each shape (n,).
    n
        Number of series.
    buckets
        How many different tokens there are, at least 1.
    encoder
        Makes vectors; None makes tokens.
    notes
        Where to say in which series there is a text without any word that the encoder knows.

    Returns
    -------
    tuple[NDArray[np.int64], NDArray[np.float32]]
        Tokens, 1 to ``buckets``, padded with 0, shape (n, T, L), and vectors, shape (n, T, size); of one of the two
        there are none (T is 0).

    Example
    -------
    >>> notes = np.array(["pump is loud", ""], dtype=object)
    >>> tokens, vectors = read_texts({"note": notes}, 2, buckets=8, encoder=None, notes=[])
    >>> tokens.tolist(), vectors.shape
    ([[[6, 8, 1]], [[0, 0, 0]]], (2, 0, 0))
    """
    if encoder is None:
        return _hashed(list(texts.values()), n, buckets), np.zeros((n, 0, 0), dtype=np.float32)
    vectors = np.zeros((n, len(texts), encoder.size), dtype=np.float32)
    for place, (name, cells) in enumerate(texts.items()):
        vectors[:, place] = encoder.encode(cells)
        strange = cells[np.isnan(vectors[:, place, 0]) & (cells != "")]
        if len(strange):
            notes.append(
                f"metadata {name!r} has no word that the text encoder knows in {len(strange)} series: "
                f"{listing(np.unique(strange).tolist())}; treated as unknown"
            )
    return _hashed([], n, buckets), vectors


def _hashed(texts: list[Values], n: int, buckets: int) -> NDArray[np.int64]:
    words = [[re.findall(r"\b\w\w+\b", text.lower()) for text in cells] for cells in texts]
    longest = max((len(tokens) for field in words for tokens in field), default=0)
    hashed = np.zeros((n, len(texts), max(1, longest)), dtype=np.int64)
    for row, place in np.ndindex(n, len(texts)):
        codes = [zlib.crc32(token.encode()) % buckets + 1 for token in words[place][row]]
        hashed[row, place, : len(codes)] = codes
    return hashed


@lru_cache(maxsize=2)
def _loaded(folder: str, files: tuple[tuple[EncoderFile, str], ...]) -> Any:
    """Load an encoder once; its folder is absolute and there, so that model2vec never takes it for a name online."""
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise ParameterError(
            "expected model2vec to read text by a sentence encoder, it is not installed; pip install 'limelight[text]'"
        ) from error
    _require_files(folder, dict(files))
    try:
        model = StaticModel.from_pretrained(folder, force_download=False)
    except Exception as error:  # tokenizers and safetensors raise whatever the damage leads to
        raise ParameterError(
            f"the text encoder in {folder!r} cannot be read ({error}); save it again with StaticModel.save_pretrained"
        ) from error
    if wrong := int((~np.isfinite(model.embedding)).any(axis=1).sum()):
        raise ParameterError(
            f"expected finite numbers in the text encoder in {folder!r}, got others for {counted(wrong, 'word')}; take "
            "another encoder"
        )
    return model


def _require_files(folder: str, files: Mapping[EncoderFile, str]) -> None:
    for name in ENCODER_FILES:
        file = Path(folder, name)
        if not file.is_file():
            raise ModelFolderError(
                f"the text encoder of the model is gone: there is no file {str(file)!r}; put it back as it was, or fit "
                "the model again"
            )
        if _digest(file) != files.get(name):
            raise ModelFolderError(
                f"{str(file)!r} is not the file that the model was fitted with: it was damaged, cut short or "
                "exchanged; put it back as it was, or fit the model again"
            )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
