"""Names that mean the same, and names that do not."""

import pytest

from limelight.data.inspection.alike import names_alike


@pytest.mark.parametrize(
    "names",
    [("B", "b"), ("a", "a "), ("step up", "step_up"), ("step-up", "StepUp"), ("Straße", "STRASSE"), ("1", "1.0"), ("ok.", "ok")],
)  # fmt: skip
def test_case_blanks_and_punctuation_do_not_make_a_name(names):
    assert names_alike(["other", *names]) == [names]


@pytest.mark.parametrize("names", [("a", "b"), ("-1", "1"), ("1.5", "15"), ("a+", "a-"), ("1_2", "12"), ("?", "!")])
def test_different_names_are_not_alike(names):
    assert names_alike(names) == []
