"""The table of metrics, from the catalogue."""

from docs.markdown import render_table
from shared.runtime.observability.metrics.catalogue import METRICS, Metric, Process


def metrics_table() -> str:
    rows = [
        (f"`{metric.name}`", metric.type.value, labels_of(metric), processes_of(metric), metric.help)
        for metric in METRICS
    ]
    return render_table(("metric", "type", "labels", "exposed by", "meaning"), rows)


def labels_of(metric: Metric) -> str:
    return " ".join(f"`{label}`" for label in metric.labels) or "–"


def processes_of(metric: Metric) -> str:
    if len(metric.processes) == len(Process):
        return "all"
    return ", ".join(sorted(process.value for process in metric.processes))
