"""Markdown tables, and the markers between which a page keeps them."""

import re
from collections.abc import Iterable, Sequence

Row = Sequence[str]


class MissingMarker(Exception):
    """A page lacks the two comments that enclose a generated table."""


def render_table(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def insert_table(page: str, name: str, table: str) -> str:
    """The page with `table` between its comments `<!-- generated: NAME -->` and `<!-- end of NAME -->`.

    Raises `MissingMarker`.
    """
    start, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    enclosed = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    filled, count = enclosed.subn(lambda _: f"{start}\n\n{table}\n\n{end}", page)
    if count != 1:
        raise MissingMarker(f"expected one pair of {start} and {end}, found {count}")
    return filled
