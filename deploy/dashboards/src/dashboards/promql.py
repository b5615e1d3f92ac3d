"""Builders of the queries that panels use. `by` and `where` are in PromQL syntax."""

WINDOW = "$__rate_interval"
"""Variable of Grafana: the shortest window that the resolution of the panel allows."""


def rate(counter: str, *, by: str = "", where: str = "", window: str = WINDOW) -> str:
    """Increase per second, summed over all processes."""
    return f"sum{_by(by)}(rate({counter}{_where(where)}[{window}]))"


def total(counter: str, *, by: str = "", where: str = "", window: str) -> str:
    """Increase in the window, summed over all processes."""
    return f"sum{_by(by)}(increase({counter}{_where(where)}[{window}]))"


def quantile(q: float, histogram: str, *, by: str = "", where: str = "", window: str = WINDOW) -> str:
    buckets = rate(f"{histogram}_bucket", by=f"le, {by}" if by else "le", where=where, window=window)
    return f"histogram_quantile({q}, {buckets})"


def quantiles(histogram: str, *, where: str = "", window: str = WINDOW) -> dict[str, str]:
    """Legend to query of the 50th, 95th and 99th percentile."""
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
    """`part` divided by `whole`; 0 when both are 0."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def once(gauge: str, *, by: str = "") -> str:
    """Sum over the shards of a gauge that every cron process reports alike."""
    return f"sum{_by(by)}(max by ({by + ', ' if by else ''}shard) ({gauge}))"


def gauge(name: str, *, by: str = "", where: str = "") -> str:
    """Sum of a gauge over all processes."""
    return f"sum{_by(by)}({name}{_where(where)})"


def highest(name: str, *, by: str = "", where: str = "") -> str:
    """Maximum of a gauge that several processes report of the same thing."""
    return f"max{_by(by)}({name}{_where(where)})"


def or_none(query: str) -> str:
    """The query, or 0 when the series is absent because its event has never happened."""
    return f"({query} or vector(0))"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""


def _where(matchers: str) -> str:
    return f"{{{matchers}}}" if matchers else ""
