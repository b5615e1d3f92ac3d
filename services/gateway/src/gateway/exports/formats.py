"""The formats that a collection can be exported in, by the name that `?format=` takes."""

from collections.abc import Callable

from msgspec import Struct

from gateway.exports.anki_package import to_anki_package
from gateway.exports.anki_text import to_anki_text
from gateway.exports.csv_table import to_csv
from gateway.exports.exported_collection import ExportedCollection
from gateway.exports.gift_text import to_gift
from gateway.exports.markdown_text import to_markdown
from gateway.exports.moodle_xml import to_moodle_xml
from gateway.exports.printed_pdf import to_pdf
from gateway.exports.qti_package import to_qti_package
from gateway.exports.quizlet_text import to_quizlet_text


class Export(Struct, frozen=True):
    suffix: str
    media_type: str
    write: Callable[[ExportedCollection], bytes]


EXPORTS = {
    "json": Export("json", "application/json", lambda collection: collection.stored),
    "csv": Export("csv", "text/csv; charset=utf-8", to_csv),
    "tsv": Export("tsv", "text/tab-separated-values; charset=utf-8", to_anki_text),
    "apkg": Export("apkg", "application/apkg", to_anki_package),
    "quizlet": Export("txt", "text/plain; charset=utf-8", to_quizlet_text),
    "gift": Export("gift.txt", "text/plain; charset=utf-8", to_gift),
    "moodle": Export("xml", "application/xml", to_moodle_xml),
    "qti": Export("zip", "application/zip", to_qti_package),
    "markdown": Export("md", "text/markdown; charset=utf-8", to_markdown),
    "pdf": Export("pdf", "application/pdf", to_pdf),
}
