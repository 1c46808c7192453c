"""EarlyModel: a model for each look, one for whole series, and the rule that picks the moment of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limelight.data.panel import Panel
from limelight.errors import ModelFolderError, as_sentence
from limelight.evaluation.early.looks import EarlyAnswers, Looks, look_at
from limelight.evaluation.early.measure import measure_early
from limelight.evaluation.early.rule import EarlyRule
from limelight.files import whole_folder
from limelight.model.bundle import load_model, save_model
from limelight.model.fitted import FittedModel
from limelight.model.targets import targets_of
from limelight.types import Integers

EARLY_FILE, WHOLE = "early.json", "whole"
EARLY_FORMAT = "limelight-early"


@dataclass(frozen=True, eq=False)
class EarlyModel:
    """Models for the first steps of a series, one for whole series, and the rule for early answers.

    Parameters
    ----------
    steps
        The numbers of steps after which to look, increasing, shape (k,).
    models
        The model for each of them, and last the one for whole series, k + 1 in all.
    rule
        When to answer.
    measured
        As returned by ``measure_early`` for test series; None if it was not measured.
    """

    steps: Integers
    models: tuple[FittedModel, ...]
    rule: EarlyRule
    measured: dict[str, Any] | None = None

    @property
    def whole(self) -> FittedModel:
        """The model for whole series."""
        return self.models[-1]

    def look(self, panel: Panel) -> Looks:
        """Predict series after each number of steps and at their end; errors as of ``look_at``."""
        return look_at(self.models, self.steps, panel)

    def predict(self, panel: Panel) -> EarlyAnswers:
        """Predict every series of a panel at the moment that the rule allows; errors as of ``look_at``."""
        return self.look(panel).answer(self.rule.margin)

    def measure(self, panel: Panel) -> dict[str, Any]:
        """Measure the rule on labelled series; result as of ``measure_early``."""
        return measure_early(self.look(panel), self.rule, targets_of(self.whole.task, panel).every())

    def save(self, folder: Path | str) -> Path:
        """Write the models and the rule to a folder, replacing an earlier one there; OutputError if impossible."""
        folder = Path(folder)
        content = {
            "format": EARLY_FORMAT,
            "version": 1,
            "steps": self.steps.tolist(),
            "rule": self.rule.to_json(),
            "test": self.measured,
        }
        with whole_folder(folder) as temporary:
            for name, model in zip([*map(str, self.steps.tolist()), WHOLE], self.models, strict=True):
                save_model(model, temporary / name)
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
            (temporary / EARLY_FILE).write_text(text + "\n", encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> EarlyModel:
        """Load what ``save`` wrote; ModelFolderError if the folder is missing or damaged."""
        content = read_early_file(folder)
        try:
            steps = np.array(content["steps"], dtype=np.int64)
            if steps.ndim != 1 or (steps < 1).any() or (np.diff(steps) < 1).any():
                raise ValueError("steps are increasing numbers from 1")
            rule = EarlyRule.from_json(content["rule"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"{str(Path(folder) / EARLY_FILE)!r} is damaged ({as_sentence(error)}); run limelight early again"
            ) from error
        models = tuple(load_model(Path(folder) / name) for name in [*map(str, steps.tolist()), WHOLE])
        return cls(steps, models, rule, content.get("test"))


def read_early_file(folder: Path | str) -> dict[str, Any]:
    """Return rule and measurement of a folder for early answers, as saved; ModelFolderError if there are none."""
    file = Path(folder) / EARLY_FILE
    if not file.is_file():
        raise ModelFolderError(
            f"expected a folder with the file {EARLY_FILE!r}, got {str(folder)!r} without that file; run limelight "
            "early on the run first"
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelFolderError(f"{str(file)!r} is damaged ({as_sentence(error)}); run limelight early again") from error
    if not isinstance(content, dict) or content.get("format") != EARLY_FORMAT or content.get("version") != 1:
        raise ModelFolderError(f"{str(file)!r} was not written by this version of limelight early; run it again")
    return content
