"""What each process is told, and the order in which they stop."""

from pathlib import Path

from local.credentials import Credentials
from local.service_specs import Places, Programs, list_programs
from local.settings import LocalSettings

PLACES = Places(redis_url="redis://there", postgres_url="postgresql://there", chat_port=4242)
CREDENTIALS = Credentials(Path("public.pem"), Path("internal-secret"), "token")


def make_programs(**environ: str) -> Programs:
    settings = LocalSettings(port=8080, ai_workers=2, collection_workers=1)
    return list_programs(settings, PLACES, CREDENTIALS, environ)


def test_there_are_as_many_workers_as_asked_for_and_one_of_everything_else() -> None:
    names = [program.name for wave in make_programs().stop_order for program in wave]
    assert names == ["gateway", "chat", "ai-worker-1", "ai-worker-2", "collection-worker", "cron"]


def test_everybody_is_told_where_redis_and_postgres_are_whatever_the_shell_says() -> None:
    programs = make_programs(ETUDE_REDIS_URL="redis://elsewhere", OPENAI_API_KEY="sk-test", PATH="/bin")
    for program in (programs.gateway, programs.chat, *programs.workers):
        assert program.environ["ETUDE_REDIS_URL"] == "redis://there"
        assert program.environ["ETUDE_POSTGRES_URL"] == "postgresql://there"
        assert program.environ["OPENAI_API_KEY"] == "sk-test"
        assert program.environ["PATH"] == "/bin"


def test_logs_are_for_people_unless_the_shell_wants_them_for_machines() -> None:
    assert make_programs().gateway.environ["ETUDE_LOG_FORMAT"] == "lines"
    assert make_programs(ETUDE_LOG_FORMAT="json").gateway.environ["ETUDE_LOG_FORMAT"] == "json"


def test_the_gateway_finds_the_chat_and_both_know_the_secret_by_file() -> None:
    programs = make_programs()
    assert programs.gateway.environ["ETUDE_CHAT_URL"] == "http://127.0.0.1:4242"
    assert programs.chat.environ["ETUDE_PORT"] == "4242"
    for front in (programs.gateway, programs.chat):
        assert front.environ["ETUDE_INTERNAL_SECRET_FILE"] == "internal-secret"


def test_workers_are_told_no_secret_they_do_not_need() -> None:
    for worker in make_programs().workers:
        assert "ETUDE_INTERNAL_SECRET_FILE" not in worker.environ
        assert "ETUDE_JWT_PUBLIC_KEY_FILE" not in worker.environ
