"""A dashboard: one question, and rows of panels that answer it."""

import json

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType
from msgspec import Struct

from dashboards.panels import PROMETHEUS, Panel, height, question

GRID = 24
"""Columns of Grafana's grid."""
TAG = "etude"
RELEASES = "count by (service, version) (etude_build_info) unless count by (service, version) (etude_build_info offset 2m)"


class Row(Struct, frozen=True):
    title: str
    panels: tuple[Panel, ...]


class Board(Struct, frozen=True, kw_only=True):
    uid: str
    """Alerts link to it; it never changes."""
    title: str
    """A question."""
    reading: str
    """What a good answer looks like, and where to look first when it is a bad one."""
    rows: tuple[Row, ...]


def render(board: Board) -> str:
    """As Grafana reads it, the same text every time."""
    return json.dumps(_build(board), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _build(board: Board) -> object:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.reading)
        .tags([TAG])
        .time("now-3h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(_siblings())
        .annotation(_releases())
        .with_panel(question(board.title, board.reading).height(4).span(GRID))
    )
    for row in board.rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(panel.height(height(row.panels)).span(GRID // per_line(len(row.panels))))
    built = made.build()
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return built


def per_line(count: int) -> int:
    """Panels side by side: at most four, and no line with a lonely one if that can be helped."""
    if count <= 4:
        return count
    return 4 if count % 4 in (0, 3) else 3


def _siblings() -> dashboard.DashboardLink:
    """The other questions."""
    return (
        dashboard.DashboardLink("Other questions")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
    )


def _releases() -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name("releases")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("blue")
        .expr(RELEASES)
    )
