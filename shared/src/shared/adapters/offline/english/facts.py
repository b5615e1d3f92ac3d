"""What an English sentence says, asked in English."""

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
    """Every fact a rule finds in one sentence that stands on its own."""
    said = capitalise(FILLER.sub("", without_connective(without_asides(line.said)).rstrip(" .!")))
    yield from read_apposition(said, line, view)
    first = TOKEN.match(said)
    if first is None or first[0].lower() in ANAPHORS or said.startswith(("As ", "What ", "How ", "Let ")):
        return
    yield from read_definition(said, line, view)
    yield from read_name(said, line, view)
    yield from read_condition(said, line, view)
    yield from read_parts(said, line, view)
    yield from read_use(said, line, view)
    yield from read_cause(said, line, view)
    if (clause := parse(said)) is not None:
        yield from read_date(clause, line, view)
        yield from read_place(clause, line, view)
        yield from read_author(clause, line, view)
        yield from read_agent(clause, line, view)
        yield from read_object(clause, line, view)
