"""A dashboard: a question in its title, and rows of panels that answer it."""

import json

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType
from msgspec import Struct

from dashboards.panels import PROMETHEUS, Panel, height, question

GRID = 24
"""Number of columns of Grafana's grid."""
TAG = "etude"
RELEASES = "count by (service, version) (etude_build_info) unless count by (service, version) (etude_build_info offset 2m)"


class Row(Struct, frozen=True):
    title: str
    panels: tuple[Panel, ...]


class Board(Struct, frozen=True, kw_only=True):
    uid: str
    """Stable, because alerts link to it."""
    title: str
    """A question."""
    reading: str
    """What good values look like, and where to look first when they are bad."""
    rows: tuple[Row, ...]


def render(board: Board) -> str:
    """The JSON that Grafana reads. The same board gives the same text."""
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
    """Number of panels side by side: at most four, chosen so that no single panel is left for the last line."""
    if count <= 4:
        return count
    return 4 if count % 4 in (0, 3) else 3


def _siblings() -> dashboard.DashboardLink:
    """A menu of the other dashboards."""
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
