"""Whom the rule of a segment matches at a moment, whatever its last refresh said."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from crm.domain.hidden_values import hiding
from crm.domain.rules import RuleError, parse
from crm.models import Segment, SegmentKind
from crm.queries import segment_sql, sensitive
from tenants.scope import active_tenant


def matching(keys: Collection[str], customer_ids: Collection[int], *, at: datetime) -> dict[str, set[int]]:
    """Return who of these customers each rule segment's rule matches; one statement a segment.

    Lists, groups found by a model and rules that cannot be read are left out: what the last refresh said
    holds. So it does for other segments that a rule names, and for profiles.
    """
    found: dict[str, set[int]] = {}
    rules = Segment.objects.filter(key__in=keys, kind=SegmentKind.RULE)
    tenant, hidden = active_tenant(), sensitive.hidden()
    for key, document in rules.order_by("key").values_list("key", "rule"):
        try:
            rule = hiding(parse(document), hidden)
        except RuleError:
            continue
        statement, params = segment_sql.matching(
            rule, tenant_id=tenant.pk, at=at, zone=tenant.zone, only=customer_ids
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            found[key] = {customer_id for (customer_id, *_rest) in cursor.fetchall()}
    return found
