"""The dashboards: made from their code, each asking one question, and every panel saying how it is read."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.__main__ import BOARDS, DEPLOY, files
from dashboards.board import per_line, render

FOLDER = DEPLOY / "grafana" / "dashboards"
MADE: dict[str, Any] = {board.uid: json.loads(render(board)) for board in BOARDS}

every_board = pytest.mark.parametrize("board", MADE.values(), ids=MADE.keys())


def panels(board: Any) -> list[Any]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def charts(board: Any) -> list[Any]:
    """Panels that ask something of Prometheus."""
    return panels(board)[1:]


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_the_committed_files_are_what_the_code_generates(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == files()[file], "run: make dashboards"


def test_there_is_no_other_dashboard_and_there_are_not_many() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(MADE)
    assert len(MADE) <= 8


@every_board
def test_it_asks_a_question_and_its_first_panel_says_how_to_read_the_answer(board: Any) -> None:
    assert board["title"].endswith("?")
    first = board["panels"][0]
    assert first["type"] == "text"
    assert first["options"]["content"].startswith(f"## {board['title']}\n\n")
    assert (first["gridPos"]["w"], first["gridPos"]["y"]) == (24, 0)


@every_board
def test_a_dashboard_is_not_editable(board: Any) -> None:
    assert board["editable"] is False


@every_board
def test_every_panel_asks_a_question_and_is_described(board: Any) -> None:
    for panel in charts(board):
        assert panel["title"].endswith("?"), panel["title"]
    for panel in panels(board):
        assert panel["description"].endswith("."), panel["title"]


@every_board
def test_every_panel_has_its_unit_its_thresholds_and_its_source(board: Any) -> None:
    for panel in charts(board):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], panel["title"]
        assert defaults["thresholds"]["steps"][0] == {"color": "green", "value": None}, panel["title"]
        assert panel["datasource"]["uid"] == "prometheus", panel["title"]
        assert all(target["datasource"]["uid"] == "prometheus" for target in panel["targets"])


@every_board
def test_every_line_has_a_legend(board: Any) -> None:
    for panel in charts(board):
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@every_board
def test_no_query_is_left_out(board: Any) -> None:
    for panel in charts(board):
        names = [target["refId"] for target in panel["targets"]]
        assert names == list("ABCDEFGH"[: len(names)]), panel["title"]


@every_board
def test_panels_do_not_overlap(board: Any) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@every_board
def test_panels_have_different_ids(board: Any) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("count", "side_by_side"), [(1, 1), (4, 4), (5, 3), (6, 3), (7, 4), (8, 4), (9, 3)])
def test_no_line_has_a_lonely_panel(count: int, side_by_side: int) -> None:
    assert per_line(count) == side_by_side
