"""CSV for spreadsheets (RFC 4180)."""

import csv
import io

from gateway.exports.rows import COLUMNS, collection_rows

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins with one of these for a formula."""


def to_csv(result: bytes) -> bytes:
    """Begins with the byte order mark by which spreadsheets recognise UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_without_formula(cell) for cell in row] for row in collection_rows(result))
    return out.getvalue().encode("utf-8-sig")


def _without_formula(cell: str) -> str:
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell
