"""The account PostgreSQL runs under when we are root, which the server itself refuses to be."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

_ACCOUNT = "embedded_postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged system account."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The account to drop to: None unless we are root; created when the system can, else `nobody`."""
    if os.geteuid() != 0:
        return None
    entry = _find(_ACCOUNT) or _create(_ACCOUNT) or pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd")
    if useradd is None:
        return None
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command
    return _find(name)


def open_path_for(account: Account, *paths: Path) -> list[Path]:
    """Let the account walk to each path; return the directories that had to be opened.

    Only the search bit is added, so what stands in those directories stays unlisted.
    """
    opened = []
    for path in paths:
        for directory in [*reversed(path.resolve().parents), path.resolve()]:
            state = directory.stat()
            if state.st_uid == account.uid or state.st_mode & stat.S_IXOTH:
                continue
            directory.chmod(state.st_mode | stat.S_IXOTH)
            opened.append(directory)
    return opened


def give_to(account: Account | None, directory: Path) -> None:
    """Create the directory for one account alone (mode 0700)."""
    directory.mkdir(parents=True, exist_ok=True)
    if account is not None:
        os.chown(directory, account.uid, account.gid)
    directory.chmod(0o700)
