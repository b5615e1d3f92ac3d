"""What a plan allows of one document."""

from msgspec import Struct


class DocumentLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one uploaded document, as the plans file gives them. A text in a JSON body has that of the body."""

    file_bytes: int = 10 * 1_048_576
    text_bytes: int = 5 * 1_048_576
    """Limit of the text that is read out of the file, in bytes of UTF-8."""
    pages: int = 1_000
    """Limit of the pages of a PDF."""
    scanned_pages: int = 20
    """Limit of the pages without text of which the text is recognised; further ones are named as unread."""
