"""Who may speak to whom, worked out from the NetworkPolicies as Kubernetes does: what no policy allows is refused."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tests.k8s.fleet import Process, of_kind, processes, selects

from gateway.documents.multipart import FIELDS_BYTES
from gateway.http.chat_proxy import ANSWER_SECONDS
from shared.domain.document_limits import DocumentLimits

BASE = list(processes("base"))
NAMES = [process.name for process in BASE]
PROVIDERS = {"chat", "ai-worker", "collection-worker"}
PROVIDER, METADATA, STORE = "104.18.7.192", "169.254.169.254", "10.20.0.10"


def policies(folder: str = "base") -> list[dict[str, Any]]:
    return [one["spec"] for one in of_kind(folder, "NetworkPolicy")]


def rules(process: Process, direction: str, folder: str = "base") -> Iterator[dict[str, Any]]:
    """What is allowed to or from a pod; it is locked in that direction because some policy is about it."""
    about = [
        one
        for one in policies(folder)
        if selects(one["podSelector"], process.labels) and direction in one["policyTypes"]
    ]
    assert about
    for one in about:
        yield from one.get(direction.lower(), [])


def may_reach(process: Process, address: str, port: int, folder: str = "base") -> bool:
    return any(
        any(port == one["port"] for one in rule["ports"])
        and any(_holds(peer["ipBlock"], address) for peer in rule["to"] if "ipBlock" in peer)
        for rule in rules(process, "Egress", folder)
    )


def _holds(block: dict[str, Any], address: str) -> bool:
    wanted = ip_address(address)
    return wanted in ip_network(block["cidr"]) and not any(
        wanted in ip_network(one) for one in block.get("except", [])
    )


def may_speak_to(one: Process, other: Process, port: str) -> bool:
    numbers = {named["name"]: named["containerPort"] for named in other.container.get("ports", [])}
    sends = any(_means(rule, "to", other, numbers.get(port)) for rule in rules(one, "Egress"))
    return sends and any(_means(rule, "from", one, port) for rule in rules(other, "Ingress"))


def _means(rule: dict[str, Any], peers: str, pod: Process, port: str | int | None) -> bool:
    return any(port == one["port"] for one in rule["ports"]) and any(
        set(peer) == {"podSelector"} and selects(peer["podSelector"], pod.labels) for peer in rule[peers]
    )


def test_everything_is_denied_by_default() -> None:
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies()


def test_only_the_gateway_reaches_the_chat() -> None:
    allowed = {
        (one.name, other.name)
        for one in BASE
        for other in BASE
        for port in ("http", "metrics")
        if may_speak_to(one, other, port)
    }
    assert allowed == {("gateway", "chat")}


def test_the_ingress_reaches_the_gateway_and_prometheus_the_metrics() -> None:
    allowed = {
        (peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], process.name, port["port"])
        for process in BASE
        for rule in rules(process, "Ingress")
        for peer in rule["from"]
        if "namespaceSelector" in peer
        for port in rule["ports"]
    }
    scraped = {("monitoring", name, "metrics") for name in NAMES if name != "migrate"}
    assert allowed == {("ingress-nginx", "gateway", "http")} | scraped


def test_only_pods_that_call_a_provider_reach_the_internet() -> None:
    assert {one.name for one in BASE if may_reach(one, PROVIDER, 443)} == PROVIDERS
    assert {one.name for one in BASE if may_reach(one, "2606:4700::6812:7c0", 443)} == PROVIDERS
    assert [one.name for one in BASE for port in (80, 6379, 5432) if may_reach(one, PROVIDER, port)] == []


@pytest.mark.parametrize("folder", ["base", "overlays/example", "overlays/redis-cluster"])
def test_no_pod_reaches_the_metadata_address_of_clouds(folder: str) -> None:
    assert [one.name for one in BASE for port in (80, 443) if may_reach(one, METADATA, port, folder)] == []


def test_only_users_of_a_store_reach_it_at_the_overlay_s_address() -> None:
    folder = "overlays/example"
    assert {one.name for one in BASE if may_reach(one, STORE, 6379, folder)} == set(NAMES) - {"migrate"}
    assert {one.name for one in BASE if may_reach(one, "10.20.0.20", 5432, folder)} == set(NAMES)
    assert [one.name for one in BASE if may_reach(one, "10.20.0.11", 6379, folder)] == []


@pytest.mark.parametrize("policy", of_kind("base", "NetworkPolicy"), ids=lambda one: one["metadata"]["name"])
def test_a_policy_is_about_pods_that_exist_and_ports_that_they_have(policy: dict[str, Any]) -> None:
    spec = policy["spec"]
    meant = [one for one in BASE if selects(spec["podSelector"], one.labels)]
    named = {value for rule in spec["podSelector"].get("matchExpressions", []) for value in rule["values"]}
    assert meant
    assert named <= {one.name for one in meant}
    for rule in spec.get("ingress", []):
        for port in rule["ports"]:
            assert all(port["port"] in {p["name"] for p in one.container["ports"]} for one in meant)


def test_the_ingress_accepts_the_gateway_s_largest_body_and_longest_wait() -> None:
    (ingress,) = of_kind("overlays/example", "Ingress")
    told = {
        key.removeprefix("nginx.ingress.kubernetes.io/"): value
        for key, value in ingress["metadata"]["annotations"].items()
    }
    assert told["proxy-buffering"] == "off"
    assert (
        int(told["proxy-body-size"].removesuffix("m")) * 2**20 >= DocumentLimits().file_bytes + FIELDS_BYTES
    )
    assert float(told["proxy-read-timeout"]) > ANSWER_SECONDS
