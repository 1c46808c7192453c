"""Dates with the English name of a month, months alone and dates without signs, rewritten in the order of ISO."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
BETWEEN = r"(?:\s*[-/.,]\s*|\s+|\s+of\s+)"
TIME_AFTER_DATE = r"(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s*[ap]\.?m\.?)?)"
ZONE = r"(?:\s*(Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2}))?(?:\s+\([^)]*\))?"
AT = rf"(?:(?:,\s*|\s+|\s+at\s+){TIME_AFTER_DATE}{ZONE})?"
AT_OR_COLON = rf"(?:(?:,\s*|\s+|\s+at\s+|:|T){TIME_AFTER_DATE}{ZONE})?"


def _compiled(forms: Sequence[tuple[str, str]]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compile patterns that match a whole cell; each has the replacement in the order of ISO."""
    return tuple((re.compile(rf"(?i)^\s*{pattern}\s*$"), order) for pattern, order in forms)


DATE_FORMS = _compiled(
    (
        (rf"{WEEKDAY}{DAY}{BETWEEN}?{MONTH}{BETWEEN}?(\d{{4}}){AT_OR_COLON}", r"=\3-\2-\1 \4\5"),
        (rf"{WEEKDAY}{DAY}{BETWEEN}?{MONTH}{BETWEEN}?(\d{{2}}){AT}", r"=\3-\2-\1 \4\5"),
        (rf"{WEEKDAY}{MONTH}{BETWEEN}{DAY}{BETWEEN}(\d{{4}}){AT}", r"=\3-\1-\2 \4\5"),
        (rf"(\d{{4}}){BETWEEN}?{MONTH}{BETWEEN}?{DAY}{AT}", r"=\1-\2-\3 \4\5"),
        (rf"{WEEKDAY}{MONTH}\s+{DAY}\s+{TIME_AFTER_DATE}{ZONE}\s+(\d{{4}})", r"=\5-\1-\2 \3\4"),
        (rf"(\d{{4}})(\d{{2}})(\d{{2}})(?:T|\s+){TIME_AFTER_DATE}{ZONE}", r"=\1-\2-\3 \4\5"),
        (rf"(\d{{4}})(\d{{2}})(\d{{2}})T(\d{{2}})(\d{{2}}){ZONE}", r"=\1-\2-\3 \4:\5\6"),
        (rf"(\d{{4}})(\d{{2}})(\d{{2}})T(\d{{2}})(\d{{2}})(\d{{2}}){ZONE}", r"=\1-\2-\3 \4:\5:\6\7"),
    )
)
"""Patterns of dates with a day, and the replacement in the order of ISO. A year of two digits is the last part."""
NAMED = 5
"""How many of these forms have the name of a month; they come first."""
WHOLE_MONTHS = _compiled(
    (
        (rf"{MONTH}{BETWEEN}(\d{{4}})", r"=\2-\1-1 "),
        (rf"(\d{{4}}){BETWEEN}{MONTH}", r"=\1-\2-1 "),
        (r"(\d{4})(?:[-/]|[-/]?M)(\d{2})", r"=\1-\2-1 "),
        (r"(\d{1,2})[-/](\d{4})", r"=\2-\1-1 "),
    )
)
HOUR_WITH_HALF = re.compile(r"^(\d{1,2})(:[\d:.,]+)(?:\s*([AaPp])\.?[Mm]\.?)?")
ZONE_WORD = re.compile(r"\s*(?:UTC|GMT)([+-]\d{2}:?\d{2})?$")
DAY_FIRST = re.compile(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})")
"""Dates with dots have the day first in every country that writes them."""
FIRST_CELLS = 64
"""Cells among which one is tried first, as most columns of words hold no date."""
MONTH_ALONE = re.compile(rf"(?i){MONTH}")
YEARS = ((r"^=([7-9]\d-)", r"=19\1"), (r"^=([0-6]\d-)", r"=20\1"))
REWRITTEN = r"^=(?P<year>\d{4})-(?P<month>\d{1,2}|[A-Za-z]{3})[A-Za-z]*-(?P<day>\d{1,2}) (?P<time>.*)$"


def in_order_of_iso(column: Any) -> Any:
    """Rewrite dates with names of months, whole months and compact dates in the order of ISO: year, month, day.

    Parameters
    ----------
    column
        An Arrow array of text; null for an empty cell.

    Returns
    -------
    Array
        Dates such as 2024-1-25 10:05 PM. The column is unchanged unless every cell that is not empty is a date with the
        English name of a month, a month and its year, or a date such as 20240125T220500.

    Example
    -------
    >>> in_order_of_iso(pa.array(["Jan 25, 2024 10:05 PM", "Feb 1, 2024"], pa.large_string())).to_pylist()
    ['2024-1-25 10:05 PM', '2024-2-1']
    >>> in_order_of_iso(pa.array(["25-Jan-24", None], pa.large_string())).to_pylist()
    ['2024-1-25', None]
    """
    first = next((cell for cell in column.slice(0, FIRST_CELLS).to_pylist() if cell is not None), None)
    if first is not None and not is_date_form(first):
        return column
    rewritten = column
    for pattern, order in (*((form.pattern, order) for form, order in (*DATE_FORMS, *WHOLE_MONTHS)), *YEARS):
        rewritten = pc.replace_substring_regex(rewritten, pattern, order)
    found = pc.extract_regex(rewritten, REWRITTEN)
    if found.null_count > column.null_count:
        return column
    year, month, day, time = (found.field(number).cast(pa.large_string()) for number in range(4))
    place = pc.index_in(pc.utf8_lower(month), pa.array(MONTHS, pa.large_string()))
    month = pc.coalesce(pc.add(place, 1).cast(pa.large_string()), month)
    date = pc.binary_join_element_wise(year, month, day, pa.scalar("-", pa.large_string()))
    joined = pc.utf8_trim_whitespace(pc.binary_join_element_wise(date, time, pa.scalar(" ", pa.large_string())))
    return pc.if_else(column.is_null(), pa.scalar(None, pa.large_string()), joined)


def is_date_form(word: str) -> bool:
    """Whether a word is a date with the English name of a month, a month and its year, or such as 20240125T220500.

    Example
    -------
    >>> is_date_form("25-Jan-2024"), is_date_form("Jan 2024"), is_date_form("January")
    (True, True, False)
    """
    return any(form.match(word) for form, _ in (*DATE_FORMS, *WHOLE_MONTHS))


def month_of(word: str) -> int | None:
    """Return the number of a month by its English name; None for other words.

    Example
    -------
    >>> month_of("Sept."), month_of("january"), month_of("Januar")
    (9, 1, None)
    """
    found = MONTH_ALONE.fullmatch(word.strip())
    return None if found is None else MONTHS.index(found[1][:3].lower()) + 1


def are_whole_months(column: Any) -> bool:
    """Whether every cell of a text column is a month and its year.

    Example
    -------
    >>> are_whole_months(pa.array(["Jan 2024", "2024-02"])), are_whole_months(pa.array(["2024-01-31"]))
    (True, False)
    """
    known = column.drop_null()
    found = [pc.match_substring_regex(known, pattern.pattern) for pattern, _ in WHOLE_MONTHS]
    return bool(pc.all(reduce(pc.or_, found)).as_py())


def in_iso_form(word: str) -> str:
    """Rewrite a date with dots or with the English name of a month in ISO form; any other word is unchanged.

    Example
    -------
    >>> in_iso_form("25 January 2024 9:05 PM"), in_iso_form("25.1.2024"), in_iso_form("25 Januar 2024")
    ('2024-01-25 21:05', '2024-01-25', '25 Januar 2024')
    """
    found = next((match.expand(order) for form, order in DATE_FORMS[:NAMED] if (match := form.match(word))), None)
    if found is None:
        return _with_zone(DAY_FIRST.sub(lambda parts: _iso(parts[3], int(parts[2]), int(parts[1])), word))
    for pattern, order in YEARS:
        found = re.sub(pattern, order, found)
    parts = re.match(REWRITTEN, found)
    if parts is None:
        return word
    date = _iso(parts["year"], MONTHS.index(parts["month"].lower()) + 1, int(parts["day"]))
    return f"{date} {_with_zone(HOUR_WITH_HALF.sub(_hour_of_day, parts['time']))}".strip()


def _iso(year: str, month: int, day: int) -> str:
    return f"{year}-{month:02}-{day:02}"


def _with_zone(text: str) -> str:
    return ZONE_WORD.sub(lambda parts: parts[1] or "Z", text)


def _hour_of_day(parts: re.Match[str]) -> str:
    hour, half = int(parts[1]), (parts[3] or "").lower()
    return f"{hour % 12 + 12 * (half == 'p') if half else hour:02}{parts[2]}"
