"""The few shapes of query that panels use. `by` and `where` are written as in PromQL."""

WINDOW = "$__rate_interval"
"""Grafana's: as short as the resolution of the panel allows."""


def rate(counter: str, *, by: str = "", where: str = "", window: str = WINDOW) -> str:
    """A second, over all processes."""
    return f"sum{_by(by)}(rate({counter}{_where(where)}[{window}]))"


def total(counter: str, *, by: str = "", where: str = "", window: str) -> str:
    """How many in the window."""
    return f"sum{_by(by)}(increase({counter}{_where(where)}[{window}]))"


def quantile(q: float, histogram: str, *, by: str = "", where: str = "", window: str = WINDOW) -> str:
    buckets = rate(f"{histogram}_bucket", by=f"le, {by}" if by else "le", where=where, window=window)
    return f"histogram_quantile({q}, {buckets})"


def quantiles(histogram: str, *, where: str = "", window: str = WINDOW) -> dict[str, str]:
    """Half, nearly all and all but the unluckiest, by legend."""
    return {
        legend: quantile(q, histogram, where=where, window=window)
        for legend, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }


def mean(histogram: str, *, by: str = "", where: str = "", window: str = WINDOW) -> str:
    return share(
        rate(f"{histogram}_sum", by=by, where=where, window=window),
        rate(f"{histogram}_count", by=by, where=where, window=window),
    )


def share(part: str, whole: str) -> str:
    """0 when there is nothing to have a share of."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def once(gauge: str, *, by: str = "") -> str:
    """The sum over the shards of what cron tells; several crons tell the same."""
    return f"sum{_by(by)}(max by ({by + ', ' if by else ''}shard) ({gauge}))"


def gauge(name: str, *, by: str = "", where: str = "") -> str:
    """The sum over all processes."""
    return f"sum{_by(by)}({name}{_where(where)})"


def highest(name: str, *, by: str = "", where: str = "") -> str:
    """Of what several processes tell of the same thing."""
    return f"max{_by(by)}({name}{_where(where)})"


def or_none(query: str) -> str:
    """Where a series that is not there means that it never happened."""
    return f"({query} or vector(0))"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""


def _where(matchers: str) -> str:
    return f"{{{matchers}}}" if matchers else ""
