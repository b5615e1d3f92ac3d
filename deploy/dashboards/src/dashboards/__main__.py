"""`python -m dashboards` writes the dashboards of Grafana and the SLO rules of Prometheus."""

from pathlib import Path

from dashboards.board import Board, render
from dashboards.boards import capacity, chat, fairness, flow, gateway, promises, stores, tokens
from dashboards.slo import render_rules

DEPLOY = Path(__file__).parents[3]
BOARDS: tuple[Board, ...] = (
    promises.BOARD,
    flow.BOARD,
    tokens.BOARD,
    gateway.BOARD,
    chat.BOARD,
    stores.BOARD,
    fairness.BOARD,
    capacity.BOARD,
)


def files() -> dict[Path, str]:
    """Path to content of every generated file."""
    boards = {DEPLOY / "grafana" / "dashboards" / f"{board.uid}.json": render(board) for board in BOARDS}
    return {**boards, DEPLOY / "prometheus" / "rules" / "slo.yml": render_rules()}


def main() -> None:
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
