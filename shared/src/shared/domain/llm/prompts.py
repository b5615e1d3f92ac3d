"""Writes our part of each prompt: the instructions before the source, the same for all calls of a job, and the request after it.

In this order all calls on one part begin with the same bytes, so that a provider can reuse what it has read before.
`study/validation.py` enforces the rules: a draft that breaks one is dropped and never repaired.
"""

from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from shared.domain.llm.prompt_texts.english import ENGLISH
from shared.domain.llm.prompt_texts.french import FRENCH
from shared.domain.llm.prompt_texts.texts import PromptTexts
from shared.domain.llm.provider import Prompt, Task
from shared.domain.study.material import Difficulty, ItemCounts, Level
from shared.domain.text.language import Language, rules_language
from shared.domain.text.language_names import language_name

MAX_KNOWN_ITEMS = 8
"""Limit of the questions of other parts that a prompt repeats: the latest ones."""
MAX_KNOWN_CHARACTERS = 80
"""Length limit of each of them."""


@lru_cache(maxsize=1_024)
def instructions(
    tasks: tuple[Task, ...],
    language: str,
    *,
    difficulty: Difficulty = Difficulty.MEDIUM,
    level: Level | None = None,
) -> str:
    """The system message of every call of a job that has these tasks. `language` is a BCP 47 tag."""
    texts = _texts(language)
    name = language_name(language)
    if texts is FRENCH:
        name = name.replace("French", "français")
    items = [texts.items + "\n" + texts.difficulties[difficulty]] if _makes_items(tasks) else []
    rules = [texts.tasks[task] for task in tasks]
    return "\n\n".join(
        [*items, *rules, *([texts.levels[level]] if level else []), texts.data.format(language=name)]
    )


def request(
    tasks: tuple[Task, ...],
    language: str,
    counts: ItemCounts,
    *,
    is_merge: bool = False,
) -> str:
    """What one call asks for, after the source. `is_merge` says that the source is our own notes on the parts of a long text."""
    texts = _texts(language)
    if not _makes_items(tasks):
        return f"{texts.merge} {texts.begin}" if is_merge else texts.begin
    cards, questions = texts.cards.format(count=counts.cards), texts.questions.format(count=counts.questions)
    both = texts.both.format(cards=cards, questions=questions)
    items = both if counts.cards and counts.questions else cards if counts.cards else questions
    asked = texts.count.format(items=items)
    if len(tasks) == 1 or items is both:
        return asked
    return f"{asked} {texts.leave_empty.format(field='questions' if counts.cards else 'cards')}"


def with_known_items(prompt: Prompt, fronts: Sequence[str]) -> Prompt:
    """The prompt of an item task with the questions that other parts of the document have already, so that it asks for others."""
    if not fronts:
        return prompt
    known = [" ".join(front[:MAX_KNOWN_CHARACTERS].split()) for front in fronts[-MAX_KNOWN_ITEMS:]]
    return replace(
        prompt,
        known_items="\n".join(known),
        known_fronts=tuple(fronts),
        request=f"{_texts(prompt.language).known} {prompt.request}",
    )


def _makes_items(tasks: tuple[Task, ...]) -> bool:
    return Task.CARDS in tasks or Task.QUESTIONS in tasks


def _texts(language: str) -> PromptTexts:
    return FRENCH if rules_language(language) is Language.FR else ENGLISH
