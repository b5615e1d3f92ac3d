"""Which Etude the command talks to, and as whom: from the options, else from the data folder of the local stack."""

from pathlib import Path

import msgspec
from msgspec import Struct

from etude.cli.failure import ExitCode, Failure


class StackFile(Struct, frozen=True):
    """The fields of the local stack's `stack.json` that the command needs."""

    url: str
    redis_url: str = ""
    postgres_url: str = ""


class Target(Struct, frozen=True, kw_only=True):
    """The options of the command line; an empty string was not given."""

    data_dir: Path
    url: str = ""
    token: str = ""

    def find_url(self) -> str:
        return (self.url or self.find_stack().url).rstrip("/")

    def find_token(self) -> str:
        path = self.data_dir / "token"
        try:
            return self.token or path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise Failure(
                ExitCode.NOT_SIGNED_IN,
                f"no token in {path}: give one with --token or ETUDE_TOKEN, or start the local stack with `make run`",
            ) from None

    def find_stack(self) -> StackFile:
        path = self.data_dir / "stack.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=StackFile)
        except FileNotFoundError:
            raise Failure(
                ExitCode.UNREACHABLE,
                f"no stack runs in {self.data_dir}: start one with `make run`, or name another with --url",
            ) from None
        except (OSError, msgspec.DecodeError):
            raise Failure(ExitCode.USAGE, f"{path} cannot be read") from None
