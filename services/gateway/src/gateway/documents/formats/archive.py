"""Opens documents that are ZIP archives of XML, and bounds what they unpack to."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from typing import IO, cast

from lxml import etree

from gateway.documents.formats.document import Unreadable

MAX_PART_BYTES = 256 * 1024 * 1024
"""Largest unpacked size of one file in the archive. Elements are dropped as they are read, so it bounds time and not memory."""
MAX_SMALL_BYTES = 16 * 1024 * 1024
"""Largest unpacked size of a file that is read whole."""
MAX_RATIO, MIN_RATIO_BYTES = 400, 1_048_576
"""Ratio of unpacked to packed size, of files of this unpacked size or more, that only a repeated element has: text has 5 to 50."""
RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

Element = etree._Element  # pyright: ignore[reportPrivateUsage] - the only name that lxml gives to the type


class Archive:
    def __init__(self, content: bytes) -> None:
        """Raises `Unreadable`."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError):
            raise Unreadable("broken_document") from None
        self.names = set(self._zip.namelist())

    def open(self, name: str) -> IO[bytes]:
        self._check(name, MAX_PART_BYTES)
        return self._zip.open(name)

    def read(self, name: str) -> bytes:
        self._check(name, MAX_SMALL_BYTES)
        return self._zip.read(name)

    def parse(self, name: str) -> Element:
        return etree.fromstring(self.read(name), parser())

    def elements(self, name: str, *tags: str) -> Iterator[Element]:
        """Each outermost element with one of these tags, whole. It is dropped from memory after the caller's turn."""
        depth = 0
        with self.open(name) as part:
            events = etree.iterparse(
                part, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
            )
            for event, element in events:
                if element.tag in tags:
                    depth += 1 if event == "start" else -1
                if event == "end" and not depth:
                    if element.tag in tags:
                        yield element
                    _drop(element)

    def relations(self, name: str) -> dict[str, tuple[str, str]]:
        """The relations of a part in an Office Open XML package, by id: the last word of the type, and the target."""
        folder, base = posixpath.split(name)
        path = posixpath.join(folder, "_rels", f"{base}.rels")
        if path not in self.names:
            return {}
        found: dict[str, tuple[str, str]] = {}
        for one in self.parse(path).iter(RELATIONS):
            target = one.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            found[one.get("Id", "")] = (one.get("Type", "").rsplit("/", 1)[-1], posixpath.normpath(whole))
        return found

    def _check(self, name: str, limit: int) -> None:
        try:
            entry = self._zip.getinfo(name)
        except KeyError:
            raise Unreadable("broken_document") from None
        if entry.flag_bits & 1:
            raise Unreadable("locked_document")
        is_repetition = entry.file_size >= max(MIN_RATIO_BYTES, MAX_RATIO * entry.compress_size)
        if entry.file_size > limit or is_repetition:
            raise Unreadable("document_too_complex")


def parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)


def local_name(element: Element) -> str:
    tag = cast(object, element.tag)  # a function for comments and processing instructions
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def all_text(element: Element) -> str:
    return "".join(map(str, element.itertext()))


def outermost(element: Element, *names: str) -> Iterator[Element]:
    """The descendants with one of these names, in order, without those inside another of them."""
    for child in element:
        if local_name(child) in names:
            yield child
        else:
            yield from outermost(child, *names)


def _drop(element: Element) -> None:
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
