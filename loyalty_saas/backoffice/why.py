"""Decision records in words: the answer to “why did I not get points?”."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from crm.models import Customer
from rewards.admin.reasons import Outcome, outcomes, refusal, withheld_words
from rewards.domain.programs import Revision
from rewards.models import DecisionEvent, DecisionRecord, OwedGift
from rewards.queries import owed_gifts, reports
from rewards.queries.reports import SourcedDecision
from rewards.services.owed_gifts import GIVEN

SHOWN: Final = 20


# How the simulator calls what a decision is about; what a return takes back is no rule's to decide.
_KINDS: Final = {
    DecisionEvent.ORDER: "order", DecisionEvent.RETURNED: "returned", DecisionEvent.EVENT: "received",
}  # fmt: skip
_DAYS: Final = frozenset({DecisionEvent.BIRTHDAY, DecisionEvent.ANNIVERSARY, DecisionEvent.ENROLMENT})


@dataclass(frozen=True, slots=True)
class Why:
    """``asks_again`` opens the simulator with the same case; empty where no rule was asked."""

    decision: DecisionRecord
    tier: str
    source: str
    url_id: Any
    outcomes: list[Outcome]
    refusal: str
    asks_again: str


def decisions(customer: Customer, revision: Revision | None, currency: str, zone: ZoneInfo) -> list[Why]:
    """Return the newest decisions about one customer, in words."""
    names = {rule.key: rule.name for rule in revision.rules} if revision else {}
    tiers = {tier.key: tier.name for tier in revision.tiers} if revision else {}
    return [
        Why(
            each.decision,
            tiers.get(each.decision.record.get("tier"), each.decision.record.get("tier") or ""),
            each.name or each.source,
            each.order.public_id if each.order else None,
            outcomes(each.decision.record, names, currency),
            refusal(each.decision.record),
            _asks_again(each, customer, zone),
        )
        for each in reports.sourced(list(reports.decisions_of(customer.pk)[:SHOWN]))
    ]


@dataclass(frozen=True, slots=True)
class Owed:
    """What a brake kept back, in words; ``outcome`` is empty while it waits."""

    gift: OwedGift
    giver: str
    reason: str
    outcome: str
    is_given: bool


def owed(customer: Customer, revision: Revision | None) -> list[Owed]:
    """Return the newest gifts that emergency brakes kept back from one customer."""
    names = {each.key: each.name for each in revision.rules} if revision else {}
    names |= {each.key: each.name for each in revision.challenges} if revision else {}
    return [
        Owed(
            gift,
            names.get(gift.giver, gift.giver),
            withheld_words(gift.reason),
            withheld_words(gift.outcome) if gift.outcome else "",
            gift.outcome == GIVEN,
        )
        for gift in owed_gifts.of_customer(customer)[:SHOWN]
    ]


def _asks_again(each: SourcedDecision, customer: Customer, zone: ZoneInfo) -> str:
    kind = DecisionEvent(each.decision.event_type)
    if kind in _KINDS and each.source:
        return urlencode({"kind": _KINDS[kind], "recorded": each.source})
    if kind in _DAYS:
        local = each.decision.occurred_at.astimezone(zone)
        return urlencode(
            {"kind": kind.value, "customer": customer.external_id or "", "at": f"{local:%Y-%m-%dT%H:%M}"}
        )
    return ""
