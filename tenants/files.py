"""Private files of a tenant: uploads and exports, outside of every folder that a web server shows.

Web and workers share the root (``PRIVATE_FILES_ROOT``). A path stored in a row is relative to it and holds
nothing that a person typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.conf import settings

from tenants.scope import active_tenant_id

_OWNER_ONLY: Final = 0o700


def new_path(folder: str, name: str) -> str:
    """Return the relative path of a new file of the open scope's tenant; its folder exists afterwards."""
    relative = Path(str(active_tenant_id())) / folder / name
    absolute(str(relative)).parent.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    return str(relative)


def absolute(relative: str) -> Path:
    """Return where a stored path is. Raises ``ValueError`` for one that leads out of the root."""
    root = Path(settings.PRIVATE_FILES_ROOT).resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{relative} is outside of the private files.")
    return path


def write(relative: str, chunks: Iterable[bytes]) -> int:
    """Write a file; return its size in bytes. A half-written one never bears the name."""
    path = absolute(relative)
    partial = path.with_name(f"{path.name}.partial")
    size = 0
    with partial.open("wb") as file:
        for chunk in chunks:
            size += file.write(chunk)
    partial.replace(path)
    return size


def remove(relative: str) -> None:
    """Remove a file, if it is there."""
    if relative:
        absolute(relative).unlink(missing_ok=True)
