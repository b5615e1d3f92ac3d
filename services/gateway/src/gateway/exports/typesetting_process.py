"""Sets one collection as a PDF in a process of its own: JSON on standard input, the PDF on standard output."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typst

from gateway.exports.printed_pdf import PrintedCollection

NICENESS = 10
TEMPLATE = Path(__file__).with_name("print.typ")


def main() -> None:
    os.nice(NICENESS)
    data = sys.stdin.buffer.read()
    made_at = msgspec.json.decode(data, type=PrintedCollection).made_at
    pdf = typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs={"data": data.decode()},
        timestamp=datetime.fromtimestamp(int(made_at), UTC),  # typst refuses fractions of a second
    )
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main()
