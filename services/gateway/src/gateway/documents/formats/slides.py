"""Reads PPTX: the slides in their order, each with its title, its texts, its tables and its notes."""

from collections.abc import Iterator

from gateway.documents.formats.archive import Archive, Element
from gateway.documents.formats.document import Document, Section, as_table, join_sections
from shared.domain.study.places import PlaceKind

R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
STRICT_R = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
TITLES = ("title", "ctrTitle")
NO_TEXT = ("sldNum", "dt", "ftr", "hdr")


def read_slides(content: bytes) -> Document:
    archive = Archive(content)
    main = next(
        (target for kind, target in archive.relations("").values() if kind == "officeDocument"),
        "ppt/presentation.xml",
    )
    relations = archive.relations(main)
    ids = [
        one.get(f"{R}id") or one.get(f"{STRICT_R}id") or "" for one in archive.parse(main).iter("{*}sldId")
    ]
    slides = [relations[one][1] for one in ids if one in relations]
    return join_sections(
        PlaceKind.SLIDE,
        (Section(number, _read_slide(archive, slide)) for number, slide in enumerate(slides, 1)),
    )


def _read_slide(archive: Archive, slide: str) -> Iterator[str]:
    if slide not in archive.names:
        return
    yield from _shapes(archive.parse(slide))
    for kind, target in archive.relations(slide).values():
        if kind == "notesSlide" and target in archive.names:
            yield from (text for text in _shapes(archive.parse(target)) if not text.startswith("## "))


def _shapes(root: Element) -> Iterator[str]:
    for shape in root.iter("{*}sp", "{*}graphicFrame"):
        place = next((one.get("type", "") for one in shape.iter("{*}ph")), "")
        if place in NO_TEXT:
            continue
        for table in shape.iter("{*}tbl"):
            yield as_table([[_text(cell) for cell in row.iter("{*}tc")] for row in table.iter("{*}tr")])
        for body in shape.iterchildren("{*}txBody"):
            text = _text(body)
            yield f"## {' '.join(text.split())}" if place in TITLES and text.strip() else text


def _text(element: Element) -> str:
    lines: list[str] = []
    for paragraph in element.iter("{*}p"):
        runs = [
            "\n" if one.tag.endswith("}br") else one.text or "" for one in paragraph.iter("{*}t", "{*}br")
        ]
        lines.append("".join(runs).strip())
    return "\n".join(line for line in lines if line)
