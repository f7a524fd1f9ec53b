"""What members have and a program drops: nobody loses it, and somebody should know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rewards.domain.findings import Finding, Reason, Severity
from rewards.domain.programs import Revision

_KINDS: Final = {"wallets": "wallet", "tiers": "tier", "challenges": "challenge"}


def dropped(revision: Revision, held: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Yield a warning for each wallet, tier and challenge that members have and that is gone."""
    for section, kind in _KINDS.items():
        there = {each.key for each in getattr(revision, section)}
        for key in sorted(held.get(section, frozenset()) - there):
            named = {"kind": kind, "key": key}
            yield Finding(Severity.WARNING, Reason.STILL_HELD, f"/{section}", key, named)
