"""TSV for Anki: one card per line, `front` and `back` first, with the header lines by which Anki imports it unasked."""

from gateway.exports.rows import COLUMNS, collection_rows


def to_tsv(result: bytes) -> bytes:
    lines = ["#separator:tab", "#html:false", "#columns:" + "\t".join(COLUMNS[1:])]
    lines += ["\t".join(_one_line(cell) for cell in row[1:]) for row in collection_rows(result)]
    return ("\n".join(lines) + "\n").encode()


def _one_line(cell: str) -> str:
    return " ".join(cell.split())
