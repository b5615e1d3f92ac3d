"""The two sides of an item as HTML, for programs that show a question and then its answer."""

from html import escape

from gateway.exports.exported_collection import Item, place_of, quote_of, right_option
from shared.domain.study.material import Choice, Flashcard


def front_html(item: Item) -> str:
    if isinstance(item, Flashcard):
        return text_html(item.front)
    options = "<br>".join(_option_html(option) for option in item.options)
    return f"{text_html(item.question)}<br><br>{options}"


def back_html(item: Item) -> str:
    """The answer, with the explanation of a question and the words of the source."""
    lines = [text_html(item.back)] if isinstance(item, Flashcard) else [_option_html(right_option(item))]
    if not isinstance(item, Flashcard) and item.explanation:
        lines.append(text_html(item.explanation))
    place = f" ({text_html(place_of(item))})" if item.source.place else ""
    quote = [f"<small>{text_html(quote_of(item))}{place}</small>"] if item.source.quote else []
    return "<br>".join([*lines, *quote])


def text_html(text: str) -> str:
    """Text as it is read. Anki would take what begins with `[sound:` for a file to play."""
    return "<br>".join(escape(line, quote=False) for line in text.splitlines()).replace(
        "[sound:", "[sound&#58;"
    )


def _option_html(option: Choice) -> str:
    return f"{option.id.upper()}. {text_html(option.text)}"
