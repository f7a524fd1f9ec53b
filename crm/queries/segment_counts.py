"""How many customers a rule would take, without making a segment of it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from crm.domain.rules import Rule
from crm.queries import segment_sql
from tenants.scope import active_tenant


def count_matching(rule: Rule, *, at: datetime) -> int:
    tenant = active_tenant()
    statement, params = segment_sql.matching(rule, tenant_id=tenant.pk, at=at, zone=tenant.zone)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({statement}) matched", params)  # noqa: S608 - compiled with parameters
        return int(cursor.fetchone()[0])
