"""Warnings that stand on every page of a tenant until their cause is gone; apps above register theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tenants.access import Access


@dataclass(frozen=True, slots=True)
class Notice:
    """One red line: what is wrong, and where to look (an empty address has no link)."""

    text: str
    url: str = ""
    action: str = ""


Provider = Callable[[Access], "Notice | None"]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Ask ``provider`` on every page; it must answer from the cache."""
    if provider not in _providers:
        _providers.append(provider)


def notices(access: Access) -> list[Notice]:
    """Return what every page of this member's tenant has to show now."""
    return [notice for provider in _providers if (notice := provider(access))]
