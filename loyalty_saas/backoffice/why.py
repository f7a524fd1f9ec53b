"""Decision records in words: the answer to “why did I not get points?”."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer, Order, Return
from rewards.admin import words
from rewards.domain.programs import Revision
from rewards.models import DecisionEvent, DecisionRecord
from tenants.admin import formats

_CAPS: Final[dict[str, str | Promise]] = {
    "per_order": gettext_lazy("cap per order"),
    "per_event": gettext_lazy("cap per order or event"),
    "per_day": gettext_lazy("cap per day"),
    "per_week": gettext_lazy("cap per week"),
    "per_month": gettext_lazy("cap per month"),
    "per_program": gettext_lazy("cap per member"),
    "times_per_day": gettext_lazy("times per day"),
    "times_per_week": gettext_lazy("times per week"),
    "times_per_month": gettext_lazy("times per month"),
    "times_per_program": gettext_lazy("times per member"),
    "member_per_event": gettext_lazy("cap on all rules per order or event"),
    "member_per_day": gettext_lazy("cap on all rules per day"),
    "member_per_week": gettext_lazy("cap on all rules per week"),
    "member_per_month": gettext_lazy("cap on all rules per month"),
    "member_per_program": gettext_lazy("cap on all rules per member"),
    "budget": gettext_lazy("budget used up"),
}
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule's part in a decision: what it gave, or why not."""

    rule: str
    is_matched: bool
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Why:
    decision: DecisionRecord
    source: str
    url_id: Any
    outcomes: list[Outcome]


def decisions(customer: Customer, revision: Revision | None, currency: str) -> list[Why]:
    """Return the newest decisions about one customer, in words."""
    rows = list(
        DecisionRecord.objects.filter(customer=customer)
        .select_related("revision")
        .order_by("-occurred_at", "-id")[:SHOWN]
    )
    sources = _sources(rows)
    names = {rule.key: rule.name for rule in revision.rules} if revision else {}
    return [
        Why(row, *sources.get((row.event_type, row.event_id), (str(row.event_id), None)),
            outcomes(row.record, names, currency))
        for row in rows
    ]  # fmt: skip


def _sources(rows: list[DecisionRecord]) -> dict[tuple[str, int], tuple[str, Any]]:
    """Return (external id, public id of the order) of what each record decided about."""
    ids: dict[str, list[int]] = {kind: [] for kind in DecisionEvent.values}
    for row in rows:
        ids[row.event_type].append(row.event_id)
    orders = Order.objects.filter(pk__in=ids["order"]).values_list("pk", "external_id", "public_id")
    returns = Return.objects.filter(pk__in=ids["return"]).values_list("pk", "external_id", "order__public_id")
    found = {("order", pk): (external_id, public_id) for pk, external_id, public_id in orders}
    return found | {("return", pk): (external_id, public_id) for pk, external_id, public_id in returns}


def outcomes(record: dict[str, Any], names: dict[str, str], currency: str) -> list[Outcome]:
    """Return what each rule of a decision did; ``names`` maps rule keys to what staff call them."""
    return [
        Outcome(
            names.get(rule["rule"], rule["rule"]),
            rule["matched"],
            rule["points"],
            _reason(rule, names, currency),
        )
        for rule in record.get("rules", [])
    ]


def _reason(rule: dict[str, Any], names: dict[str, str], currency: str) -> str:
    if skipped_by := rule.get("skipped_by"):
        return _("left out, because “%(rule)s” ends the list") % {"rule": names.get(skipped_by, skipped_by)}
    if excluded_by := rule.get("excluded_by"):
        return _("left out, because “%(rule)s” of its group paid") % {
            "rule": names.get(excluded_by, excluded_by)
        }
    if cap := rule.get("cap"):
        values = {
            "cap": _CAPS.get(cap["kind"], cap["kind"]),
            "asked": formats.number(cap["asked"]),
            "given": formats.number(cap["given"]),
        }
        return _("%(cap)s: %(given)s instead of %(asked)s") % values
    return "; ".join(_failure(failure, currency) for failure in rule.get("failed", []))


def _failure(failure: dict[str, Any], currency: str) -> str:
    if branches := failure.get("any"):
        texts = [" + ".join(_failure(each, currency) for each in branch) for branch in branches]
        return _(" or ").join(texts)
    field = failure["field"]
    if failure.get("negated"):
        held = words.condition(field, failure["op"], failure["expected"], currency)
        return _("must not be: %(condition)s") % {"condition": held}
    wanted = words.condition(field, failure["op"], failure["expected"], currency)
    values = {"condition": wanted, "actual": words.operand(field, failure["actual"], currency)}
    return _("needs %(condition)s, was %(actual)s") % values
