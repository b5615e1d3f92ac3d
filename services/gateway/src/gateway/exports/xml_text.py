"""Text that XML can carry."""

import re

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def xml_safe(text: str) -> str:
    """Without the characters that no XML document may contain, even escaped."""
    return _FORBIDDEN.sub("\ufffd", text)
