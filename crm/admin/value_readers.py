"""Who reads a property of events or an attribute of customers; apps above name what of theirs does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.domain.event_catalogue import IDENTIFIED
from crm.domain.hidden_values import FreeValue, free_values
from crm.domain.rules import RuleError, parse
from crm.models import Segment, SegmentKind
from tenants.access import Access
from tenants.domain.permissions import Permission


@dataclass(frozen=True, slots=True)
class ValueReader:
    """A rule with the free values it reads, as staff call it; without an address it has no link."""

    title: str
    values: frozenset[FreeValue]
    url: str = ""


Provider = Callable[[Access], Iterable[ValueReader]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Ask ``provider`` whenever a schema is shown; one that is registered again is asked once."""
    if provider not in _providers:
        _providers.append(provider)


def by_key(event: str, access: Access) -> Mapping[str, list[ValueReader]]:
    """Return the readers of each property of an event; what identify calls carry is read as attributes."""
    found: dict[str, list[ValueReader]] = defaultdict(list)
    for provider in _providers:
        for reader in provider(access):
            for key in _keys(reader.values, event):
                found[key].append(reader)
    return dict(found)


def _keys(values: Iterable[FreeValue], event: str) -> set[str]:
    """Return the properties that are read; a path reads each of its parts."""
    here = [value.name for value in values if (value.event or IDENTIFIED) == event]
    return {key for name in here for key in (name, *name.split("."))}


def of_segments(access: Access) -> Iterable[ValueReader]:
    """Yield the segments that have a rule; one that cannot be read reads nothing."""
    may_see = access.can(Permission.SEGMENTS_VIEW)
    for segment in Segment.objects.filter(kind=SegmentKind.RULE).order_by("name"):
        try:
            values = free_values(parse(segment.rule))
        except RuleError:
            continue
        url = reverse("segment", args=[segment.public_id]) if may_see else ""
        yield ValueReader(_("segment “%(name)s”") % {"name": segment.name}, values, url)
