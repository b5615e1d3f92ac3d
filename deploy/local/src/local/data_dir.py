"""The folder that holds all data of a stack, and the lock that admits one stack per folder."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from local.errors import CannotRun


class StackFile(Struct, frozen=True, kw_only=True):
    """`stack.json`: the addresses of the running stack. It holds passwords, has mode 0600, and is deleted at the stop."""

    url: str
    redis_url: str
    postgres_url: str
    pid: int
    metrics: dict[str, str] = {}
    """Process name to the URL of its metrics."""


class DataDir:
    """Paths in the data folder. It is private to the user: it holds tokens, keys and the results of learners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = folder / "redis"
        self.postgres = folder / "postgres"
        self.private_key = folder / "keys" / "jwt-private.pem"
        self.public_key = folder / "keys" / "jwt-public.pem"
        self.internal_secret = folder / "keys" / "internal-secret"
        self.token = folder / "token"
        self._lock = folder / "lock"
        self._stack_file = folder / "stack.json"

    @contextmanager
    def claimed(self) -> Generator[None]:
        """Hold the folder for this process. Raises `CannotRun` when another stack has it.

        The lock is the kernel's (flock): it ends with the process, even after SIGKILL, so it is never stale.
        """
        descriptor = self._open_lock()
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotRun(self._describe_owner()) from None
            yield
        finally:
            os.close(descriptor)

    def publish(self, stack: StackFile) -> None:
        write_private(self._stack_file, msgspec.json.format(msgspec.json.encode(stack)))

    def unpublish(self) -> None:
        self._stack_file.unlink(missing_ok=True)

    def _open_lock(self) -> int:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotRun(
                f"cannot write to {self.folder} ({error.strerror}): set ETUDE_DATA_DIR to another folder"
            ) from None

    def _describe_owner(self) -> str:
        try:
            stack = msgspec.json.decode(self._stack_file.read_bytes(), type=StackFile)
        except (OSError, msgspec.DecodeError):
            return f"Etude is already starting or stopping in {self.folder}"
        return f"Etude already runs in {self.folder} (process {stack.pid}): {stack.url}"


def write_private(path: Path, content: bytes) -> None:
    """Write a file atomically, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
