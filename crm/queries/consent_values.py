"""Consents as rules read them: ``marketing.email`` is granted, withdrawn or, undecided, absent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from crm.domain.consents import ANY_CHANNEL, PURPOSES_WITH_CHANNELS, Decision, allows
from crm.domain.rules import Scalar
from crm.models import Channel, Consent, Purpose
from crm.queries.rule_sources import RuleSource
from tenants.scope import active_tenant_id

GRANTED, WITHDRAWN = "granted", "withdrawn"
# Of the channel's row and the row for any channel the newer counts; of equally old ones the withdrawal.
_RELATION = """
SELECT k.customer_id, NULL::float8 AS number,
       CASE WHEN k.is_granted THEN 'granted' ELSE 'withdrawn' END AS text
FROM crm_consent k LEFT JOIN crm_consent o ON o.tenant_id = k.tenant_id AND o.customer_id = k.customer_id
    AND o.purpose = k.purpose AND o.channel IN (%s, 'any') AND o.channel <> k.channel
WHERE k.tenant_id = %s AND k.purpose = %s AND k.channel IN (%s, 'any')
  AND (o.customer_id IS NULL OR k.changed_at > o.changed_at
       OR (k.changed_at = o.changed_at
           AND (k.is_granted < o.is_granted OR (k.is_granted = o.is_granted AND k.channel <> 'any'))))
"""


def _relation(name: str) -> tuple[str, list[Any]]:
    purpose, _dot, channel = name.partition(".")
    channel = channel or ANY_CHANNEL
    return _RELATION, [channel, active_tenant_id(), purpose, channel]


def _values(customer_ids: Collection[int]) -> Mapping[int, Mapping[str, Scalar]]:
    made: dict[int, list[Decision]] = defaultdict(list)
    for row in Consent.objects.filter(customer__in=customer_ids):
        decision = Decision(row.purpose, row.channel, row.is_granted, row.changed_at)
        made[row.customer_id].append(decision)
    found: dict[int, dict[str, Scalar]] = {}
    for customer_id, decisions in made.items():
        answers = {name: allows(decisions, *_parts(name)) for name, _label in _names()}
        found[customer_id] = {
            name: GRANTED if answer else WITHDRAWN for name, answer in answers.items() if answer is not None
        }
    return found


def _parts(name: str) -> tuple[str, str]:
    purpose, _dot, channel = name.partition(".")
    return purpose, channel or ANY_CHANNEL


def _names() -> list[tuple[str, str]]:
    found = []
    for purpose in Purpose:
        found.append((purpose.value, str(purpose.label)))
        if purpose in PURPOSES_WITH_CHANNELS:
            channels = [each for each in Channel if each != ANY_CHANNEL]
            found += [
                (f"{purpose.value}.{each.value}", f"{purpose.label}, {each.label}") for each in channels
            ]
    return found


CONSENTS = RuleSource(relation=_relation, values=_values, names=_names)
