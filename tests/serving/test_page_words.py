"""Advice on the page of the server names what can be done to a file, never an option of a command."""

import json
import re
from pathlib import Path

import pytest

from limelight.errors import DataError
from limelight.serving.dropped_files import read_files
from limelight.serving.limits import ServerLimits
from limelight.serving.page_words import advice_for_page
from support.errors import message_of
from support.models import random_network_model

PACKAGE = Path(__file__).parents[2] / "src" / "limelight" / "data" / "reading"


def dropped(table: str) -> bytes:
    content = table.encode()
    listed = json.dumps({"files": [{"name": "pumps.csv", "size": len(content)}]}).encode()
    return len(listed).to_bytes(4, "little") + listed + content


def error_of(table: str) -> str:
    return message_of(DataError, read_files, dropped(table), random_network_model(channels=1), {}, ServerLimits())


def test_a_time_that_occurs_twice_names_the_file() -> None:
    message = error_of("series_id,time,channel_0\na,1,1\na,1,2\n")
    assert message.endswith(
        "with other values; correct the times, rename the column that tells the recordings apart to 'series_id', or "
        "remove the column of times, so that the order of the rows counts"
    )


def test_the_advice_joins_columns_that_together_are_the_id() -> None:
    assert (
        advice_for_page(
            "'a', 'b' together tell apart; join them into one column, and name it with --id (id=... in Python)"
        )
        == "'a', 'b' together tell apart; join them into one column 'series_id'"
    )


def test_the_advice_adds_a_missing_header() -> None:
    assert error_of("0.5,1.5\n0.25,2.5\n0.75,0.5\n").endswith(
        "; write a line of names above them, such as series_id,time,value"
    )


def test_the_advice_renames_columns_that_are_not_found() -> None:
    assert (
        advice_for_page(
            "expected columns for id, time in a.csv, got x; name them with --id NAME --time NAME (id='NAME', time='NAME' in Python)"
        )
        == "expected columns for id, time in a.csv, got x; rename them to 'series_id' and 'time'"
    )


@pytest.mark.parametrize("file", sorted(PACKAGE.glob("*.py")), ids=lambda file: file.stem)
def test_no_message_of_a_reader_names_an_option(file: Path) -> None:
    text = re.sub(r'"\s*\n\s*f?"', "", file.read_text())
    for advice in re.findall(r"[^;\n]* \(--[^()]*\)", text):
        assert "(--" not in advice_for_page(advice.replace("{{", "{").replace("}}", "}")), advice
