"""The data folder: one stack at a time, and nothing in it for other eyes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local.data_dir import DataDir, StackFile, write_private
from local.errors import CannotRun

STACK = StackFile(url="http://127.0.0.1:8000", redis_url="redis://…", postgres_url="postgresql://…", pid=42)


def test_a_second_claim_names_the_running_stack(tmp_path: Path) -> None:
    first, second = DataDir(tmp_path), DataDir(tmp_path)
    with first.claimed():
        first.publish(STACK)
        with pytest.raises(CannotRun) as refusal, second.claimed():
            pass
    assert str(refusal.value) == f"Etude already runs in {tmp_path} (process 42): http://127.0.0.1:8000"


def test_a_second_claim_during_the_start_says_so_too(tmp_path: Path) -> None:
    with DataDir(tmp_path).claimed(), pytest.raises(CannotRun) as refusal, DataDir(tmp_path).claimed():
        pass
    assert str(refusal.value) == f"Etude is already starting or stopping in {tmp_path}"


def test_a_claim_ends_with_its_holder(tmp_path: Path) -> None:
    with DataDir(tmp_path).claimed():
        pass
    with DataDir(tmp_path).claimed():
        pass


def test_the_claim_of_a_killed_process_is_not_stale(tmp_path: Path) -> None:
    hold = (
        "import os, pathlib, signal, sys\nfrom local.data_dir import DataDir\n"
        "with DataDir(pathlib.Path(sys.argv[1])).claimed():\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", hold, str(tmp_path)], check=False)
    assert ended.returncode == -9
    with DataDir(tmp_path).claimed():
        pass


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CannotRun, match=r"cannot write to .*: set ETUDE_DATA_DIR"),
        DataDir(tmp_path / "file" / "folder").claimed(),
    ):
        pass


def test_what_is_published_is_private_and_goes_at_the_end(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.publish(STACK)
    path = tmp_path / "stack.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    data.unpublish()
    data.unpublish()
    assert list(tmp_path.iterdir()) == []


def test_a_private_file_is_private_whatever_the_mask_and_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    mask = os.umask(0)
    try:
        write_private(path, b"first")
        write_private(path, b"second")
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
