"""A tab-separated text that Anki imports without a question, and a second time without duplicates.

No column is named: Anki matches names with the fields of the reader's note type, and these are called otherwise in every language.
Unnamed columns fill the fields in order, whatever they are called.
"""

import csv
import io

from gateway.exports.exported_collection import ExportedCollection
from gateway.exports.html_faces import back_html, front_html

HEADER = "#separator:tab\n#html:true\n#guid column:1\n#tags column:4\n"


def to_anki_text(collection: ExportedCollection) -> bytes:
    """Every cell is quoted: quotation marks and a leading `#` are then part of the text."""
    out = io.StringIO()
    out.write(HEADER)
    writer = csv.writer(out, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
    for item in collection.items:
        writer.writerow(
            (
                collection.stable_id(item),
                front_html(item),
                back_html(item),
                " ".join(collection.tags_of(item)),
            )
        )
    return out.getvalue().encode()
