"""What a merge of two customers would do, side by side, before anybody does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _

from crm import signals
from crm.domain.merges import ABSORBED, is_blank, resolve
from crm.domain.money import exponent
from crm.models import (
    Consent,
    Customer,
    CustomerMerge,
    Event,
    Identity,
    Order,
    Person,
    Return,
    SegmentMember,
)
from crm.signals import PreviewRow
from tenants.scope import active_tenant


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """One field with both values; ``name`` is what the merge's ``choices`` call it."""

    name: str
    label: str
    survivor: Any
    absorbed: Any
    takes_absorbed: bool

    @property
    def is_choosable(self) -> bool:
        return self.survivor != self.absorbed and not is_blank(self.absorbed)

    @property
    def merged(self) -> Any:
        return self.absorbed if self.takes_absorbed else self.survivor


@dataclass(frozen=True, slots=True)
class MergePreview:
    """``fields`` can be chosen; ``rows`` follow by rule, those of other apps included."""

    fields: tuple[FieldChoice, ...]
    rows: tuple[PreviewRow, ...]


def preview(
    survivor: Customer, absorbed: Customer, *, choices: Mapping[str, str], at: datetime
) -> MergePreview:
    """Compare two customers and say what stays (a fixed number of queries and one a receiver)."""
    answers = signals.merge_previewed.send(
        sender=CustomerMerge, survivor_id=survivor.pk, absorbed_id=absorbed.pk, at=at
    )
    # The stubs take every answer for text.
    theirs = cast("list[PreviewRow]", [row for _receiver, rows in answers for row in rows or []])
    return MergePreview(
        fields=tuple(_fields(survivor, absorbed, choices)),
        rows=(*_counts(survivor, absorbed), *_consents(survivor, absorbed), *theirs),
    )


def _fields(survivor: Customer, absorbed: Customer, choices: Mapping[str, str]) -> list[FieldChoice]:
    sides = [_values(survivor), _values(absorbed)]
    merged = resolve(sides[0], sides[1], choices)
    found = []
    for name in merged:
        mine, theirs = sides[0].get(name), sides[1].get(name)
        if is_blank(mine) and is_blank(theirs):
            continue
        is_taken = not is_blank(theirs) and (choices.get(name) == ABSORBED or is_blank(mine))
        found.append(FieldChoice(name, _label(name), mine, theirs, is_taken))
    return found


def _values(customer: Customer) -> dict[str, Any]:
    person = customer.person
    return {
        "customer.external_id": customer.external_id,
        **{f"person.{name}": getattr(person, name, "") for name in Person.PERSONAL_FIELDS},
        **{f"attributes.{key}": value for key, value in sorted(customer.attributes.items())},
    }


def _label(name: str) -> str:
    part, _dot, field = name.partition(".")
    if part == "attributes":
        return field
    model = Person if part == "person" else Customer
    return str(model._meta.get_field(field).verbose_name).capitalize()  # type: ignore[union-attr]


def _counts(survivor: Customer, absorbed: Customer) -> list[PreviewRow]:
    ids = [survivor.pk, absorbed.pk]
    identities = _by_customer(Identity.objects.filter(customer__in=ids))
    orders = _by_customer(Order.objects.filter(customer__in=ids))
    revenue = dict(
        Order.objects.filter(customer__in=ids)
        .values_list("customer_id")
        .annotate(total=Sum("total_minor"))
        .order_by()
    )
    returns = _by_customer(Return.objects.filter(customer__in=ids))
    events = _by_customer(Event.objects.filter(customer__in=ids), "message_id")
    segments: dict[int, set[int]] = {each: set() for each in ids}
    members = SegmentMember.objects.filter(customer__in=ids)
    for customer_id, segment_id in members.values_list("customer_id", "segment_id"):
        segments[customer_id].add(segment_id)
    both = [(_("Identities"), identities), (_("Orders"), orders), (_("Returns"), returns),
            (_("Events"), events)]  # fmt: skip
    rows = [_summed(label, counts, ids) for label, counts in both]
    rows.insert(2, _money(_("Revenue"), *(revenue.get(each) or 0 for each in ids)))
    together = len(segments[survivor.pk] | segments[absorbed.pk])
    sizes = [str(len(segments[each])) for each in ids]
    rows.append(PreviewRow(_("Segments"), sizes[0], sizes[1], str(together)))
    return rows


def _by_customer(rows: QuerySet[Any], key: str = "pk") -> dict[int, int]:
    return dict(rows.values_list("customer_id").annotate(number=Count(key)).order_by())


def _summed(label: str, counts: Mapping[int, int], ids: list[int]) -> PreviewRow:
    mine, theirs = (counts.get(each, 0) for each in ids)
    return PreviewRow(label, f"{mine:,}", f"{theirs:,}", f"{mine + theirs:,}")


def _money(label: str, mine: int, theirs: int) -> PreviewRow:
    currency = active_tenant().currency
    places = exponent(currency)
    written = [f"{each / 10**places:,.{places}f} {currency}" for each in (mine, theirs, mine + theirs)]
    return PreviewRow(label, *written)


def _consents(survivor: Customer, absorbed: Customer) -> list[PreviewRow]:
    """The newest decision of either counts afterwards; of two at one moment the withdrawal."""
    rows = Consent.objects.filter(customer__in=[survivor.pk, absorbed.pk]).order_by("purpose", "channel")
    found: dict[tuple[str, str], dict[int, Consent]] = {}
    for row in rows:
        found.setdefault((row.purpose, row.channel), {})[row.customer_id] = row
    lines = []
    for sides in found.values():
        newest = max(sides.values(), key=lambda each: (each.changed_at, not each.is_granted))
        mine, theirs = sides.get(survivor.pk), sides.get(absorbed.pk)
        label = f"{newest.get_purpose_display()}, {newest.get_channel_display()}"
        lines.append(PreviewRow(label, _word(mine), _word(theirs), _word(newest)))
    return lines


def _word(consent: Consent | None) -> str:
    if consent is None:
        return "–"
    return _("allowed") if consent.is_granted else _("withdrawn")


def of_survivor(customer_id: int) -> QuerySet[CustomerMerge]:
    """The merges that stand, of one survivor, the latest first."""
    found = CustomerMerge.objects.filter(survivor_id=customer_id, undone_at=None)
    return found.select_related("absorbed").order_by("-pk")


def newest_first() -> QuerySet[CustomerMerge]:
    """Every merge, undone ones too."""
    return CustomerMerge.objects.select_related("survivor", "absorbed").order_by("-pk")
