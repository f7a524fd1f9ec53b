from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from crm.domain.rule_verdicts import Verdict, verdict
from crm.domain.rules import parse
from crm.models import Customer, Segment
from crm.queries import facts


def of_customer(segment: Segment, customer: Customer, *, at: datetime, zone: ZoneInfo) -> Verdict:
    """Return, node by node, whether a rule segment's rule holds for the customer at the moment."""
    rule = parse(segment.rule)
    return verdict(rule, facts.of_customer(customer, rule), at, zone)
