"""Words that name the parts of a split: train, validation and test in several spellings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limelight.data.splitting.splits import PartName

_PART_OF_WORD: dict[str, PartName] = {
    "train": "train", "training": "train", "entrainement": "train", "apprentissage": "train", "entrenamiento": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "validierung": "validation", "validacion": "validation",
    "test": "test", "testing": "test", "holdout": "test", "prueba": "test",
}  # fmt: skip
"""The part of a word in lower case."""


def part_of(word: str) -> str:
    """Return the part of a split that a word names, or else the word.

    Example
    -------
    >>> part_of("TRAIN "), part_of("val"), part_of("tests")
    ('train', 'validation', 'tests')
    """
    return _PART_OF_WORD.get(word.strip().lower(), word)


def are_parts(words: Iterable[str]) -> bool:
    """Whether words name parts of a split and nothing else, among them a training and a test part.

    Example
    -------
    >>> are_parts(["Train", "Test"]), are_parts(["train", "bus"]), are_parts(["test", "test"])
    (True, False, False)
    """
    named = {part_of(word) for word in words}
    return {"train", "test"} <= named <= {"train", "validation", "test"}


def are_of_training(words: Iterable[str]) -> bool:
    """Whether words name the training or validation part of a split and nothing else.

    Example
    -------
    >>> are_of_training(["train", "dev"]), are_of_training(["train", "bus"]), are_of_training([])
    (True, False, False)
    """
    named = {part_of(word) for word in words}
    return bool(named) and named <= {"train", "validation"}


def parts_in(words: Sequence[str]) -> list[str] | None:
    """Return the part that each word names; None unless they are parts (``are_parts``).

    Example
    -------
    >>> parts_in(["TRAIN", "dev", "TEST"]), parts_in(["a", "test"])
    (['train', 'validation', 'test'], None)
    """
    return [part_of(word) for word in words] if are_parts(words) else None
