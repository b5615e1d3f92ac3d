"""The provider simulator as a process of its own, ruled over HTTP."""

import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec
from msgspec.structs import replace
from tests.deadline import DEADLINE_SECONDS
from tests.simulators.faults import BY_NAME, Fault, FaultKind
from tests.simulators.http_server import LOOPBACK

MANY = 1_000_000
"""More calls than are made."""


class ProviderProcess:
    """A context manager; leaving it ends the process."""

    def __init__(self, *, latency_seconds: float = 0.0, host: str = LOOPBACK) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.simulators.provider"),
                *("--host", host, "--latency", str(latency_seconds)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().removeprefix("ready: ").strip()
        self._control = httpx.Client(
            base_url=self.url.removesuffix("/v1") + "/_control", trust_env=False, timeout=DEADLINE_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()
        self._process.kill()
        self._process.communicate(timeout=DEADLINE_SECONDS)

    @property
    def environ(self) -> dict[str, str]:
        """What makes a service take it for OpenAI."""
        return {"OPENAI_API_KEY": "sk-simulated", "OPENAI_BASE_URL": self.url}

    def let_next_call_hang(self) -> None:
        self.add_faults(Fault(kind=FaultKind.HANG))

    def fail_next_calls(self, kind: str, *, times: int) -> None:
        """Of whatever job: a fault by its name."""
        self.add_faults(replace(BY_NAME[kind], times=times))

    def fail_calls_of(self, job_id: str, kind: str) -> None:
        """Every one of them, from now on."""
        self.add_faults(replace(BY_NAME[kind], times=MANY, call_id=job_id))

    def add_faults(self, *faults: Fault) -> None:
        order = {"add": msgspec.to_builtins(faults)}
        self._control.post("/faults", json=order).raise_for_status()

    def let_next_calls_drip(self, count: int, *, seconds: float) -> None:
        """Each stops in the middle for so long."""
        drip = {"kind": "drip", "times": count, "seconds": seconds}
        self._control.post("/faults", json={"add": [drip]}).raise_for_status()

    def set_rates(self, rates: Mapping[str, float], *, seed: int) -> None:
        """From now on calls go wrong by chance: fault name to probability."""
        self._control.post("/faults", json={"rates": dict(rates), "seed": seed}).raise_for_status()

    def set_pace(self, *, piece_seconds: float) -> None:
        """Of the streams that begin from now on."""
        self._control.post("/settings", json={"piece_seconds": piece_seconds}).raise_for_status()

    def ignore_idempotency_keys(self) -> None:
        """As a server does that does not know them."""
        self._control.post("/settings", json={"knows_idempotency_keys": False}).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        """The journal."""
        return self._control.get("/journal").raise_for_status().json()["calls"]

    def states(self) -> dict[str, list[str]]:
        """By the id of the call, how each of its askings ended."""
        states: dict[str, list[str]] = {}
        for call in self.calls():
            states.setdefault(call["call_id"], []).append(call["state"])
        return states
