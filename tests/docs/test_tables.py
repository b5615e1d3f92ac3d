"""The generator of the pages' tables: what it reads from the code, and where it writes it."""

import pytest
from msgspec import Struct

from docs.__main__ import PAGES, SETTINGS, main, tables
from docs.errors_table import errors_table
from docs.markdown import MissingMarker, insert_table, render_table
from docs.metrics_table import metrics_table
from docs.settings_table import settings_table
from shared.domain.errors import StudyError, tree
from shared.runtime.config.settings import variable
from shared.runtime.observability.metrics.catalogue import METRICS


class InheritedSettings(Struct, frozen=True, rename=variable):
    shards: int = 1
    """This field is in its own table."""


class SampleSettings(InheritedSettings, frozen=True, kw_only=True):
    secret: str
    """A secret."""
    ratio: float = 15.0
    """A ratio, whose sentence
    spans two lines."""
    folder: str = ""


def test_a_settings_table_has_the_fields_that_a_struct_declares() -> None:
    assert settings_table(SampleSettings).splitlines()[2:] == [
        "| `ETUDE_SECRET` | required | A secret. |",
        "| `ETUDE_RATIO` | `15` | A ratio, whose sentence spans two lines. |",
        "| `ETUDE_FOLDER` | – |  |",
    ]


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_says_what_it_means(name: str) -> None:
    assert "|  |" not in settings_table(SETTINGS[name])


def test_the_metrics_table_has_the_whole_catalogue() -> None:
    assert [row.split("`")[1] for row in metrics_table().splitlines()[2:]] == [
        metric.name for metric in METRICS
    ]


def test_the_errors_table_has_every_code() -> None:
    listed = [row.split("`")[1] for row in errors_table().splitlines()[2:]]
    assert sorted(listed) == sorted({kind.code for kind in tree(StudyError)})


def test_a_cell_may_hold_a_bar() -> None:
    assert render_table(("a",), [("x|y",)]).endswith("| x&#124;y |")


def test_a_table_replaces_what_was_between_its_markers() -> None:
    page = "before\n<!-- generated: x -->\nold\n<!-- end of x -->\nafter"
    filled = insert_table(page, "x", "new")
    assert filled == "before\n<!-- generated: x -->\n\nnew\n\n<!-- end of x -->\nafter"
    assert insert_table(filled, "x", "new") == filled


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(MissingMarker, match="generated: x"):
        insert_table("no markers", "x", "new")


def test_check_fails_on_a_stale_page_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGES / "metrics.md"
    before = page.read_text("utf-8")
    stale = {**tables(), "metrics.md": {"metrics": "| something else |"}}
    monkeypatch.setattr("docs.__main__.tables", lambda: stale)
    with pytest.raises(SystemExit, match=r"metrics\.md differ from the code: run `make docs`"):
        main(["--check"])
    assert page.read_text("utf-8") == before


def test_the_pages_are_fresh() -> None:
    main(["--check"])
