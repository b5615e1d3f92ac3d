"""Finds the facts in an English sentence, each with a question."""

from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, without_asides
from shared.adapters.offline.english.clauses import FILLER, parse, without_connective
from shared.adapters.offline.english.definitions import (
    ALIAS,
    read_apposition,
    read_called,
    read_condition,
    read_definition,
    read_name,
    read_parts,
    read_relation,
    read_use,
)
from shared.adapters.offline.english.statements import (
    read_agent,
    read_author,
    read_cause,
    read_date,
    read_object,
    read_place,
)
from shared.adapters.offline.facts import Fact, capitalise
from shared.domain.study.sentence_rules import leans_on_context
from shared.domain.text.language import Language


def read_facts(line: Line, view: SourceView) -> Iterator[Fact]:
    """All facts that rules find in a sentence that can be understood alone."""
    aside = capitalise(without_connective(line.text).rstrip(" .!"))
    text = capitalise(FILLER.sub("", without_asides(aside))).split("; ")[0]
    if leans_on_context(text, Language.EN) or text.startswith(_NO_STATEMENTS):
        return
    yield from read_called(aside, line, view)
    text = ALIAS.sub(r"\1 \2", text)
    yield from read_apposition(text, line, view)
    yield from read_definition(text, line, view)
    yield from read_name(text, line, view)
    yield from read_condition(text, line, view)
    yield from read_parts(text, line, view)
    yield from read_relation(text, line, view)
    yield from read_use(text, line, view)
    yield from read_cause(text, line, view)
    if (clause := parse(text)) is not None:
        yield from read_date(clause, line, view)
        yield from read_place(clause, line, view)
        yield from read_author(clause, line, view)
        yield from read_agent(clause, line, view)
        yield from read_object(clause, line, view)


_NO_STATEMENTS = (
    "As ",
    "What ",
    "How ",
    "Let ",
    "To ",
    "If ",
    "When ",
    "Though ",
    "Although ",
    "While ",
    "Whether ",
    "Note ",
)
