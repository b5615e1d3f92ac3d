"""Every query that panels, alerts and recorded rules ask, taken apart."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
from tests.watch.rule_files import ROOT, rules

DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
COMPARISONS = re.compile(r"^(==|!=|>|<|>=|<=)$")
SETS = ("and", "or", "unless")
WINDOW = "1m"
"""In place of Grafana's own."""


def panel_queries() -> dict[str, str]:
    """By dashboard, panel and letter."""
    return {
        f"{board['uid']}: {panel['title']} {target['refId']}": _filled(target["expr"])
        for board in _boards()
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }


def annotation_queries() -> list[str]:
    return [
        annotation["expr"]
        for board in _boards()
        for annotation in board["annotations"]["list"]
        if "expr" in annotation
    ]


def rule_queries() -> dict[str, str]:
    """By the name of the alert, or of the record and its labels."""
    return {rule.alert or f"{rule.record}{rule.labels}": rule.expr for rule in rules()}


def every_query() -> list[str]:
    return [*panel_queries().values(), *annotation_queries(), *rule_queries().values()]


def selectors(query: str) -> list[promql.VectorSelector]:
    return [node for node in _nodes(query) if isinstance(node, promql.VectorSelector)]


def grouped_by(query: str) -> set[str]:
    """Labels that a query keeps of what it sums up."""
    kept = [node.modifier for node in _nodes(query) if isinstance(node, promql.AggregateExpr)]
    return {label for modifier in kept if modifier for label in modifier.labels}


def operands(query: str) -> list[str]:
    """What an alert compares, without the comparison: all of it must be there, or the alert is deaf."""
    return [promql.Expr.prettify(node) for node in _operands(promql.parse(query))]


def _operands(node: Any) -> Iterator[promql.Expr]:
    match node:
        case promql.ParenExpr():
            yield from _operands(node.expr)
        case promql.BinaryExpr() if str(node.op) in SETS:
            yield from _operands(node.lhs)
            yield from _operands(node.rhs)
        case promql.BinaryExpr() if COMPARISONS.match(str(node.op)):
            yield from _operands(node.lhs)
            if not isinstance(node.rhs, promql.NumberLiteral):
                yield from _operands(node.rhs)
        case promql.Call() if node.func.name == "absent":
            yield from _operands(node.args[0])
        case _:
            yield promql.transform(node, pre_visit=_uncompared)


def _uncompared(node: promql.Expr) -> promql.Expr | None:
    if isinstance(node, promql.BinaryExpr) and COMPARISONS.match(str(node.op)):
        return node.lhs
    return None


def _nodes(query: str) -> list[promql.Expr]:
    found: list[promql.Expr] = []
    promql.walk(promql.parse(query), pre_visit=found.append)
    return found


def _boards() -> list[Any]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))]


def _filled(query: str) -> str:
    return query.replace("$__rate_interval", WINDOW)
