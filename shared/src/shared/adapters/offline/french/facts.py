"""Finds the facts in a French sentence, each with a question."""

from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, without_asides
from shared.adapters.offline.facts import Fact, capitalise
from shared.adapters.offline.french.clauses import FILLER, PARTICIPLE_LEAD, parse, without_connective
from shared.adapters.offline.french.definitions import (
    ALIAS,
    read_apposition,
    read_best,
    read_called,
    read_definition,
    read_use,
)
from shared.adapters.offline.french.statements import (
    read_agent,
    read_cause,
    read_date,
    read_object,
    read_place,
)
from shared.domain.study.sentence_rules import leans_on_context
from shared.domain.text.language import Language


def read_facts(line: Line, view: SourceView) -> Iterator[Fact]:
    """All facts that rules find in a sentence that can be understood alone."""
    aside = capitalise(without_connective(line.text).rstrip(" .!"))
    text = PARTICIPLE_LEAD.sub("", FILLER.sub("", without_asides(aside)))
    text = capitalise(text).split(" ; ")[0].split("; ")[0]
    yield from read_called(text, line, view)
    if leans_on_context(text, Language.FR) or text.startswith(_NO_STATEMENTS):
        return
    text = ALIAS.sub(r"\1 \2", text)
    yield from read_apposition(text, line, view)
    yield from read_definition(text, line, view)
    yield from read_best(text, line, view)
    yield from read_use(text, line, view)
    yield from read_cause(text, line, view)
    if (clause := parse(text)) is not None:
        yield from read_date(clause, line, view)
        yield from read_place(clause, line, view)
        yield from read_agent(clause, line, view)
        yield from read_object(clause, line, view)


_NO_STATEMENTS = (
    "Comme ",
    "Que ",
    "Qu'",
    "Comment ",
    "Si ",
    "Quand ",
    "Lorsque ",
    "Bien que ",
    "Pour ",
    "C'",
)
