"""What a container may do, see and hold: asked of the engine, and tried from inside."""

import json

import pytest
from tests.compose.fleet import VERSION, Fleet, Refused, python_on, run

pytestmark = pytest.mark.e2e

OURS = ("secrets", "users", "roles", "migration", "gateway", "chat", "ai-worker", "collection-worker", "cron")
LIVING = ("gateway", "chat", "ai-worker", "collection-worker", "cron", "redis", "postgres")
OTHERS = ("redis", "postgres", "prometheus", "alertmanager", "grafana")
IMAGES = ("gateway", "chat", "ai-worker", "collection-worker", "operator")
READS = {
    "gateway": {
        "gateway/redis-url",
        "gateway/postgres-url",
        "gateway/internal-secret",
        "gateway/jwt-public.pem",
    },
    "chat": {"chat/redis-url", "chat/postgres-url", "chat/internal-secret"},
    "ai-worker": {"ai-worker/redis-url", "ai-worker/postgres-url"},
    "collection-worker": {"collection-worker/redis-url", "collection-worker/postgres-url"},
    "cron": {"cron/redis-url", "cron/postgres-url"},
}
OPENS = """
import socket
try:
    socket.create_connection(({host!r}, {port}), timeout=4).close()
    print("open")
except OSError:
    print("closed")
"""
OUTSIDE = ("pypi.org", 443)


@pytest.mark.parametrize("service", [*OURS, *OTHERS])
def test_a_container_is_given_no_more_than_it_needs(fleet: Fleet, service: str) -> None:
    container = fleet.inspect(service)
    host = container["HostConfig"]
    assert container["Config"]["User"].partition(":")[0] not in ("", "0", "root")
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] is None
    assert host["Privileged"] is False
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0
    assert host["LogConfig"]["Config"]["max-size"]
    assert host["Init"] is True
    assert [m["Source"] for m in container["Mounts"] if m["Source"].endswith("docker.sock")] == []
    assert host["NetworkMode"] != "host"


@pytest.mark.parametrize("service", LIVING)
def test_its_first_process_has_no_privilege_and_can_gain_none(fleet: Fleet, service: str) -> None:
    lines = fleet.execute(service, "cat", "/proc/1/status").splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert status["CapEff"] == status["CapBnd"] == ["0" * 16]
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"]
    assert "0" not in status["Uid"]
    with pytest.raises(Refused, match="Read-only file system"):
        fleet.execute(service, "touch", "/written")


def test_only_three_ports_are_published_and_on_loopback_alone(fleet: Fleet) -> None:
    published = {service: ports for service in [*OURS, *OTHERS] if (ports := published_ports(fleet, service))}
    assert published == {
        "gateway": [("8000/tcp", "127.0.0.1")],
        "prometheus": [("9090/tcp", "127.0.0.1")],
        "grafana": [("3000/tcp", "127.0.0.1")],
    }


def published_ports(fleet: Fleet, service: str) -> list[tuple[str, str]]:
    bound: dict[str, list[dict[str, str]]] = fleet.inspect(service)["HostConfig"]["PortBindings"] or {}
    return [(port, place["HostIp"]) for port, places in bound.items() for place in places]


# --- who reaches whom ------------------------------------------------------------------------------------------------


def test_a_store_is_reachable_only_from_its_own_network(fleet: Fleet) -> None:
    seen = {
        (network, store)
        for network in ("data", "edge", "monitoring", "screens", "egress")
        for store, port in (("redis", 6379), ("postgres", 5432))
        for host in (store, fleet.address(store, "data"))
        if python_on(fleet.network(network), OPENS.format(host=host, port=port)) == "open"
    }
    assert seen == {("data", "redis"), ("data", "postgres")}


def test_the_gateway_is_reachable_from_the_edge_network(fleet: Fleet) -> None:
    assert python_on(fleet.network("edge"), OPENS.format(host="gateway", port=8000)) == "open"


def test_only_services_that_call_a_provider_reach_the_internet(fleet: Fleet) -> None:
    host, port = OUTSIDE
    if python_on("bridge", OPENS.format(host=host, port=port)) == "closed":
        pytest.skip(f"no container here reaches {host}, so that some do not shows nothing")
    address = python_on("bridge", f"import socket; print(socket.gethostbyname({host!r}))")
    out = {
        service
        for service in ("gateway", "chat", "ai-worker", "collection-worker", "cron")
        for target in (host, address)
        if "open" in fleet.execute(service, "python", "-c", OPENS.format(host=target, port=port))
    }
    assert out == {"chat", "ai-worker", "collection-worker"}


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", READS)
def test_a_service_holds_its_own_secrets_and_no_other(fleet: Fleet, service: str) -> None:
    files = fleet.execute(service, "find", "/run/etude", "-type", "f", "-printf", "%P %m %u\n").splitlines()
    assert {line.split()[0] for line in files} == READS[service]
    assert {line.split()[1] for line in files} == {"440"}


def test_no_secret_is_in_what_the_engine_or_a_log_shows(fleet: Fleet) -> None:
    values = secret_values(fleet)
    assert len(values) >= 9
    shown = {
        "config": fleet.compose("config"),
        "logs": fleet.compose("logs", "--no-color"),
        **{service: json.dumps(fleet.inspect(service)) for service in [*OURS, *OTHERS]},
        **{image: run("docker", "history", "--no-trunc", f"etude-{image}:{VERSION}") for image in IMAGES},
    }
    assert [
        (place, name) for place, text in shown.items() for name, value in values.items() if value in text
    ] == []


def secret_values(fleet: Fleet) -> dict[str, str]:
    """Of every file in every volume of secrets, but for the public key."""
    volumes = run("docker", "volume", "ls", "--quiet", "--filter", f"name={fleet.project}_secrets-").split()
    mounts = [word for volume in volumes for word in ("--volume", f"{volume}:/seen/{volume}:ro")]
    code = (
        "import json, pathlib; print(json.dumps({str(p): p.read_text().strip()"
        " for p in pathlib.Path('/seen').rglob('*') if p.is_file()}))"
    )
    image = f"etude-gateway:{VERSION}"
    read: dict[str, str] = json.loads(
        run("docker", "run", "--rm", "--network", "none", *mounts, image, "python", "-c", code)
    )
    return {name: text.replace("\n", "\\n") for name, text in read.items() if "jwt-public" not in name}


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "KEYS *",
        "CONFIG SET maxmemory 1",
        "SHUTDOWN ABORT",
        "ACL LIST",
        "CLIENT KILL ID 1",
        "REPLICAOF NO ONE",
    ],
)
@pytest.mark.parametrize("service", LIVING[:5])
def test_a_service_cannot_harm_redis(fleet: Fleet, service: str, command: str) -> None:
    assert fleet.redis(service, *command.split()).startswith("NOPERM")


def test_redis_requires_a_password(fleet: Fleet) -> None:
    assert fleet.execute("redis", "redis-cli", "PING").strip() == "NOAUTH Authentication required."
    assert fleet.redis("probe", "GET", "x").startswith("NOPERM")


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE mine (id int)", "DROP TABLE async_jobs", "COPY async_jobs TO PROGRAM 'id'"]
)
def test_a_service_cannot_change_the_tables_or_run_a_program(fleet: Fleet, statement: str) -> None:
    script = (
        "export PGPASSWORD=$(cat /run/etude/postgres/gateway-password);"
        ' exec psql -h 127.0.0.1 -U etude_gateway -d etude -c "$1"'
    )
    with pytest.raises(Refused, match=r"permission denied|must be owner"):
        fleet.execute("postgres", "sh", "-c", script, "sh", statement)


# --- images ----------------------------------------------------------------------------------------------------------


BUILDERS = r"""
for name in uv gcc cc c++ make rustc; do command -v $name; done
find / -xdev -type f \( -path '*/.cache/*' -o -path '/var/cache/uv/*' -o -path '/var/cache/pip/*' \)
"""


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_contains_no_build_tool(fleet: Fleet, image: str) -> None:
    name = f"etude-{image}:{VERSION}"
    assert run("docker", "run", "--rm", "--user", "0", name, "sh", "-c", BUILDERS) == ""


def test_only_images_that_call_a_provider_contain_its_library(fleet: Fleet) -> None:
    code = "import importlib.util; print(importlib.util.find_spec('openai') is not None)"
    carries = {
        image
        for image in IMAGES
        if run("docker", "run", "--rm", f"etude-{image}:{VERSION}", "python", "-c", code).strip() == "True"
    }
    assert carries == {"chat", "ai-worker", "collection-worker"}


def test_certificates_of_a_provider_can_be_checked(fleet: Fleet) -> None:
    code = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])"
    assert int(fleet.execute("ai-worker", "python", "-c", code)) > 50
