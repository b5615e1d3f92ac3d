"""Names of metrics, spans and attributes against OpenTelemetry's semantic conventions: those for generative AI as released in
v0.1.0, copied beside this module, and all attributes as released in the Python package."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.otel.semantic_conventions import ATTRIBUTES, FORMS, format_name
from shared.domain.tracing import SpanName
from shared.runtime.observability.metrics.catalogue import METRICS, Metric
from shared.runtime.observability.metrics.model_metrics import MODALITY, OPERATION, TOKEN_COUNTERS

GEN_AI: dict[str, Any] = json.loads((Path(__file__).parent / "gen_ai_v0.1.0.json").read_text())
UNITS = {"s": "_seconds", "{token}": ""}
RELEASED = ("db", "error", "gen_ai", "http", "messaging")
"""The groups of attributes whose names are compared with the released package."""


def to_prometheus(name: str, instrument: str, unit: str) -> str:
    suffix = UNITS[unit] + ("_total" if instrument == "counter" else "")
    return name.replace(".", "_") + suffix


def convention_of(metric: Metric) -> dict[str, Any] | None:
    names = {
        to_prometheus(name, one["instrument"], one["unit"]): one for name, one in GEN_AI["metrics"].items()
    }
    return names.get(metric.name)


OURS = [metric for metric in METRICS if metric.name.startswith("gen_ai_")]
every_metric = pytest.mark.parametrize("metric", OURS, ids=lambda metric: metric.name)


def test_every_expected_metric_is_exposed():
    expected = {
        to_prometheus(name, GEN_AI["metrics"][name]["instrument"], GEN_AI["metrics"][name]["unit"])
        for name in GEN_AI["expected"]
    }
    assert {metric.name for metric in OURS} == expected
    assert set(TOKEN_COUNTERS) == {name for name in expected if "_usage_" in name}


@every_metric
def test_a_metric_has_the_instrument_and_the_labels_of_its_convention(metric: Metric):
    convention = convention_of(metric)
    assert convention is not None
    assert metric.type.value == convention["instrument"]
    required, allowed = (
        {name.replace(".", "_") for name in convention[group]} for group in ("required", "allowed")
    )
    assert required <= set(metric.labels) <= required | allowed


@every_metric
def test_a_histogram_has_the_bounds_of_its_convention_and_longer_ones(metric: Metric):
    convention = convention_of(metric)
    assert convention is not None
    if convention["instrument"] == "histogram":
        bounds = GEN_AI["bounds"][convention["unit"]]
        assert list(metric.bounds[: len(bounds)]) == pytest.approx(bounds)


def test_the_span_of_a_call_has_the_name_of_its_convention():
    form = FORMS[SpanName.CALL]
    operation = form.fixed["gen_ai.operation.name"]
    expected = str(GEN_AI["span"]["name"])
    for name, value in {"gen_ai.operation.name": operation, "gen_ai.request.model": "m"}.items():
        expected = expected.replace(f"{{{name}}}", value)
    assert format_name(form, {"model": "m"}) == expected
    assert operation == OPERATION
    assert set(GEN_AI["span"]["required"]) <= {*form.fixed, *ATTRIBUTES.values()}


@pytest.mark.parametrize(
    "name", sorted({*ATTRIBUTES.values(), *(n for f in FORMS.values() for n in f.fixed)})
)
def test_an_attribute_is_named_as_in_the_released_package(name: str):
    group = name.split(".")[0]
    if group == "etude":
        return
    assert group in RELEASED
    assert name in released(group)


def test_the_modality_is_one_that_the_conventions_know():
    assert MODALITY in {"text", "image", "audio", "video", "document", "unknown"}


def released(group: str) -> set[str]:
    module = import_module(f"opentelemetry.semconv._incubating.attributes.{group}_attributes")
    return {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
