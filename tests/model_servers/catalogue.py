"""The model servers that are tried: programs that others wrote, as their registries ship them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from tests.model_servers import canned_replies
from tests.model_servers.exercise import SOURCE
from tests.model_servers.installation import model_file, npm_program, python_package, python_program

KEY = "sk-a-key-of-the-tests-0123456789"
WINDOW = 2_048
"""The window of every server here that has one, in tokens."""
WITH_A_MODEL = "max_output=200"
"""The features of a server with a real model: short completions, because the tests wait for every token."""


class ModelServer(Struct, frozen=True, kw_only=True):
    """How to start a server that others wrote."""

    name: str
    package: str
    """Its name in the registry."""
    program: Path
    arguments: Callable[[Path, int, str], Sequence[str]]
    """Made of a folder for its files, its port, and the URL of the server behind it."""
    environ: Mapping[str, str] = {}
    model: str = "gpt-4o"
    needs: Sequence[Path] = ()
    """Files beside the program."""
    behind: str = ""
    """The name of the server to which it hands on."""
    features: str = ""
    """The setting `ETUDE_MODEL_FEATURES`."""
    is_heavy: bool = False
    """Whether its install is too long for every run of the tests."""
    has_a_model: bool = False
    """Whether a real model writes its replies, which takes minutes for all kinds."""
    has_our_replies: bool = False
    """Whether its replies are fixtures of ours, from which cards and questions can be made."""
    window: int = 0
    """The window that it names when it refuses a text, in tokens; 0 if it refuses none."""


def _write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _litellm_settings(upstream: str) -> str:
    model = {"model": "openai/smollm2", "api_base": upstream, "api_key": KEY}
    return json.dumps(
        {
            "model_list": [{"model_name": "smollm2", "litellm_params": model}],
            "general_settings": {"master_key": KEY},
        }
    )


LLAMA_CPP = ModelServer(
    name="llama.cpp",
    package="xllamacpp",
    program=python_program("python"),
    arguments=lambda folder, port, behind: [
        str(Path(__file__).with_name("llama_cpp_server.py")),
        str(model_file()),
        str(port),
    ],
    model="smollm2",
    needs=[model_file(), python_package("xllamacpp")],
    features=WITH_A_MODEL,
    has_a_model=True,
    window=WINDOW,
)
SERVERS = [
    ModelServer(
        name="aimock",
        package="@copilotkit/aimock",
        program=npm_program("llmock"),
        arguments=lambda folder, port, behind: [
            *("--port", str(port)),
            *("--fixtures", _write(folder, "aimock.json", canned_replies.aimock_fixtures(SOURCE))),
        ],
        has_our_replies=True,
    ),
    ModelServer(
        name="mockllm",
        package="mockllm",
        program=python_program("mockllm"),
        arguments=lambda folder, port, behind: [
            *("start", "--host", "127.0.0.1", "--port", str(port)),
            *("--responses", _write(folder, "replies.yml", canned_replies.mockllm_replies(SOURCE))),
        ],
        has_our_replies=True,
    ),
    ModelServer(
        name="fakellm",
        package="fakellm",
        program=python_program("fakellm"),
        arguments=lambda folder, port, behind: [
            *("serve", "--port", str(port)),
            *("--config", _write(folder, "fakellm.yaml", canned_replies.fakellm_rules(SOURCE))),
        ],
        has_our_replies=True,
    ),
    ModelServer(
        name="LLMock",
        package="llmock",
        program=python_program("llmock"),
        arguments=lambda folder, port, behind: [
            *("serve", "--port", str(port)),
            *("--context-window", str(WINDOW)),
        ],
        window=WINDOW,
    ),
    LLAMA_CPP,
    ModelServer(
        name="LiteLLM before llama.cpp",
        package="litellm",
        program=python_program("litellm", is_heavy=True),
        arguments=lambda folder, port, behind: [
            *("--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"),
            *("--config", _write(folder, "litellm.yaml", _litellm_settings(behind))),
        ],
        environ={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},  # the price list of the package, not the internet's
        model="smollm2",
        needs=LLAMA_CPP.needs,
        behind="llama.cpp",
        features=WITH_A_MODEL,
        is_heavy=True,
        has_a_model=True,
        window=WINDOW,
    ),
    ModelServer(
        name="llama-cpp-python",
        package="llama-cpp-python",
        program=python_program("python", is_heavy=True),
        arguments=lambda folder, port, behind: [
            *("-m", "llama_cpp.server", "--model", str(model_file()), "--model_alias", "smollm2"),
            *("--n_ctx", str(WINDOW), "--n_threads", "1", "--port", str(port), "--host", "127.0.0.1"),
        ],
        model="smollm2",
        needs=[model_file(), python_package("llama_cpp/server", is_heavy=True)],
        features=WITH_A_MODEL,
        is_heavy=True,
        has_a_model=True,
        window=WINDOW,
    ),
]
