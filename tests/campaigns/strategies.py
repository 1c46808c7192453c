"""Hypothesis strategies for what users pass by mistake: tables, experiment files, labels, metadata, damaged files."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

CHANNELS = ["force", "x2", "Kraft [N]", "größe"]
NAMES = ["series_id", "id", "time", "label", "label_rain", "x", "Unnamed: 0", "", " ", "=1+1", *CHANNELS]
WORDS = [
    "", " ", "0", "1", "-1", "1.5", "1,5", "1e400", "-1e-400", "nan", "NaN", "inf", "-", "?", "NA", "null", "True", "no",
    "2024-01-31", "31.01.2024 12:00", "2024-01-31T12:00:00+02:00", "24:00", "12:60", "00:30", "1_000", "1.000,5", "0x10",
    "ok", "worn", "größe", "日本", "\x1b[2J", "a\0b", '"', '""', "'", "=cmd()", "\ufeff", "\u202e", "9" * 40, "x" * 300,
]  # fmt: skip
cells = st.sampled_from(WORDS) | st.integers(-(10**6), 10**6).map(str) | st.floats(width=32).map(str)
sensible = st.floats(-100, 100, width=32).map(lambda number: f"{number:.3f}")


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """The bytes of a CSV file: half of them plausible long tables, half with odd cells, and damaged here and there."""
    plausible = draw(st.booleans())
    separator = draw(st.sampled_from([",", ";", "\t"] if plausible else [",", ";", "\t", "|", " "]))
    extra = draw(st.lists(st.sampled_from(CHANNELS if plausible else NAMES), max_size=3, unique=plausible))
    header = draw(st.sampled_from([["series_id", "time", "x"], ["id", "x", "label"], ["time", "x"], ["x"]])) + extra
    odd = draw(st.sampled_from([0, 0, 1] if plausible else [0, 1, 5, 10]))
    rows = []
    for series in range(draw(st.integers(plausible, 4))):
        for step in range(draw(st.integers(plausible, 5))):
            usual = {"series_id": f"s{series}", "id": f"s{series}", "time": str(step), "label": "ab"[series % 2]}
            row = [usual.get(name) or draw(sensible) for name in header]
            if draw(st.integers(0, 10)) < odd:
                row[draw(st.integers(0, len(row) - 1))] = draw(cells)
            rows.append(row)
    lines = [separator.join(row) for row in ([header] if plausible or draw(st.integers(0, 9)) else []) + rows]
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    content = ending.join([*lines, ""]).encode(encoding, errors="replace")
    return draw(damaged(content)) if not plausible and draw(st.booleans()) else content


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes, a few of which are changed, lost, repeated or new."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(changed) - 1, 0)))
        length = draw(st.integers(0, 8))
        kind = draw(st.sampled_from(["change", "cut", "repeat", "insert", "end"]))
        if kind == "change" and changed:
            changed[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del changed[place : place + length]
        elif kind == "repeat":
            changed[place:place] = changed[place : place + length]
        elif kind == "insert":
            changed[place:place] = draw(st.binary(max_size=8))
        else:
            del changed[place:]
    return bytes(changed)


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.just("\ud800")
    | st.text(max_size=5) | st.sampled_from([-1, 0, 2**31, 2**63, 10**30, 1e300])
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed_json(draw: st.DrawFn, content: Any) -> Any:
    """A JSON value some entries of which are replaced, removed, renamed or added."""
    copy = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        place, key, parent = copy, None, None
        while isinstance(place, (dict, list)) and place and (parent is None or draw(st.integers(0, 2))):
            parent = place
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            place = place[key]
        if parent is None:
            return draw(values)
        kind = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if kind == "replace":
            parent[key] = draw(values)
        elif kind == "remove":
            del parent[key]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(sorted(parent)) | st.text(max_size=8))] = draw(values)
        else:
            parent.append(draw(values))
    return copy


label_cells = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.integers() | st.floats() | st.text(max_size=3)
    | st.binary(max_size=3) | st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.decimals()
    | st.fractions() | st.complex_numbers() | st.uuids()
    | st.sampled_from(["\ud800", (), [], {}, frozenset(), 10**40])
)  # fmt: skip


@st.composite
def labels(draw: st.DrawFn, series: int) -> list[Any]:
    """Labels of some series: of a few kinds, or lists of them."""
    cell = st.sampled_from(draw(st.lists(label_cells, min_size=1, max_size=3)))
    size = series if draw(st.integers(0, 9)) else draw(st.integers(0, 2 * series))
    lists = [st.lists(cell, max_size=3), st.lists(cell, min_size=2, max_size=2)]
    return draw(st.lists(draw(st.sampled_from([cell, cell, cell, *lists])), min_size=size, max_size=size))


COLUMN_TYPES = [
    pa.int8(), pa.uint64(), pa.int64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(),
    pa.large_string(), pa.binary(), pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ns"),
    pa.timestamp("us", "UTC"), pa.time64("us"), pa.duration("s"), pa.duration("ns"), pa.decimal128(20, 3),
    pa.list_(pa.int8()), pa.struct([("a", pa.int8())]), pa.null(), pa.dictionary(pa.int8(), pa.string()),
    pa.string_view(),
]  # fmt: skip


@st.composite
def metadata(draw: st.DrawFn, series: int) -> pa.Table:
    """A table of metadata with columns of any type: numbers that are cast to it, or else words, or else nulls."""
    columns = {}
    for name in draw(st.lists(st.sampled_from([*NAMES, "age", "site"]), min_size=1, max_size=3, unique=True)):
        words = draw(st.lists(st.sampled_from([None, *WORDS]), min_size=series, max_size=series))
        number = st.none() | st.integers(-100, 100) | st.integers(-(2**62), 2**62)
        numbers = draw(st.lists(number, min_size=series, max_size=series))
        kind = draw(st.sampled_from(COLUMN_TYPES))
        columns[name] = pa.nulls(series, kind)
        sources = [pa.array(numbers, pa.int64()), pa.array(words, pa.string())]
        for source in sources if draw(st.booleans()) else reversed(sources):
            try:
                columns[name] = source.cast(kind)
                break
            except (pa.ArrowException, ValueError):
                continue
    return pa.table(columns)
