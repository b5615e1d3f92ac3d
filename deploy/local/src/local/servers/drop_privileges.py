"""Lets root run a server that refuses to run as root, without a new account and without wider file permissions."""

import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from local.errors import CannotRun

CLONE_NEWUSER = 0x10000000  # linux/sched.h
PR_SET_KEEPCAPS = 8  # linux/prctl.h
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAP_VERSION_3 = 0x20080522  # linux/capability.h
CAP_DAC_OVERRIDE = 1


class Identity(Struct, frozen=True):
    """The user that a server runs as."""

    owner: int
    """User id that its files must have, outside of any namespace."""
    assume: Callable[[], None] | None = None
    """Called in the child between fork and exec; None keeps the user of the parent."""

    def own(self, folder: Path) -> None:
        """Make this user the owner of `folder`, which an earlier start may have made under another identity."""
        if folder.stat().st_uid == self.owner:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.owner, -1, follow_symlinks=False)


def find_identity(probe: Sequence[str]) -> Identity:
    """The caller's own identity; for root, the first one below that can run `probe`. Raises `CannotRun`."""
    if os.geteuid() != 0:
        return Identity(os.geteuid())
    if sys.platform == "linux":
        account = _ordinary_account()
        libc = ctypes.CDLL(None, use_errno=True)
        for identity in (
            Identity(0, lambda: _enter_namespace(libc, account.pw_uid, account.pw_gid)),
            Identity(account.pw_uid, lambda: _drop_root(libc, account.pw_uid, account.pw_gid)),
        ):
            if _can_run(probe, identity):
                return identity
    raise CannotRun("Postgres does not run as root: start Etude as another user")


def _ordinary_account() -> pwd.struct_passwd:
    accounts = {account.pw_name: account for account in pwd.getpwall() if account.pw_uid != 0}
    if not accounts:
        raise CannotRun("Postgres does not run as root, and this system has no other user")
    return accounts.get("nobody") or next(iter(accounts.values()))


def _can_run(probe: Sequence[str], identity: Identity) -> bool:
    try:
        return subprocess.run(probe, preexec_fn=identity.assume, capture_output=True).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _enter_namespace(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Enter a user namespace that maps root to `uid`: without root's capabilities, but still the owner of root's files."""
    euid, egid = os.geteuid(), os.getegid()
    _require(libc.unshare(CLONE_NEWUSER) == 0)
    for name, text in (
        ("setgroups", "deny"),  # the kernel wants this before a group may be mapped
        ("uid_map", f"{uid} {euid} 1"),
        ("gid_map", f"{gid} {egid} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text)


def _drop_root(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Become `uid`, with CAP_DAC_OVERRIDE kept to reach its files through folders that others may not enter.

    For containers, most of which forbid user namespaces.
    """
    only = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAP_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0)
    _require(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _require(libc.capset(header, effective_permitted_inheritable) == 0)
    _require(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0) == 0)


def _require(is_done: bool) -> None:
    if not is_done:
        raise OSError(ctypes.get_errno(), "refused by the kernel")
