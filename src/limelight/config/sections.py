"""Sections of the experiment file: every key, its default and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

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

from limelight.data.labels import OUTSIDE
from limelight.data.reading.dialect import CsvOptions
from limelight.data.reading.row_filter import row_filter
from limelight.data.synthetic.bumps import BumpSettings
from limelight.data.synthetic.sine import SineSettings
from limelight.errors import ParameterError
from limelight.evaluation.decision.decision_rule import DecisionRule
from limelight.evaluation.events.rule import EventRule
from limelight.parts.architecture import OPTIONS, PART_KINDS, Architecture
from limelight.parts.base import Share, schema_of
from limelight.parts.contexts import CONTEXTS
from limelight.parts.fusions import FUSION_WORDS
from limelight.training.settings import TrainingSettings
from limelight.training.validation_split import VALIDATION, HoldOut
from limelight.types import FieldKind

if TYPE_CHECKING:
    from limelight.recipe import Recipe


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
    """Build the JSON schema of a model when it is needed, so that encoders registered by then are in it."""

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
    """A side signal with its own clock, aligned to the steps of the series."""

    table: str = Field(description="Table of id, time and value columns.")
    columns: list[str] | None = Field(
        None, description="Columns to use, numbers or words; null for all except id and time."
    )
    id: str = Field("series_id", description="Column of series ids.")
    time: str = Field("time", description="Column of the clock, of the same kind as that of the series.")
    method: Literal["last", "linear"] = Field(
        "last", description="linear interpolates, which reads the future: see future."
    )
    tolerance: float | str | None = Field(None, description='Maximum age of a value, such as 30 or "5 min".')
    since_change: bool = Field(False, description="Add the time since the last change as a channel.")
    future: bool = Field(False, description="Allow interpolation between two samples before the later one is known.")


class DataSection(_Section):
    """Where the series are: files or synthetic series."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # classes and columns may be named 1 and 2

    folder: str | None = Field(None, description="Folder of the files; relative to the experiment file.")
    series: str | list[str] | None = Field(
        None,
        description="Table of series (CSV, Parquet), archive file (.ts, .tsv) or store; a pattern, a list of files, a "
        "folder of Parquet partitions or a URL (s3://, gs://, abfs://).",
    )
    layout: Literal["auto", "long", "wide"] = Field(
        "auto", description="long: one row for each step; wide: one row for each series."
    )
    labels: str | None = Field(
        None,
        description="Table of id and label, if labels are not in the series table; with columns for start and end, "
        "each row labels the steps between them.",
    )
    outside: str | None = Field(
        OUTSIDE, description="Class of the steps in no interval of such a table; null if they are unknown."
    )
    metadata: str | None = Field(None, description="Table of id and metadata columns.")
    signals: list[SignalSection] = Field(
        [], description="Side signals with their own clocks; the name of a table alone uses all its columns."
    )
    fields: dict[str, FieldKind] = Field(
        {},
        description="Kinds of metadata fields: category, number, boolean, date, text, or ignore; others are inferred.",
    )
    split: str | None = Field(None, description="Table of id and train, validation or test; overrides split.")
    names: str | None = Field(
        None, description='Pattern of the file names, such as "{label}_{id}" for ok_pump7.csv; null for the id alone.'
    )
    filter: list[str] = Field(
        [], description='Rows of the series table to read: comparisons that all hold, such as "day >= 2024-05-01".'
    )
    id: str = Field("series_id", description="Column of series ids.")
    time: str | None = Field("time", description="Column of the clock; null for the order of the rows.")
    label: str = Field("label", description="Column of the label.")
    level: Literal["auto", "series", "step"] = Field(
        "auto",
        description="Whether labels belong to series or to steps; auto: to steps if the columns begin with label_, if "
        "the label changes within a series, or if labels are intervals.",
    )
    mask: str | None = Field(None, description="Column that marks known labels: 0 is unknown.")
    channels: list[str] | None = Field(None, description="Channels, in this order; null for all numeric columns.")
    missing_values: list[float] = Field([], description="Numbers that stand for a missing value, such as -999.")
    units: dict[str, str] = Field({}, description='Unit of each channel, and of a numeric clock as "time".')
    sort: bool = Field(False, description="Sort the steps of each series by time instead of rejecting unsorted ones.")
    csv: CsvOptions = Field(
        CsvOptions(),
        description="Dialect of CSV files: separator, decimal, thousands, encoding, quote, comment and units_row; "
        "null is detected in each file. The names of the columns of files without a header: names.",
    )
    positive: str | None = Field(None, description="The positive class for F1, if there are two classes.")
    sine: SineSettings | None = Field(None, description="Generate sine waves instead of reading files.")
    bumps: BumpSettings | None = Field(None, description="Generate bumps whose label needs metadata.")

    @field_validator("signals", mode="before")
    @classmethod
    def _tables(cls, value: Any) -> Any:
        several = value if isinstance(value, list) else [value]
        return [{"table": one} if isinstance(one, str) else one for one in several]

    @field_validator("filter", mode="before")
    @classmethod
    def _comparisons(cls, value: Any) -> Any:
        comparisons = [value] if isinstance(value, str) else value
        row_filter(comparisons if isinstance(comparisons, list) else None)
        return comparisons

    @property
    def drawn(self) -> str | None:
        """Which synthetic series are generated, in words; None if series are read."""
        words = {"sine": "synthetic sine waves", "bumps": "synthetic bumps"}
        return next((words[name] for name in DRAWN if getattr(self, name) is not None), None)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("series", *DRAWN) if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(map(repr, given)) or "none of them"
            raise ValueError(
                f'data: expected "series" (a file), or "sine" or "bumps" (synthetic), got {found}; name one source'
            )
        return self


class SplitSection(_Section):
    """How to split the series if no split file does."""

    test: Share = 0.2
    validation: Share | None = Field(
        None, description="Share of the validation series; null: a tenth, if validation series are needed."
    )
    by: Literal["random", "time"] = Field("random", description="time: the latest series are the test set.")
    group: str | None = Field(None, description="Metadata field; series with the same value stay together.")
    stratify: bool = Field(True, description="Keep the class proportions in every part.")
    seed: int = Field(0, ge=0)

    @property
    def held_out(self) -> float:
        """The share of validation series if there have to be any."""
        return VALIDATION if self.validation is None else self.validation


class WindowsSection(_Section):
    """How recordings are cut into windows."""

    length: int | str = Field(description='Length in steps, or a duration such as "2s" or "10 min".')
    stride: int | str | None = Field(
        None, description="Distance between the starts of two windows; null for the length."
    )
    edge: Literal["drop", "keep", "shift"] = Field("drop", description="What to do with the remainder at the end.")
    label: Literal["majority", "last", "any", "step"] = Field(
        "majority", description="How the label of a window follows from those of its steps."
    )
    positive: str | None = Field(None, description="The class that any window containing it has, with the label any.")


class EvaluateSection(_Section):
    """How many test series are scored at most, so that metrics and report take bounded memory."""

    series: int = Field(
        1_000_000, ge=2, description="Maximum number of scored series; a larger test set is sampled at random."
    )
    steps: int = Field(
        10_000_000, ge=2, description="Maximum number of steps of the scored series, with labels per step."
    )


class ExplainSection(_Section):
    """How the faithfulness of explanations is measured."""

    series: int = Field(20, ge=2, description="Number of test series to measure on; fewer if they are long.")


class Experiment(_Section):
    """An experiment with every default written out; paths are absolute or relative to the working directory."""

    data: DataSection
    windows: WindowsSection | None = None
    split: SplitSection = SplitSection()
    model: Model = Field(default_factory=Architecture.of)
    training: TrainingSettings = TrainingSettings()
    decision: DecisionRule = DecisionRule()
    events: EventRule = EventRule()
    evaluate: EvaluateSection = EvaluateSection()
    explain: ExplainSection | Literal[False] = Field(
        ExplainSection(),
        description="How explanations are measured; false skips the measurement, which saves some seconds.",
    )
    output: str = "runs/experiment"
    seed: int = Field(0, ge=0, lt=2**31)

    def recipe(self) -> Recipe:
        """Return the recipe: what to fit and how, without the data."""
        from limelight.recipe import Recipe  # loads torch, which no wrong key needs

        rule = self.split
        hold_out = HoldOut(rule.validation, rule.by, rule.group, rule.stratify)
        return Recipe(self.model, self.training, self.decision, hold_out, dict(self.data.fields), self.events)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON, as the copy in the run folder has it."""
        return self.model_dump(mode="json")
