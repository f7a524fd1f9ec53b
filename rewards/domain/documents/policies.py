"""The section of policies."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import Section, record, whole
from rewards.domain.policies import Policies

_MOST_DAYS: Final = 3_650


def _read(document: Reader) -> Policies:
    reader = document.node("policies")
    reader.only("backdating_days")
    return Policies(backdating_days=reader.optional_integer("backdating_days", 0, _MOST_DAYS))


def _write(policies: Policies) -> dict[str, Any]:
    return {"backdating_days": policies.backdating_days}


SECTION: Final = Section(
    "policies",
    _read,
    _write,
    schema=record((), backdating_days=whole(0, _MOST_DAYS, is_optional=True)),
)
