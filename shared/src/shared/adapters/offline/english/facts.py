"""Finds the facts in an English sentence, each with a question."""

from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, without_asides
from shared.adapters.offline.english.clauses import FILLER, parse, without_connective
from shared.adapters.offline.english.definitions import (
    read_apposition,
    read_condition,
    read_definition,
    read_name,
    read_parts,
    read_use,
)
from shared.adapters.offline.english.lexicon import ANAPHORS
from shared.adapters.offline.english.nouns import TOKEN
from shared.adapters.offline.english.statements import (
    read_agent,
    read_author,
    read_cause,
    read_date,
    read_object,
    read_place,
)
from shared.adapters.offline.facts import Fact, capitalise


def read_facts(line: Line, view: SourceView) -> Iterator[Fact]:
    """All facts that rules find in a sentence that can be understood alone."""
    text = capitalise(FILLER.sub("", without_connective(without_asides(line.text)).rstrip(" .!")))
    yield from read_apposition(text, line, view)
    first = TOKEN.match(text)
    if first is None or first[0].lower() in ANAPHORS or text.startswith(("As ", "What ", "How ", "Let ")):
        return
    yield from read_definition(text, line, view)
    yield from read_name(text, line, view)
    yield from read_condition(text, line, view)
    yield from read_parts(text, line, view)
    yield from read_use(text, line, view)
    yield from read_cause(text, line, view)
    if (clause := parse(text)) is not None:
        yield from read_date(clause, line, view)
        yield from read_place(clause, line, view)
        yield from read_author(clause, line, view)
        yield from read_agent(clause, line, view)
        yield from read_object(clause, line, view)
