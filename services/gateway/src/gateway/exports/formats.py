"""The formats that a collection can be exported in, by the name that `?format=` takes."""

from collections.abc import Callable

from msgspec import Struct

from gateway.exports.csv_export import to_csv
from gateway.exports.tsv_export import to_tsv


class Export(Struct, frozen=True):
    suffix: str
    media_type: str
    write: Callable[[bytes], bytes]
    """Takes the stored JSON of the collection, gives the content of the file."""


EXPORTS = {
    "json": Export("json", "application/json", lambda result: result),
    "csv": Export("csv", "text/csv; charset=utf-8", to_csv),
    "tsv": Export("tsv", "text/tab-separated-values; charset=utf-8", to_tsv),
}
