"""Sections of a customer's profile that other apps add, without this app knowing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

# Given customers' ids, a loader returns what can be shown of each as JSON; it is called once a page.
SectionLoader = Callable[[list[int]], dict[int, Any]]

_loader_by_name: dict[str, SectionLoader] = {}


def register_section(name: str, loader: SectionLoader) -> None:
    """Add a section to every profile; registering a name again replaces its loader."""
    _loader_by_name[name] = loader


def section_names() -> list[str]:
    return sorted(_loader_by_name)


def sections(customer_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return ``{customer id: {section name: value}}``; null where a section knows nothing."""
    ids = list(customer_ids)
    found: dict[int, dict[str, Any]] = {customer_id: {} for customer_id in ids}
    for name in section_names():
        value_by_customer = _loader_by_name[name](ids) if ids else {}
        for customer_id in ids:
            found[customer_id][name] = value_by_customer.get(customer_id)
    return found
