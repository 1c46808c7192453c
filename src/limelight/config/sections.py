"""Sections of the experiment file: every key, its default and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from limelight.data.synthetic.bumps import BumpSettings
from limelight.data.synthetic.sine import SineSettings
from limelight.errors import ParameterError
from limelight.evaluation.decision.rule import DecisionRule
from limelight.evaluation.events.rule import EventRule
from limelight.parts.architecture import OPTIONS, PART_KINDS, Architecture
from limelight.parts.base import Share, schema_of
from limelight.parts.contexts import CONTEXTS
from limelight.parts.fusions import FUSION_WORDS
from limelight.recipe import Recipe
from limelight.training.settings import VALIDATION, TrainingSettings
from limelight.training.validation_split import HoldOut


def _sentence_schema() -> dict[str, Any]:
    def word(known: Mapping[str, Any]) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(known)}, *(schema_of(part) for part in known.values())]}

    choices: dict[str, Any] = {name: {"enum": list(words)} for name, words in OPTIONS.items()}
    fusion = {"enum": list(FUSION_WORDS)}
    choices["fusion"] = {"anyOf": [fusion, {"type": "array", "items": fusion}]}
    choices["context"] = word(CONTEXTS)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**{name: word(known) for name, known in PART_KINDS.items()}, **choices},
    }


def _read_sentence(value: Any) -> Architecture:
    if isinstance(value, Architecture):
        return value
    if not isinstance(value, Mapping):
        raise ParameterError(f"expected model as an object with {', '.join(PART_KINDS)}, got {value!r}")
    return Architecture.from_json(value)


class _SentenceSchema:
    """Build the JSON schema of a model when it is asked for, so that encoders registered by then are in it."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return _sentence_schema()


Model = Annotated[
    Architecture,
    PlainValidator(_read_sentence),
    PlainSerializer(Architecture.to_json),
    _SentenceSchema(),
]


DRAWN = ("sine", "bumps")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignalSection(_Section):
    """A side signal on a clock of its own, brought to the steps of the series."""

    table: str = Field(description="Table of id, time and what is to be taken.")
    columns: list[str] | None = Field(None, description="Columns to take: numbers, or words; none means every other.")
    id: str = Field("series_id", description="Column that names the series.")
    time: str = Field("time", description="Column with the clock, of the kind that the series have.")
    method: Literal["last", "linear"] = Field("last", description="linear reads the future: see future.")
    tolerance: float | str | None = Field(None, description='How old a value may be, such as 30 or "5 min".')
    since_change: bool = Field(False, description="Add the time since the last change as a channel.")
    future: bool = Field(False, description="Allow a value between two samples before the later one is known.")


class DataSection(_Section):
    """Where the series are: files, or drawn ones."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # classes and columns may be called 1 and 2

    folder: str | None = Field(None, description="Where the files are; relative to the experiment file, as they are.")
    series: str | list[str] | None = Field(
        None,
        description="Table of series (CSV, Parquet), archive file (.ts, .tsv) or store; a pattern or a list for many.",
    )
    layout: Literal["auto", "long", "wide"] = Field("auto", description="One row for each step, or for each series.")
    labels: str | None = Field(None, description="Table of id and label, where labels are not in the series table.")
    metadata: str | None = Field(None, description="Table of id and facts about each series.")
    signals: list[SignalSection] = Field(
        [], description="Side signals on clocks of their own; the name of a table alone takes all of it."
    )
    fields: dict[str, str] = Field(
        {},
        description="Kind of metadata fields: category, number, boolean, date, text, or ignore; the rest is guessed.",
    )
    split: str | None = Field(None, description="Table of id and train, validation or test; wins over the rule.")
    id: str = Field("series_id", description="Column that names the series.")
    time: str = Field("time", description="Column with the clock.")
    label: str = Field("label", description="Column with the class.")
    level: Literal["auto", "series", "step"] = Field(
        "auto", description="What labels in the series table are of; auto: of steps if they begin with label_."
    )
    mask: str | None = Field(None, description="Column that says whether labels are known: 0 where not.")
    channels: list[str] | None = Field(None, description="Columns to use, in this order; none means every number.")
    units: dict[str, str] = Field({}, description='Unit of each channel, and of a clock of numbers as "time".')
    sort: bool = Field(False, description="Sort the steps of each series by time instead of refusing disorder.")
    positive: str | None = Field(None, description="The class that F1 is about when there are two.")
    sine: SineSettings | None = Field(None, description="Draw waves instead of reading files.")
    bumps: BumpSettings | None = Field(None, description="Draw bumps whose label takes metadata, instead of reading.")

    @field_validator("signals", mode="before")
    @classmethod
    def _tables(cls, given: Any) -> Any:
        several = given if isinstance(given, list) else [given]
        return [{"table": one} if isinstance(one, str) else one for one in several]

    @property
    def drawn(self) -> str | None:
        """Which series are drawn, in words; None if they are read."""
        words = {"sine": "drawn sine waves", "bumps": "drawn bumps"}
        return next((words[name] for name in DRAWN if getattr(self, name) is not None), None)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("series", *DRAWN) if getattr(self, name) is not None]
        if len(given) != 1:
            said = " and ".join(map(repr, given)) or "none of them"
            raise ValueError(
                f'data: expected "series" (a file), or "sine" or "bumps" (drawn ones), got {said}; '
                "say where the series come from"
            )
        return self


class SplitSection(_Section):
    """The rule that parts the series when no split file does."""

    test: Share = 0.2
    validation: Share | None = Field(None, description="None: a tenth, where a training has to be stopped by it.")
    by: Literal["random", "time"] = Field("random", description="time: the latest series are the test.")
    group: str | None = Field(None, description="Metadata field; series with the same value stay together.")
    stratify: bool = Field(True, description="Give every part the classes in their proportions.")
    seed: int = Field(0, ge=0)

    @property
    def held_out(self) -> float:
        """The share of the validation part where there has to be one."""
        return VALIDATION if self.validation is None else self.validation


class WindowsSection(_Section):
    """How long recordings are cut into windows."""

    length: int | str = Field(description='Steps, or time with its unit, such as "2s" or "10 min".')
    stride: int | str | None = Field(None, description="From one window to the next; none means the length.")
    edge: Literal["drop", "keep", "shift"] = Field("drop", description="What to do with the rest at the end.")
    label: Literal["majority", "last", "any", "step"] = Field("majority", description="How steps make a label.")
    positive: str | None = Field(None, description="The class that label any looks for.")


class ExplainSection(_Section):
    """How explanations are measured."""

    series: int = Field(20, ge=2, description="Test series that show which explanation to trust; fewer of long ones.")


class Experiment(_Section):
    """A whole experiment, every default written out; paths are absolute or relative to the working directory."""

    data: DataSection
    windows: WindowsSection | None = None
    split: SplitSection = SplitSection()
    model: Model = Field(default_factory=Architecture.of)
    training: TrainingSettings = TrainingSettings()
    decision: DecisionRule = DecisionRule()
    events: EventRule = EventRule()
    explain: ExplainSection | Literal[False] = Field(
        ExplainSection(), description="false measures no explanations, which saves some seconds."
    )
    output: str = "runs/experiment"
    seed: int = Field(0, ge=0, lt=2**31)

    def recipe(self) -> Recipe:
        """Return what to fit and how, without the data."""
        rule = self.split
        hold_out = HoldOut(rule.validation, rule.by, rule.group, rule.stratify)
        return Recipe(self.model, self.training, self.decision, hold_out, dict(self.data.fields))

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON, as the copy in the run folder has it."""
        return self.model_dump(mode="json")
