"""KEDA's ScaledObject and TriggerAuthentication (keda.sh/v1alpha1, 2.18 and newer), as far as `deploy/k8s` uses them.

No package ships a current schema of theirs; a field that is not here is refused, as the API would.
"""

from typing import Literal

from msgspec import Struct


class Exact(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Refuses what it does not know."""


class Named(Exact, frozen=True):
    name: str


class Metadata(Exact, frozen=True):
    name: str
    namespace: str


class Modifiers(Exact, frozen=True):
    formula: str
    target: str
    metric_type: Literal["AverageValue", "Value"] = "AverageValue"


class Step(Exact, frozen=True):
    type: Literal["Pods", "Percent"]
    value: int
    period_seconds: int


class Rules(Exact, frozen=True):
    stabilization_window_seconds: int
    policies: list[Step]


class Behavior(Exact, frozen=True):
    scale_up: Rules
    scale_down: Rules


class HorizontalPodAutoscalerConfig(Exact, frozen=True):
    behavior: Behavior


class Advanced(Exact, frozen=True):
    scaling_modifiers: Modifiers
    horizontal_pod_autoscaler_config: HorizontalPodAutoscalerConfig


class Fallback(Exact, frozen=True):
    failure_threshold: int
    replicas: int
    behavior: Literal["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]


class Trigger(Exact, frozen=True):
    type: Literal["redis-streams", "redis-cluster-streams"]
    name: str
    metadata: dict[str, str]
    authentication_ref: Named


class ScaledObjectSpec(Exact, frozen=True):
    scale_target_ref: Named
    min_replica_count: int
    max_replica_count: int
    polling_interval: int
    fallback: Fallback
    advanced: Advanced
    triggers: list[Trigger]


class ScaledObject(Exact, frozen=True):
    api_version: Literal["keda.sh/v1alpha1"]
    kind: Literal["ScaledObject"]
    metadata: Metadata
    spec: ScaledObjectSpec


class SecretTarget(Exact, frozen=True):
    parameter: Literal["address", "addresses", "username", "password"]
    name: str
    key: str


class TriggerAuthenticationSpec(Exact, frozen=True):
    secret_target_ref: list[SecretTarget]


class TriggerAuthentication(Exact, frozen=True):
    api_version: Literal["keda.sh/v1alpha1"]
    kind: Literal["TriggerAuthentication"]
    metadata: Metadata
    spec: TriggerAuthenticationSpec
