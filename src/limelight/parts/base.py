"""Part: the base of all parts, a dataclass whose fields are its parameters, checked before a network is built."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from limelight.errors import ParameterError, listing, nearest

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
"""A proportion, from 0 up to but not including 1."""
Units = Annotated[int, Field(ge=1, le=8192)]
"""Width of a layer."""


@dataclass
class Part:
    """Abstract base of encoders, poolings, heads, fusions and contexts; its fields are the parameters.

    Follows scikit-learn's parameter protocol (``get_params``, ``set_params``), so that a grid search can set
    ``encoder__hidden_size``. As in scikit-learn, the constructor does not check values; ``checked`` does.
    """

    name: ClassVar[str]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; raise ParameterError for an unknown name."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ParameterError(f"{self.name!r} has no parameter {name!r}{nearest(name, known)}")
            setattr(self, name, value)
        return self

    def checked(self) -> Self:
        """Return a copy whose parameters have the right type and range.

        Returns
        -------
        Self
            A part of the same class, with NumPy numbers converted to Python numbers.

        Raises
        ------
        ParameterError
            If a parameter is invalid; the message names the part, the parameter and the expected value.
        """
        plain = {key: _plain(value) for key, value in self.get_params().items()}
        try:
            part: Self = _adapter(type(self)).validate_python(plain)
        except ValidationError as error:
            raise ParameterError(f"{self.name!r}: {first_complaint(error)}") from None
        part._check_together()
        return part

    def _check_together(self) -> None:
        """Check conditions on more than one parameter; raise ParameterError if one is violated."""

    def to_json(self) -> dict[str, Any]:
        """Convert the part to JSON types: its name and all parameters."""
        plain = {key: _plain(value) for key, value in self.get_params().items()}
        return {"name": self.name, **plain}


_EXPECTED = {
    "missing": "{where} is missing; add it",
    "model_type": "expected {where} as an object {{...}}, got {got}",
    "dataclass_type": "expected {where} as an object {{...}}, got {got}",
    "greater_than_equal": "expected {where} of at least {ge}, got {got}",
    "greater_than": "expected {where} above {gt}, got {got}",
    "less_than_equal": "expected {where} of at most {le}, got {got}",
    "less_than": "expected {where} below {lt}, got {got}",
    "finite_number": "expected {where} as a finite number, got {got}; write another number",
    "int": "expected {where} as a whole number, got {got}",
    "float": "expected {where} as a number, got {got}",
    "bool": "expected {where} as true or false, got {got}",
    "string": "expected {where} as text, got {got}",
    "list": "expected {where} as a list, got {got}",
    "tuple": "expected {where} as a list, got {got}",
    "dict": "expected {where} as an object {{...}}, got {got}",
    "literal_error": "expected {where} to be {expected}, got {got}",
}
_SECTION = re.compile(r"[A-Z][A-Za-z]*(Section|Settings)")
"""Classes of the sections of an experiment file."""

AnySettings = TypeVar("AnySettings")


def build_checked(kind: type[AnySettings], values: Mapping[str, Any], name: str) -> AnySettings:
    """Build a dataclass of settings from keywords, each of the right type and range.

    Parameters
    ----------
    kind
        The dataclass.
    values
        Its keywords.
    name
        What users call these settings, for error messages.

    Returns
    -------
    AnySettings
        The checked settings.

    Raises
    ------
    ParameterError
        If a keyword is unknown, or a value has another type or is out of range; the message names the first of them.
    """
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ParameterError(f"{name} has no parameter {key!r}{nearest(key, known)}")
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        raise ParameterError(first_complaint(error)) from None


def first_complaint(error: ValidationError, name: str | None = None) -> str:
    """Format the first error of pydantic as one sentence without its jargon.

    Parameters
    ----------
    error
        The error raised by pydantic.
    name
        What users call the value; None for the keys that lead to it.

    Returns
    -------
    str
        For example ``"expected hidden_size of at least 1, got 0"``.
    """
    first = error.errors(include_url=False)[0]
    where = name or ".".join(str(step) for step in first["loc"] if _is_name(str(step)))
    context = first.get("ctx", {})
    if isinstance(context.get("error"), ValueError):
        return str(context["error"])
    kind = first["type"] if first["type"] in _EXPECTED else first["type"].partition("_")[0]
    sentence = _EXPECTED.get(kind, "{where}: {message}, got {got}")
    return sentence.format(where=where, got=repr(first["input"]), message=first["msg"], **context)


def _is_name(step: str) -> bool:
    """Whether a step of an error location is a name written by the user, not a tag that pydantic adds for unions."""
    is_kind = step in {"int", "float", "str", "bool"} or _SECTION.fullmatch(step) is not None
    return (step.isidentifier() or step.isdigit()) and not is_kind


AnyPart = TypeVar("AnyPart", bound=Part)


def make(value: Any, known: Mapping[str, type[AnyPart]], word: str) -> AnyPart:
    """Build a checked part from a name, a JSON object or a part.

    Parameters
    ----------
    value
        ``"lstm"``, ``{"name": "lstm", "hidden_size": 32}`` or ``LSTM(hidden_size=32)``.
    known
        Registered parts by name.
    word
        Kind of the part, for error messages.

    Returns
    -------
    Part
        The part, with checked parameters.

    Raises
    ------
    ParameterError
        If the name is unknown, a parameter is unknown or out of range, or the value has another type.
    """
    for kind in known.values():
        if type(value) is kind:
            return value.checked()
    content = {"name": value} if isinstance(value, str) else value
    if not isinstance(content, Mapping) or not isinstance(content.get("name"), str):
        raise ParameterError(
            f'expected {word} as a name, a part or {{"name": ...}}, got {value!r}; the names are {listing(known, 20)}'
        )
    name = content["name"]
    if name not in known:
        raise ParameterError(f"there is no {word} {name!r}{nearest(name, known)}")
    parameters = {key: value for key, value in content.items() if key != "name"}
    return known[name]().set_params(**parameters).checked()


_ADAPTERS: dict[type[Part], TypeAdapter[Any]] = {}


def _adapter(part: type[Part]) -> TypeAdapter[Any]:
    """Return the validator of a part; built once, as building takes a millisecond."""
    if part not in _ADAPTERS:
        _ADAPTERS[part] = TypeAdapter(part)
    return _ADAPTERS[part]


def schema_of(part: type[Part]) -> dict[str, Any]:
    """Return the JSON schema of a part, including its name."""
    schema = _adapter(part).json_schema()
    schema["properties"] = {"name": {"const": part.name}, **schema.get("properties", {})}
    schema["required"] = ["name"]
    schema["additionalProperties"] = False
    return schema


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if hasattr(value, "item") else value  # grid searches pass NumPy numbers
