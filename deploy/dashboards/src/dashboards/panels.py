"""Panels: each has a title, a description that says how to read it, and queries by legend."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import dashboard, heatmap, prometheus, stat, table, text, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

COUNT, PER_SECOND, SECONDS, BYTES, SHARE, USD, TIMES = (
    "short",
    "cps",
    "s",
    "bytes",
    "percentunit",
    "currencyUSD",
    "suffix:×",
)
"""Grafana's names of units."""
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
GREEN, ORANGE, RED = "green", "orange", "red"

Panel = timeseries.Panel | stat.Panel | heatmap.Panel | table.Panel | text.Panel


def lines(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = COUNT,
    warn: float | None = None,
    bad: float | None = None,
    is_stacked: bool = False,
) -> timeseries.Panel:
    """A time series. Dashed lines mark `warn`, where it is worth a look, and `bad`, where somebody should act."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .axis_soft_min(0)
        .fill_opacity(10)
        .show_points(common.VisibilityMode.NEVER)
        .legend(_legend())
        .thresholds(_thresholds(warn, bad))
        .thresholds_style(_dashed(warn, bad))
    )
    if is_stacked:
        panel.stacking(options.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(40)
    for target in _targets(queries):
        panel.with_target(target)
    return panel


def number(
    title: str,
    description: str,
    query: str,
    *,
    unit: str = COUNT,
    warn: float | None = None,
    bad: float | None = None,
    legend: str = "",
) -> stat.Panel:
    """The current value, coloured by the thresholds. With a `legend` there is one number per series."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .thresholds(_thresholds(warn, bad))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .graph_mode(common.BigValueGraphMode.AREA)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for target in _targets({legend: query}):
        panel.with_target(target)
    return panel


def heat(title: str, description: str, histogram: str, *, unit: str = SECONDS) -> heatmap.Panel:
    """The distribution of a histogram over time, for values whose quantiles would hide its shape."""
    query = f"sum by (le) (rate({histogram}_bucket[$__rate_interval]))"
    (target,) = _targets({"{{le}}": query})
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .thresholds(_thresholds(None, None))
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .with_target(target.format(PromQueryFormat.HEATMAP))
    )


def rows(title: str, description: str, query: str) -> table.Panel:
    """A table with one line per current series."""
    (target,) = _targets({"": query})
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(COUNT)
        .thresholds(_thresholds(None, None))
        .with_target(target.instant().format(PromQueryFormat.TABLE))
    )


def question(title: str, reading: str) -> text.Panel:
    """The first panel of a dashboard."""
    return (
        text.Panel()
        .title("")
        .description("What this dashboard answers, and how to read it.")
        .transparent(True)
        .mode(TextMode.MARKDOWN)
        .content(f"## {title}\n\n{reading}")
    )


def _targets(queries: Mapping[str, str]) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().expr(query).legend_format(legend).ref_id(ref_id).datasource(PROMETHEUS)
        for ref_id, (legend, query) in zip("ABCDEFGH", queries.items(), strict=False)
    ]


def _legend() -> options.VizLegendOptions:
    return (
        options.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )


def _thresholds(warn: float | None, bad: float | None) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color=GREEN)]
    if warn is not None:
        steps.append(Threshold(value=warn, color=ORANGE))
    if bad is not None:
        steps.append(Threshold(value=bad, color=RED))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _dashed(*limits: float | None) -> options.GraphThresholdsStyleConfig:
    is_drawn = any(limit is not None for limit in limits)
    mode = common.GraphThresholdsStyleMode.DASHED if is_drawn else common.GraphThresholdsStyleMode.OFF
    return options.GraphThresholdsStyleConfig().mode(mode)


def height(panels: Sequence[Panel]) -> int:
    """Height of a row, in grid units. A row of numbers alone is low."""
    return 5 if all(isinstance(panel, stat.Panel) for panel in panels) else 8
