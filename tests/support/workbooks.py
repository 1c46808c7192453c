"""Workbooks with several sheets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl


def write_sheets(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    """Write a workbook with the rows of each sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path
