"""Text columns with measurements are refused; text columns with words are kept."""

import numpy as np
import pandas as pd
import pytest

import limelight as ll
from limelight.errors import DataError
from support.errors import message_of

FRAME = pd.DataFrame({"series_id": np.repeat(["a", "b"], 6), "time": [*range(6)] * 2, "x": np.arange(12) / 8})
UNIT = "in the header, and the number alone in each cell"


@pytest.mark.parametrize(
    ("form", "shown", "remedy"),
    [
        ("{} bar", "0.0 bar", f"write the unit 'bar' {UNIT}"),
        ("{}%", "0.0%", f"write the unit '%' {UNIT}"),
        ("${}", "$0.0", f"write the unit '$' {UNIT}"),
        ("{},5", "0,5", "write a decimal point and no signs between thousands"),
        ("{}; 11.5", "0.0; 11.5", "write each of the 2 numbers in a column of its own"),
        ("[1 {} -2e3]", "[1 0.0 -2e3]", "write each of the 3 numbers in a column of its own"),
        ("120/{}", "120/0.0", "write each of the 2 numbers in a column of its own"),
    ],
)
def test_measurements_in_text_are_refused(form: str, shown: str, remedy: str) -> None:
    numbers = FRAME.time if "," in form else FRAME.x
    table = FRAME.assign(force=[form.format(number) for number in numbers])
    assert message_of(DataError, ll.read_table, table) == (
        f"expected numbers in column 'force', got {shown!r} in row 0 (the first is 0) of the series table; {remedy}, or "
        "leave the column out with channels=... (--channels x)"
    )


@pytest.mark.parametrize(
    "words",
    [
        [f"{number} mg" for number in np.repeat([1, 2], 6)],
        [f"{number % 2} th" for number in range(12)],
        [f"{number}A{number}" for number in range(12)],
        [f"{number} a" if number % 2 else f"{number} b" for number in range(12)],
        [f"{number}/1/2024" for number in range(1, 13)],
        ["1,2" if number % 2 else f"1,2,{number}" for number in range(12)],
    ],
    ids=["constant within series", "few words", "codes", "two units", "dates", "lists of any length"],
)
def test_text_that_begins_with_numbers_is_kept(words: list[str]) -> None:
    assert ll.read_table(FRAME.assign(extra=words)).channels == ("x",)


def test_measurements_in_text_may_be_ignored() -> None:
    table = FRAME.assign(force=[f"{number} bar" for number in FRAME.x])
    assert ll.read_table(table, channels=["x"]).channels == ("x",)


def test_the_unicode_minus_is_a_sign() -> None:
    table = FRAME.assign(x=[f"\N{MINUS SIGN}{number}" for number in FRAME.x])
    np.testing.assert_allclose(ll.read_table(table).values[:, 0], -FRAME.x)
