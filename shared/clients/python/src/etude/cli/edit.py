"""`etude edit`: change a collection and its items, add items, have more made."""

from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec import Struct

from etude.api_models import (
    Collection,
    CollectionItem,
    ItemChanges,
    MoreItems,
    Option,
    Options,
    OwnCard,
    OwnQuestion,
)
from etude.cli.context import CliContext, context_of
from etude.cli.failure import ExitCode, Failure
from etude.cli.job_progress import follow
from etude.cli.rendering import show_flashcards, show_quiz
from etude.client import Client
from etude.errors import NotFound
from etude.study_material import Flashcard, QuizQuestion


class Words(Struct, frozen=True, kw_only=True):
    """The words of an item, as the options of the command give them."""

    front: str | None
    back: str | None
    question: str | None
    right: str | None
    wrong: list[str]
    explanation: str | None

    @property
    def options(self) -> list[Option] | None:
        if self.right is None and not self.wrong:
            return None
        return [Option(self.right or "", correct=True), *map(Option, self.wrong)]

    @property
    def is_given(self) -> bool:
        return any((self.front, self.back, self.question, self.options, self.explanation is not None))


def edit(
    context: typer.Context,
    collection_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the collection.")],
    item: Annotated[
        str,
        typer.Argument(
            metavar="[ITEM]", help="Id of a card or question, or its number as it is shown: 3, Q2."
        ),
    ] = "",
    title: Annotated[str, typer.Option(help="New title of the collection.")] = "",
    front: Annotated[str | None, typer.Option(help="Front of the card.")] = None,
    back: Annotated[str | None, typer.Option(help="Back of the card.")] = None,
    question: Annotated[str | None, typer.Option(help="The question.")] = None,
    right: Annotated[str | None, typer.Option(help="Its right option.")] = None,
    wrong: Annotated[list[str] | None, typer.Option(help="A wrong option; repeat it for each.")] = None,
    explanation: Annotated[str | None, typer.Option(help="Its explanation.")] = None,
    hide: Annotated[
        bool | None, typer.Option("--hide/--unhide", help="Leave the item out of exports.")
    ] = None,
    flag: Annotated[bool | None, typer.Option("--flag/--unflag", help="Mark the item.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the item.")] = False,
    more: Annotated[
        bool, typer.Option("--more", help="Have more items made; with ITEM one like it.")
    ] = False,
    flashcards: Annotated[int | None, typer.Option(min=0, help="With --more: how many cards.")] = None,
    questions: Annotated[int | None, typer.Option(min=0, help="With --more: how many questions.")] = None,
) -> None:
    """Change a collection: its title, or a card or question. Words without ITEM add one of your own."""
    run = context_of(context)
    words = Words(
        front=front, back=back, question=question, right=right, wrong=wrong or [], explanation=explanation
    )
    with run.client() as client:
        found = _find(client, collection_id)
        item_id = _item_id(found, item)
        if more:
            options = Options(flashcards=flashcards, questions=questions)
            _make_more(run, client, found, MoreItems(options=options, item=item_id or None))
        elif title and not item:
            client.rename_collection(collection_id, title, etag=_etag(found))
            run.terminal.out.print(f"{collection_id} has its new title")
        elif item and delete:
            client.delete_item(collection_id, item_id, etag=_etag(found))
            run.terminal.out.print(f"{item_id} is deleted")
        elif item:
            _show(
                run, client.edit_item(collection_id, item_id, _changes(words, hide, flag), etag=_etag(found))
            )
        else:
            _show(run, client.add_item(collection_id, _own_item(words), etag=_etag(found)))


def _find(client: Client, collection_id: str) -> Collection:
    try:
        return client.get_collection(collection_id)
    except NotFound:
        raise Failure(ExitCode.REFUSED, f"there is no collection {collection_id} of yours") from None


def _etag(collection: Collection) -> str:
    if collection.etag is None:
        raise Failure(ExitCode.REFUSED, f"{collection.id} is still being made")
    return collection.etag


def _item_id(collection: Collection, item: str) -> str:
    """The id of an item that is named by its id or by its number."""
    is_question = item[:1] in ("Q", "q") and item[1:].isdecimal()
    if not is_question and not item.isdecimal():
        return item
    items: Sequence[Flashcard | QuizQuestion] = collection.quiz if is_question else collection.flashcards
    number = int(item.lstrip("Qq"))
    if not 1 <= number <= len(items):
        raise Failure(ExitCode.REFUSED, f"the collection has no item {item}")
    return items[number - 1].id


def _changes(words: Words, hide: bool | None, flag: bool | None) -> ItemChanges:
    if not words.is_given and hide is None and flag is None:
        raise Failure(ExitCode.USAGE, "nothing to change: give words, --hide, --flag or --delete")
    return ItemChanges(
        front=words.front,
        back=words.back,
        question=words.question,
        options=words.options,
        explanation=words.explanation,
        hidden=hide,
        flagged=flag,
    )


def _own_item(words: Words) -> OwnCard | OwnQuestion:
    if words.question and words.options:
        return OwnQuestion(
            question=words.question, options=words.options, explanation=words.explanation or ""
        )
    if words.front and words.back:
        return OwnCard(front=words.front, back=words.back)
    raise Failure(
        ExitCode.USAGE,
        "give an item, --title, --more, or the words of a new item: --front and --back, or --question, --right and --wrong",
    )


def _make_more(run: CliContext, client: Client, collection: Collection, wanted: MoreItems) -> None:
    job_id = client.make_more_items(collection.id, wanted, etag=_etag(collection)).id
    follow(run.terminal.err, client.job_events(job_id), job_id=job_id, name="items")
    job = client.get_job(job_id)
    if job.status != "succeeded":
        raise Failure(ExitCode.REFUSED, str(job.error or f"the job is {job.status}"))
    known = {item.id for item in (*collection.flashcards, *collection.quiz)}
    made = client.get_collection(collection.id)
    show_flashcards(run.terminal.out, [card for card in made.flashcards if card.id not in known])
    show_quiz(run.terminal.out, [question for question in made.quiz if question.id not in known])


def _show(run: CliContext, changed: CollectionItem) -> None:
    show_flashcards(run.terminal.out, [changed.flashcard] if changed.flashcard else [])
    show_quiz(run.terminal.out, [changed.question] if changed.question else [])
