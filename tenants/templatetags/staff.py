"""What the back office's templates write with: numbers, money, moments, icons, sort links."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.admin import formats
from tenants.domain.permissions import Permission
from tenants.models import Job

register = template.Library()


def _known(value: Any) -> Any:
    """Return None for what a template could not look up: it hands filters an empty text then."""
    return None if value == "" else value


@register.filter
def number(value: float | None, places: int = 0) -> str:
    return formats.number(_known(value), places)


@register.filter
def compact(value: float | None) -> str:
    return formats.compact(_known(value))


@register.filter
def percent(value: float | None, places: int = 0) -> str:
    return formats.percent(_known(value), places)


@register.filter
def signed(value: int | None) -> str:
    """Write points with their sign: +120, −40."""
    return f"+{formats.number(value)}" if value and value > 0 else formats.number(value)


@register.filter
def seconds(value: float | None) -> str:
    return formats.duration(_known(value))


@register.filter
def milliseconds(value: float | None) -> str:
    return formats.duration(None if value is None else value / 1000)


@register.filter
def day(value: date | datetime | None) -> str:
    return formats.day(_known(value))


@register.filter
def last_day(until: datetime | None) -> str:
    """Write the last day of a span whose end is the first instant that is not in it."""
    known = _known(until)
    return formats.day(known - timedelta(microseconds=1) if known else None)


@register.filter
def pretty_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def at_key(mapping: dict[Any, Any], key: Any) -> Any:
    """Look up a key that is itself a variable."""
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def money(context: RequestContext, minor: int | None, currency: str = "") -> str:
    """Write minor units in ``currency``, else in the tenant's."""
    return formats.money(_known(minor), currency or context["tenant"].currency)


@register.simple_tag(takes_context=True)
def compact_money(context: RequestContext, minor: int | None) -> str:
    return formats.money(_known(minor), context["tenant"].currency, is_compact=True)


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """Write a moment in the tenant's time zone, with the exact instant in the markup."""
    if not value:
        return "–"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.moment(value))


@register.simple_tag
def age(value: datetime | None) -> SafeString | str:
    """Write how long ago it was, with the moment as its title."""
    text = formats.age(value or None, timezone.now())
    if not value:
        return text
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), formats.moment(value), text
    )


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw a symbol of the icon font, hidden from screen readers: the word beside it says it."""
    return format_html(
        '<span class="material-symbols-outlined b-icon {}" aria-hidden="true">{}</span>', css, name
    )


@register.simple_tag(takes_context=True)
def can(context: RequestContext, permission: str) -> bool:
    """Tell whether the reader's role holds ``permission``, for showing what they may press."""
    return bool(context["access"].can(Permission(permission)))


@register.inclusion_tag("backoffice/parts/sort.html", takes_context=True)
def sort(context: RequestContext, key: str, label: str, *, is_number: bool = False) -> dict[str, Any]:
    """Make a column's heading a link that sorts by it, then the other way round."""
    current = str(context["ordering"])
    is_ascending, is_descending = current == key, current == f"-{key}"
    query = context["request"].GET.copy()
    query.pop("page", None)
    goes_down = is_ascending or (is_number and not is_descending)
    query["sort"] = f"-{key}" if goes_down else key
    return {
        "label": label,
        "href": f"?{query.urlencode()}",
        "state": "ascending" if is_ascending else "descending" if is_descending else "none",
        "is_number": is_number,
    }


@register.simple_tag
def took(job: Job) -> str:
    """Write how long a job has run, or ran."""
    if job.started_at is None:
        return "–"
    return formats.duration(((job.finished_at or timezone.now()) - job.started_at).total_seconds())


@register.simple_tag
def figure(value: Any) -> str:
    """Write a model's figure: small ones with four places, counts whole, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return formats.number(value, 0 if float(value).is_integer() else 4 if abs(value) < 100 else 1)  # noqa: PLR2004
