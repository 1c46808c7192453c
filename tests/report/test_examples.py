"""The section of training series that predictions resemble."""

import re
from dataclasses import replace

import numpy as np
import plotly.graph_objects
import pytest

from limelight.data.synthetic.planted import generate_planted
from limelight.explanation.examples import find_examples
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.report.content import collect
from limelight.report.inputs import ReportInputs
from limelight.report.page import write_report
from limelight.report.sections.examples import MOST_CARDS
from limelight.runs.report import _example_finder
from limelight.training.fit import fit


@pytest.fixture(scope="module")
def inputs(make_inputs) -> ReportInputs:
    """A report on a model that finds a peak in one of two channels."""
    planted = generate_planted("channel", size=80, points=48).panel
    train, test = planted[:60], planted[60:]
    model = fit(train, task_of(planted), Architecture.of({"name": "rocket", "features": 840})).model
    made = make_inputs(20, task_of(planted).classes, known=False, attention=False)
    return replace(
        made, panel=test, prediction=model.predict(test), find_examples=lambda rows: (find_examples(model, test[rows], train), train)
    )  # fmt: skip


def test_cards_name_the_nearest_series_of_each_class(inputs: ReportInputs) -> None:
    cards = collect(inputs)["examples"]["cards"]
    assert len(cards) == MOST_CARDS
    rows = [int(np.flatnonzero(inputs.panel.ids == card["id"])[0]) for card in cards]
    assert inputs.find_examples is not None
    examples, _ = inputs.find_examples(rows)
    for place, card in enumerate(cards):
        assert card["predicted"] == str(examples.predicted[place])
        assert {row[0]: row[1] for row in card["table"]["rows"]} == dict(
            zip(map(str, examples.classes), examples.nearest[place].tolist(), strict=True)
        )
        assert (card["start"], card["stop"]) == (examples.start[place], examples.stop[place])


def test_figures_are_valid_and_mark_the_changed_steps(inputs: ReportInputs) -> None:
    for card in collect(inputs)["examples"]["cards"]:
        drawn = plotly.graph_objects.Figure(card["figure"])
        assert len(drawn.data) == 3
        ranges = {tuple(drawn.layout[f"yaxis{number}"].range) for number in ("", "2", "3")}
        assert len(ranges) == 1
        assert [(shape.x0, shape.x1) for shape in drawn.layout.shapes] == [(card["start"] - 0.5, card["stop"] - 0.5)]


def test_the_page_names_the_steps_that_would_change_a_prediction(inputs: ReportInputs, tmp_path) -> None:
    page = write_report(tmp_path, inputs).read_text()
    card = collect(inputs)["examples"]["cards"][0]
    text = re.sub(r"<[^>]*>|\s+", " ", page)
    assert f"of 48 from {card['guide']} , the prediction would be" in text.replace(
        f"{card['guide']},", f"{card['guide']} ,"
    )


def test_without_examples_there_is_no_section(make_inputs) -> None:
    assert collect(make_inputs())["examples"] is None


@pytest.mark.parametrize(("steps", "cards"), [(10, 0), (136 * 48, 1), (10**6, 2)])
def test_fewer_long_series_have_examples(steps: int, cards: int, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = generate_planted("peak", size=60, points=48).panel
    model = fit(planted, task_of(planted), Architecture.of({"name": "rocket", "features": 84})).model
    monkeypatch.setattr("limelight.runs.report.STEPS_OF_EXAMPLES", steps)
    finder = _example_finder(model, planted, planted)
    assert finder is not None
    found = finder([0, 1])
    assert (0 if found is None else len(found[0].ids)) == cards
