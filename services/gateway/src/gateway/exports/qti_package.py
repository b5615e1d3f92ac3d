"""An IMS QTI 2.1 package: a ZIP file with a manifest, a test, and a file for each question. A card asks for a free answer, and
its back is shown as feedback.
"""

import io
import zipfile
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from gateway.exports.exported_collection import ExportedCollection, HandMark, Item, quote_of
from gateway.exports.xml_text import xml_safe
from shared.domain.study.material import Flashcard, Origin, QuizQuestion

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
CONTENT_PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
METADATA = "http://ltsc.ieee.org/xsd/LOM"
MATCH_CORRECT = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"
ITEM_TYPE, TEST_TYPE = "imsqti_item_xmlv2p1", "imsqti_test_xmlv2p1"
TEST_FILE = "test.xml"


def to_qti_package(collection: ExportedCollection) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("imsmanifest.xml", _encode(_manifest(collection)))
        package.writestr(TEST_FILE, _encode(_test(collection)))
        for item in collection.items:
            package.writestr(_file_of(item), _encode(_item(collection, item)))
    return out.getvalue()


def _manifest(collection: ExportedCollection) -> Element:
    manifest = Element("manifest", xmlns=CONTENT_PACKAGE, identifier=f"etude-{collection.id}")
    metadata = SubElement(manifest, "metadata")
    SubElement(metadata, "schema").text = "QTIv2.1 Package"
    SubElement(metadata, "schemaversion").text = "1.0.0"
    general = SubElement(SubElement(metadata, "lom", xmlns=METADATA), "general")
    for name, text in (("title", collection.material.title), ("description", collection.made_by)):
        SubElement(SubElement(general, name), "string").text = xml_safe(text)
    for tag in collection.tags:
        SubElement(SubElement(general, "keyword"), "string").text = xml_safe(tag)
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    test = _resource(resources, "test", TEST_TYPE, TEST_FILE)
    for item in collection.items:
        resource = _resource(resources, item.id, ITEM_TYPE, _file_of(item))
        _add_keywords(resource, collection.tags_of(item))
        SubElement(test, "dependency", identifierref=item.id)
    return manifest


def _add_keywords(resource: Element, tags: Sequence[str]) -> None:
    """Metadata come before the files of a resource."""
    metadata = Element("metadata")
    general = SubElement(SubElement(metadata, "lom", xmlns=METADATA), "general")
    for tag in tags:
        SubElement(SubElement(general, "keyword"), "string").text = xml_safe(tag)
    resource.insert(0, metadata)


def _resource(parent: Element, identifier: str, kind: str, file: str) -> Element:
    resource = SubElement(parent, "resource", identifier=identifier, type=kind, href=file)
    SubElement(resource, "file", href=file)
    return resource


def _test(collection: ExportedCollection) -> Element:
    title = xml_safe(collection.material.title)
    test = Element("assessmentTest", xmlns=QTI, identifier=f"etude-{collection.id}", title=title)
    part = SubElement(
        test, "testPart", identifier="part", navigationMode="nonlinear", submissionMode="individual"
    )
    section = SubElement(part, "assessmentSection", identifier="section", title=title, visible="true")
    for item in collection.items:
        SubElement(section, "assessmentItemRef", identifier=item.id, href=_file_of(item))
    return test


def _item(collection: ExportedCollection, item: Item) -> Element:
    element = Element(
        "assessmentItem",
        {
            "xmlns": QTI,
            "identifier": item.id,
            "title": xml_safe(
                " ".join((item.front if isinstance(item, Flashcard) else item.question).split())[:80]
            ),
            "label": collection.stable_id(item),
            "xml:lang": item.language,
            "adaptive": "false",
            "timeDependent": "false",
            "toolName": f"Etude ({HandMark.OWN if item.origin is Origin.OWN else collection.mark})",
        },
    )
    if isinstance(item, Flashcard):
        _add_card(element, item)
    else:
        _add_choice(element, item)
    return element


def _add_choice(element: Element, question: QuizQuestion) -> None:
    _declare_response(element, "identifier", [option.id for option in question.options if option.correct])
    _declare_outcomes(element)
    body = SubElement(element, "itemBody")
    choice = SubElement(
        body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false", maxChoices="1"
    )
    SubElement(choice, "prompt").text = xml_safe(question.question)
    for option in question.options:
        SubElement(choice, "simpleChoice", identifier=option.id).text = xml_safe(option.text)
    SubElement(element, "responseProcessing", template=MATCH_CORRECT)
    _add_feedback(element, [question.explanation, quote_of(question)])


def _add_card(element: Element, card: Flashcard) -> None:
    _declare_response(element, "string", [card.back])
    _declare_outcomes(element)
    body = SubElement(element, "itemBody")
    asked = SubElement(SubElement(body, "div"), "extendedTextInteraction", responseIdentifier="RESPONSE")
    SubElement(asked, "prompt").text = xml_safe(card.front)
    _add_feedback(element, [card.back, quote_of(card)])


def _declare_response(element: Element, base_type: str, values: list[str]) -> None:
    response = SubElement(
        element, "responseDeclaration", identifier="RESPONSE", cardinality="single", baseType=base_type
    )
    correct = SubElement(response, "correctResponse")
    for value in values:
        SubElement(correct, "value").text = xml_safe(value)


def _declare_outcomes(element: Element) -> None:
    for name, kind in (("SCORE", "float"), ("FEEDBACK", "identifier")):
        outcome = SubElement(
            element, "outcomeDeclaration", identifier=name, cardinality="single", baseType=kind
        )
        if name == "FEEDBACK":
            SubElement(SubElement(outcome, "defaultValue"), "value").text = "shown"


def _add_feedback(element: Element, lines: list[str]) -> None:
    """Shown after the answer, whatever it was."""
    feedback = SubElement(
        element, "modalFeedback", outcomeIdentifier="FEEDBACK", identifier="shown", showHide="show"
    )
    for line in filter(None, lines):
        SubElement(feedback, "p").text = xml_safe(line)


def _file_of(item: Item) -> str:
    return f"items/{item.id}.xml"


def _encode(root: Element) -> bytes:
    return tostring(root, encoding="utf-8", xml_declaration=True)
