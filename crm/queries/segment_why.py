from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from crm.domain.hidden_values import hiding
from crm.domain.rule_verdicts import Verdict, verdict
from crm.domain.rules import parse
from crm.models import Customer, Segment, SegmentMember
from crm.queries import facts, sensitive


def of_customer(segment: Segment, customer: Customer, *, at: datetime, zone: ZoneInfo) -> Verdict:
    """Return, node by node, whether a rule segment's rule holds for the customer at the moment."""
    rule = hiding(parse(segment.rule), sensitive.hidden())
    return verdict(rule, facts.of_customer(customer, rule), at, zone)


def membership(segment: Segment, customer: Customer) -> SegmentMember | None:
    """Return the customer's membership, with the reason that a model gave and since when; None outside."""
    found: SegmentMember | None = SegmentMember.objects.filter(segment=segment, customer=customer).first()
    return found
