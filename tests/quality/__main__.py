"""Makes items of texts and says what is wrong with them: `make quality`.

Without a model the offline rules make them. `--model` with `--url` asks any server that speaks Chat Completions; its key is the
environment variable OPENAI_API_KEY. `--texts` names a folder of `.txt` files, in place of the project's own six.
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from tests.paths import ROOT, TEXTS
from tests.quality import report
from tests.quality.checks import score_checks
from tests.quality.item import LintedItem
from tests.quality.linter import flaws_of
from tests.quality.planted import judged, scores
from tests.quality.produce import Produced, open_provider, produce

from docs.markdown import insert_table
from shared.domain.llm.provider import Provider

PAGE = ROOT / "shared" / "docs" / "quality.md"


def main(
    url: Annotated[str, typer.Option(help="Base URL of an OpenAI-compatible server.")] = "",
    model: Annotated[str, typer.Option(help="The model; without it the offline rules.")] = "",
    texts: Annotated[Path, typer.Option(help="A folder of .txt files.")] = TEXTS,
    show: Annotated[bool, typer.Option(help="Print every item that has a flaw.")] = False,
    write: Annotated[bool, typer.Option(help="Put the tables into the page.")] = False,
) -> None:
    provider = open_provider(url, model, os.environ.get("OPENAI_API_KEY", "none"))  # noqa: TID251 - the key of who runs the bench
    read = {path.name: path.read_text(encoding="utf-8") for path in sorted(texts.glob("*.txt"))}
    tables = _tables(asyncio.run(_produce(read, provider)), is_shown=show)
    print("\n\n".join(tables.values()))
    if write:
        page = PAGE.read_text(encoding="utf-8")
        for name, table in tables.items():
            page = insert_table(page, name, table)
        PAGE.write_text(page, encoding="utf-8")


def _tables(produced: list[Produced], *, is_shown: bool) -> dict[str, str]:
    """The tables by their names in the page."""
    items = [item for one in produced for item in one.items]
    if is_shown:
        _show(items)
    return {
        "yields": report.yields(produced),
        "flaws": report.flaw_counts(items),
        "keys": report.keys(items),
        "drops": report.drops(produced),
        "linter": report.linter_scores(scores()),
        "checks": report.check_scores(score_checks([item for item, _ in judged()])),
    }


async def _produce(texts: dict[str, str], provider: Provider) -> list[Produced]:
    produced: list[Produced] = []
    for name, text in texts.items():
        produced.append(await produce(name, text, provider))
        print(f"{name}: {len(produced[-1].items)} items", flush=True)
    await provider.close()
    return produced


def _show(items: list[LintedItem]) -> None:
    for item in items:
        if flaws := flaws_of(item):
            print(f"\n{', '.join(flaws)}\n  {item.stem}\n  = {item.right}  | {' | '.join(item.distractors)}")


if __name__ == "__main__":
    typer.run(main)
