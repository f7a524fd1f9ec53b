"""Secrets of one demonstration: drawn once, kept under var/ for its owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Credentials:
    """What must stay the same from one run to the next."""

    secret_key: str
    password: str
    api_key: str = ""

    def with_api_key(self, text: str) -> Credentials:
        return replace(self, api_key=text)


def load_or_draw(path: Path) -> Credentials:
    """The credentials of an earlier run, or new ones."""
    if path.exists():
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    drawn = Credentials(secret_key=secrets.token_urlsafe(50), password=secrets.token_urlsafe(12))
    save(drawn, path)
    return drawn


def save(credentials: Credentials, path: Path) -> None:
    """Write in one step, readable by the owner only."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(credentials), stream)
    partial.replace(path)
