"""Starts llama.cpp's own HTTP server, from the bindings that bring it compiled. Runs in the environment of the model servers.

Usage: llama_cpp_server.py MODEL PORT
"""

import importlib
import signal
import sys
from typing import Any

WINDOW = 2_048
SLOTS = 2
"""Requests at once. Each slot has the whole window."""


def main(model: str, port: str) -> None:
    bindings: Any = importlib.import_module("xllamacpp")
    parameters = bindings.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {"smollm2"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(port)
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * WINDOW
    parameters.cpuparams.n_threads = 1  # more threads wait for each other on a busy machine
    parameters.sampling.seed = 7
    parameters.sampling.penalty_repeat = 1.15  # so small a model repeats itself otherwise
    server = bindings.Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201 - for who starts it by hand
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(*sys.argv[1:])
