"""A fleet of containers as an operator starts it: the repository's compose file, under a project name of its own."""

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
from tests.deadline import DEADLINE_SECONDS
from tests.paths import ROOT

from local.ports import free_ports

COMPOSE_FILE = ROOT / "deploy" / "compose.yaml"
VERSION = "test"
"""The tag of the images: those of whoever runs the tests stay as they are."""
SECONDS = 600.0
"""Against hanging, of one command; the first build takes minutes on a slow line."""


class Refused(AssertionError):
    """What a command said when it failed."""


@cache
def why_no_engine() -> str:
    """Empty where containers can be run."""
    for command in (("docker", "version"), ("docker", "compose", "version"), ("docker", "buildx", "version")):
        try:
            run(*command)
        except (OSError, Refused) as error:
            return f"`{' '.join(command)}` fails, so no container was tried: {str(error).strip().splitlines()[-1]}"
    return ""


def run(*command: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> str:
    done = subprocess.run(
        command,
        env=None if environ is None else dict(environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


class Fleet:
    """Up between `up` and `down`, any number of times; `remove` leaves nothing of it but the images."""

    def __init__(self) -> None:
        self.project = f"etude-test-{os.getpid()}"
        gateway, prometheus, grafana = free_ports(3)
        self.url = f"http://127.0.0.1:{gateway}"
        self.prometheus_url = f"http://127.0.0.1:{prometheus}"
        self._environ = {
            **_inherited(),
            "ETUDE_VERSION": VERSION,
            "ETUDE_PORT": str(gateway),
            "ETUDE_PROMETHEUS_PORT": str(prometheus),
            "ETUDE_GRAFANA_PORT": str(grafana),
        }
        self.token = ""

    def build(self) -> None:
        self.compose("--profile", "operator", "build", "--quiet")

    def up(self, *words: str, **environ: str) -> None:
        """Until everything that can say so says that it is healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "300", *words, **environ)
        self.token = self.token or self.compose("run", "--rm", "etude", "token", "--user", "learner").strip()

    def down(self) -> None:
        self.compose("down")

    def remove(self) -> None:
        self.compose("--profile", "operator", "down", "--volumes", "--remove-orphans")

    def compose(self, *words: str, **environ: str) -> str:
        command = ("docker", "compose", "-f", str(COMPOSE_FILE), "-p", self.project, *words)
        return run(*command, environ={**self._environ, **environ})

    def execute(self, service: str, *command: str) -> str:
        return self.compose("exec", "-T", service, *command)

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--all", "--quiet", service).split()

    def inspect(self, service: str) -> dict[str, Any]:
        """Of the service's first container."""
        return json.loads(run("docker", "inspect", self.containers(service)[0]))[0]

    def address(self, service: str, network: str) -> str:
        return self.inspect(service)["NetworkSettings"]["Networks"][self.network(network)]["IPAddress"]

    def network(self, name: str) -> str:
        return f"{self.project}_{name}"

    def host_address(self) -> str:
        """Where those who may leave find the machine they run on."""
        egress: list[dict[str, Any]] = json.loads(run("docker", "network", "inspect", self.network("egress")))
        return egress[0]["IPAM"]["Config"][0]["Gateway"]

    def redis(self, user: str, *words: str) -> str:
        """What Redis answers a user, refusals included."""
        script = f'REDISCLI_AUTH=$(cat /run/etude/redis/{user}-password) exec redis-cli --user {user} "$@"'
        return self.execute("redis", "sh", "-c", script, "sh", *words).strip()

    def left_behind(self) -> list[str]:
        label = f"label=com.docker.compose.project={self.project}"
        return [
            thing
            for kind in ("container", "volume", "network")
            for thing in run("docker", kind, "ls", "--quiet", "--filter", label).split()
        ]

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=DEADLINE_SECONDS,
            trust_env=False,
        )


def python_on(network: str, code: str) -> str:
    """What a container of ours prints that is on this network and none other."""
    return run(
        "docker", "run", "--rm", "--network", network, f"etude-gateway:{VERSION}", "python", "-c", code
    ).strip()


def _inherited() -> dict[str, str]:
    """What the test run was given, but for settings and keys."""
    return {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - handed on to a process, not read as settings
        if not name.startswith(("ETUDE_", "OPENAI_", "COMPOSE_"))
    }
