"""The examples of the client's README, on a whole Etude; and the package without the services' code."""

import asyncio
import re
import subprocess
import sys
from typing import Any

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.etude.conftest import Place
from tests.paths import ROOT, read_text

pytestmark = pytest.mark.process

README = ROOT / "shared" / "clients" / "python" / "README.md"
TEXT = read_text("water_cycle.en.txt")


@pytest.fixture
def examples() -> dict[str, Any]:
    """What the Python blocks of the README define."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(README), "exec"), names)
    return names


async def test_the_synchronous_example(
    place: Place, examples: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    async with asyncio.timeout(DEADLINE_SECONDS), place.working():
        await asyncio.to_thread(examples["study"], place.url, place.token, TEXT)

    printed = capsys.readouterr().out
    for line in (
        r"at most \d+ tokens, affordable: True",
        r"made \S+",
        r".+ → .+",
        r".*evaporat.*",
        r"not_found request-\d+",
    ):
        assert re.search(f"^{line}$", printed, re.MULTILINE | re.IGNORECASE), line


async def test_the_asynchronous_example(place: Place, examples: dict[str, Any]):
    async with asyncio.timeout(DEADLINE_SECONDS), place.working():
        job = await examples["summarize"](place.url, place.token, TEXT)

    assert (job.status, job.kind) == ("succeeded", "summary")


def run_alone(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python in which neither `shared` nor `redis` is installed."""
    hidden = "import sys; sys.modules['shared'] = sys.modules['redis'] = None\n"
    return subprocess.run([sys.executable, "-c", hidden + code], capture_output=True, text=True, env={})


def test_the_client_needs_none_of_the_services_code():
    ran = run_alone("import etude; print(etude.Client('http://etude', 't'))")

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["'dead', 'list'", "'dead', 'show', 'x', '--shards', '2'"])
def test_without_its_extra_the_operator_s_command_says_how_to_get_it(arguments: str):
    ran = run_alone(f"import sys; sys.argv[1:] = [{arguments}]\nfrom etude.__main__ import main; main()")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "etude: `etude dead` needs the operator extra: install etude[operator]\n"


def test_every_other_command_works_without_the_extra():
    ran = run_alone("import sys; sys.argv[1:] = ['--help']\nfrom etude.__main__ import main; main()")

    assert ran.returncode == 0
    assert all(name in ran.stdout for name in ("collection", "usage", "dead"))
