"""What each process is told, and the order in which they stop."""

from pathlib import Path

import pytest

from local.credentials import Credentials
from local.services.service_specs import Addresses, ServiceSpecs, list_services
from local.settings import LocalSettings
from shared.adapters.postgres.roles import SERVICES

ADDRESSES = Addresses(
    redis_urls={service: f"redis://{service}" for service in SERVICES},
    postgres_urls={service: f"postgresql://{service}" for service in SERVICES},
    chat_port=4242,
)
CREDENTIALS = Credentials(Path("public.pem"), Path("internal-secret"), "token")


def make_services(**environ: str) -> ServiceSpecs:
    settings = LocalSettings(port=8080, ai_workers=2, collection_workers=1)
    return list_services(settings, ADDRESSES, CREDENTIALS, environ)


def test_workers_are_as_many_as_configured_and_other_services_one_each() -> None:
    names = [spec.name for wave in make_services().stop_order for spec in wave]
    assert names == ["gateway", "chat", "ai-worker-1", "ai-worker-2", "collection-worker", "cron"]


def test_the_stack_s_stores_override_the_environment_of_the_shell() -> None:
    services = make_services(
        ETUDE_REDIS_URL="elsewhere",
        ETUDE_POSTGRES_URL="elsewhere",
        OPENAI_API_KEY="sk-test",
        PATH="/bin",
    )
    for spec in (services.gateway, services.chat, *services.workers):
        assert spec.environ["ETUDE_REDIS_URL"].startswith("redis://")
        assert spec.environ["ETUDE_POSTGRES_URL"].startswith("postgresql://")
        assert spec.environ["OPENAI_API_KEY"] == "sk-test"
        assert spec.environ["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("variable", "scheme"), [("ETUDE_POSTGRES_URL", "postgresql://"), ("ETUDE_REDIS_URL", "redis://")]
)
def test_each_service_connects_to_each_store_as_itself(variable: str, scheme: str) -> None:
    services = make_services()
    urls = [spec.environ[variable] for spec in (services.gateway, services.chat, *services.workers)]
    assert [url.removeprefix(scheme) for url in urls] == [
        *("gateway", "chat", "ai-worker", "ai-worker", "collection-worker", "cron"),
    ]


def test_logs_are_for_people_unless_the_shell_wants_them_for_machines() -> None:
    assert make_services().gateway.environ["ETUDE_LOG_FORMAT"] == "lines"
    assert make_services(ETUDE_LOG_FORMAT="json").gateway.environ["ETUDE_LOG_FORMAT"] == "json"


def test_the_gateway_finds_the_chat_and_both_know_the_secret_by_file() -> None:
    services = make_services()
    assert services.gateway.environ["ETUDE_CHAT_URL"] == "http://127.0.0.1:4242"
    assert services.chat.environ["ETUDE_PORT"] == "4242"
    for front in (services.gateway, services.chat):
        assert front.environ["ETUDE_INTERNAL_SECRET_FILE"] == "internal-secret"


def test_workers_get_no_secret_that_they_do_not_need() -> None:
    for worker in make_services().workers:
        assert "ETUDE_INTERNAL_SECRET_FILE" not in worker.environ
        assert "ETUDE_JWT_PUBLIC_KEY_FILE" not in worker.environ
