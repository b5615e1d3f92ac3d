"""A running stack with what watches it: the real Prometheus and Alertmanager, with our configuration and accelerated rules."""

import json
import random
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import msgspec
from tests.deadline import DEADLINE_SECONDS
from tests.e2e.running import RunningStack
from tests.simulators.provider_process import ProviderProcess
from tests.watch.accelerated_rules import accelerate
from tests.watch.programs import program, serving, serving_alertmanager
from tests.watch.rule_files import PROMETHEUS, RULES

from etude.cli.token_signing import sign_token
from local.errors import CannotRun
from local.ports import free_ports, require_free

METRICS_PORTS = (0, 1, 10, 30, 50)
"""Of a stack with one process of each kind, above its base port."""
PLAN = {
    "tokens_per_day": 1_000_000_000,
    "tokens_per_month": 1_000_000_000,
    "requests_per_minute": 1_000_000,
    "concurrent_jobs": 100,
    "unfinished_jobs": 1_000_000,
    "offline_fallback": False,
}
PLANS = {"free": PLAN, "pro": PLAN, "poor": {**PLAN, "tokens_per_day": 900}}
"""A poor user's day holds one summary."""
AWAKE = (
    f"(count(count_over_time(up[1m]) > 1 and up == 1) == bool {len(METRICS_PORTS)})"
    " * (count(etude_worker_last_poll_timestamp_seconds > 0) == bool 2)"
)
SLEEPLESS = ("Watchdog",)


class MonitoredStack:
    """What a test sees of it."""

    def __init__(
        self,
        stack: RunningStack,
        provider: ProviderProcess,
        prometheus: httpx.Client,
        alertmanager: httpx.Client,
    ) -> None:
        self.stack = stack
        self.provider = provider
        self._prometheus = prometheus
        self._alertmanager = alertmanager

    def ask(self, query: str) -> list[float]:
        """What Prometheus answers now, a number a series."""
        answer = self._prometheus.post("/api/v1/query", data={"query": query})
        assert answer.is_success, f"{query}: {answer.text}"
        data: Any = answer.json()["data"]
        samples = data["result"] if data["resultType"] == "vector" else [{"value": data["result"]}]
        return [float(sample["value"][1]) for sample in samples]

    def wait_until_awake(self) -> None:
        """Every worker reads, and what happens from now on is a change that Prometheus sees."""
        until = monotonic() + DEADLINE_SECONDS
        while self.ask(AWAKE) != [1]:
            assert monotonic() < until, "not every process reads, or tells its metrics"

    def firing(self) -> set[str]:
        """Alerts that somebody is told of now."""
        answer = self._alertmanager.get("/api/v2/alerts", params={"inhibited": "false"})
        names = {alert["labels"]["alertname"] for alert in answer.raise_for_status().json()}
        return names - set(SLEEPLESS)

    def firing_until(self, expected: set[str], seconds: float) -> set[str]:
        """Everything that was heard until exactly these alerts were, or the time was over."""
        until, heard = monotonic() + seconds, set[str]()
        while (now := self.firing()) != expected and monotonic() < until:
            heard |= now
        return heard | now

    def client_of(self, user: str, plan: str) -> httpx.Client:
        key = self.stack.folder / "keys" / "jwt-private.pem"
        token = sign_token(key, user=user, plan=plan, now=datetime.now(UTC), ttl=timedelta(hours=1))
        return httpx.Client(
            base_url=self.stack.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=DEADLINE_SECONDS,
            trust_env=False,
        )


@contextmanager
def monitored_stack(folder: Path) -> Generator[MonitoredStack]:
    """Raises `NoServer`, before anything is started."""
    for name in ("prometheus", "alertmanager"):
        program(name)
    base = _free_base()
    plans = folder / "plans.json"
    plans.write_bytes(msgspec.json.encode(PLANS))
    with ExitStack() as opened:
        provider = opened.enter_context(ProviderProcess())
        environ = {
            **provider.environ,
            "ETUDE_MODEL": "simulated",
            "ETUDE_MODEL_PRICES": '{"simulated": {"input": 1, "output": 2}}',
            "ETUDE_PLANS_FILE": str(plans),
            "ETUDE_METRICS_BASE_PORT": str(base),
        }
        stack = opened.enter_context(RunningStack(folder / "data", free_ports(1)[0], environ))
        alertmanager = opened.enter_context(serving_alertmanager(folder / "alertmanager"))
        prometheus = opened.enter_context(
            _prometheus(folder / "prometheus", stack, alertmanager.base_url.netloc.decode())
        )
        monitored = MonitoredStack(stack, provider, prometheus, alertmanager)
        monitored.wait_until_awake()
        yield monitored


def _free_base() -> int:
    """The first port of a place that is free for the metrics of a small stack."""
    while True:
        base = random.randint(20_000, 60_000)
        try:
            for number in METRICS_PORTS:
                require_free(base + number, "ETUDE_METRICS_BASE_PORT")
        except CannotRun:
            continue
        return base


@contextmanager
def _prometheus(folder: Path, stack: RunningStack, alertmanager: str) -> Generator[httpx.Client]:
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for file in RULES.iterdir():
        (rules / file.name).write_text(accelerate(file.read_text()))
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(_config(stack, alertmanager)))
    with serving("prometheus", folder, f"--config.file={config}", "--storage.tsdb.path=data") as client:
        yield client


def _config(stack: RunningStack, alertmanager: str) -> Any:
    """Ours, but for where things are and how often they are looked at."""
    config: Any = msgspec.yaml.decode((PROMETHEUS / "prometheus.yml").read_bytes())
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    metrics: dict[str, str] = json.loads((stack.folder / "stack.json").read_text())["metrics"]
    for job in config["scrape_configs"]:
        job.pop("dns_sd_configs")
        job["static_configs"] = [{"targets": [httpx.URL(metrics[job["job_name"]]).netloc.decode()]}]
    return config
