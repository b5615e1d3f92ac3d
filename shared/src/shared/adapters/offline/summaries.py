"""Makes summaries, explanations, outlines and study notes from selected sentences of the source."""

from collections.abc import Iterator, Sequence

from shared.adapters.offline.document_view import Line, SourceView, plain
from shared.adapters.offline.facts import Fact
from shared.adapters.offline.item_generation import GRAMMAR, make_cards, read_all_facts
from shared.domain.study.material import (
    Difficulty,
    ExplanationDraft,
    OutlineDraft,
    OutlineSection,
    SummaryDraft,
    Term,
    TextDraft,
)
from shared.domain.study.sentence_rules import leans_on_context
from shared.domain.text.language import Language
from shared.domain.text.segmentation import sections
from shared.domain.text.span import Span

SUMMARY_SENTENCES, KEY_POINTS, TERMS, POINTS_PER_SECTION, SELF_TEST = 6, 8, 12, 3, 5
_DEFINES, _LEADS = 0.25, 0.15
"""Score that a sentence gains if it defines something, and if it is the first of its section."""
_LONGEST_TITLE = 80
_WORDS = {
    Language.FR: ("L’essentiel", "Définitions", "Testez-vous", "Notes de cours", "Partie {}"),
    Language.EN: ("Key points", "Definitions", "Test yourself", "Study notes", "Part {}"),
}


def summarise(view: SourceView) -> SummaryDraft:
    facts = read_all_facts(view)
    ranked = _ranked(view, facts)
    chosen = sorted(_one_per_section(ranked, view, _summary_size(view)), key=lambda line: line.span)
    points = [line for line in ranked if line not in chosen][:KEY_POINTS] or chosen
    return SummaryDraft(
        _prose(chosen, view), [_said(line, view) for line in sorted(points, key=lambda line: line.span)]
    )


def explain(view: SourceView) -> ExplanationDraft:
    """The main sentences in the order of the source, a paragraph for each section, and the terms that it defines."""
    facts = read_all_facts(view)
    ranked = _ranked(view, facts)[: 2 * SUMMARY_SENTENCES]
    paragraphs = (
        _prose([line for line in view.lines if line in ranked and _is_in(line, section)], view)
        for section in sections(view.text)
    )
    return ExplanationDraft("\n\n".join(filter(None, paragraphs)), _terms(facts, view))


def outline(view: SourceView) -> OutlineDraft:
    ranked = _ranked(view, read_all_facts(view))
    made: list[OutlineSection] = []
    for section in sections(view.text):
        best = [line for line in ranked if _is_in(line, section)][:POINTS_PER_SECTION]
        if best:
            points = [_said(line, view) for line in sorted(best, key=lambda line: line.span)]
            made.append(OutlineSection(_heading(section, view, len(made) + 1), points))
    return OutlineDraft(title_of(view), made)


def write_note(view: SourceView) -> TextDraft:
    """A study note of one page in Markdown."""
    key_points, definitions, test, _, _ = _WORDS[view.language]
    facts = read_all_facts(view)
    points = sorted(_one_per_section(_ranked(view, facts), view, KEY_POINTS), key=lambda line: line.span)
    cards = make_cards(facts, view, SELF_TEST, Difficulty.MEDIUM)
    colon = "\u00a0: " if view.language is Language.FR else ": "
    parts = [
        f"# {title_of(view)}",
        _list(key_points, (_said(line, view) for line in points)),
        _list(definitions, (f"**{term.term}**{colon}{term.meaning}" for term in _terms(facts, view))),
        _list(test, (f"{card.front} — *{card.back}*" for card in cards)),
    ]
    return TextDraft("\n\n".join(filter(None, parts)))


def title_of(view: SourceView) -> str:
    """The first heading, or else the first defined term."""
    if view.headings:
        return _shorten(plain(view.headings[0].of(view.text)))
    topics = (fact.topic for fact in read_all_facts(view) if fact.topic)
    return view.typeset(next(topics, _WORDS[view.language][3]))


def _ranked(view: SourceView, facts: Sequence[Fact]) -> list[Line]:
    """The sentences that can be understood alone, the most important first."""
    defining = {fact.line.span for fact in facts if fact.topic}
    opening = {
        next((line.span for line in view.lines if _is_in(line, section)), None)
        for section in sections(view.text)
    }

    def worth(line: Line) -> tuple[float, int]:
        bonus = _DEFINES * (line.span in defining) + _LEADS * (line.span in opening)
        return view.salience(line) + bonus, -line.span.start

    clear = [line for line in view.lines if not leans_on_context(line.text, view.language)]
    return sorted(clear or view.lines, key=worth, reverse=True)


def _summary_size(view: SourceView) -> int:
    """The number of sentences of a summary: a quarter of the text, within a limit."""
    return max(1, min(SUMMARY_SENTENCES, len(view.lines) // 4))


def _one_per_section(ranked: Sequence[Line], view: SourceView, count: int) -> list[Line]:
    """The best sentence of each section, followed by the best of the others."""
    firsts = [
        next((line for line in ranked if _is_in(line, section)), None) for section in sections(view.text)
    ]
    leading = sorted((line for line in firsts if line is not None), key=ranked.index)
    return [*leading, *(line for line in ranked if line not in leading)][:count]


def _terms(facts: Sequence[Fact], view: SourceView) -> list[Term]:
    found: dict[str, Term] = {}
    for fact in facts:
        if fact.topic:
            topic = view.typeset(fact.topic)
            found.setdefault(topic.casefold(), Term(topic[:1].upper() + topic[1:], view.typeset(fact.back)))
    return list(found.values())[:TERMS]


def _heading(section: Span, view: SourceView, number: int) -> str:
    """The heading of the section, or else its first sentence."""
    for heading in view.headings:
        if section.start <= heading.start < section.end:
            return _shorten(plain(heading.of(view.text)))
    first = next((line for line in view.lines if _is_in(line, section)), None)
    if first is None:
        return _WORDS[view.language][4].format(number)
    return _shorten(view.typeset(first.text.rstrip(".")))


def _shorten(title: str) -> str:
    if len(title) <= _LONGEST_TITLE:
        return title
    return title[:_LONGEST_TITLE].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _is_in(line: Line, section: Span) -> bool:
    return section.start <= line.span.start < section.end


def _said(line: Line, view: SourceView) -> str:
    return view.typeset(GRAMMAR[view.language].without_connective(line.text))


def _prose(lines: Sequence[Line], view: SourceView) -> str:
    return " ".join(_said(line, view) for line in lines)


def _list(heading: str, entries: Iterator[str]) -> str:
    listed = "\n".join(f"- {entry}" for entry in entries)
    return f"## {heading}\n\n{listed}" if listed else ""
