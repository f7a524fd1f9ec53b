"""How long data is kept: rules by class, and the purge that follows them in small transactions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from crm.models import Customer, CustomerState, DataClass, RetentionRule, RetentionRun
from crm.services import erasures
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.models import Tenant
from tenants.scope import active_tenant_id, tenant_scope
from tenants.services import audit

# What a tenant that never chose has: repair material goes, history stays until somebody decides.
DEFAULT_DAYS: Final[dict[str, int | None]] = {
    DataClass.EVENTS: None,
    DataClass.EVENT_REJECTS: 30,
    DataClass.IMPORT_ROWS: 90,
    DataClass.MERGE_JOURNALS: 365,
    DataClass.ARCHIVES: 7,
    DataClass.API_ANSWERS: 30,
    DataClass.MESSAGES: 30,
    DataClass.INACTIVE_CUSTOMERS: None,
}
LONGEST_DAYS: Final = 36_500
BATCH: Final = 5_000
_DELETE = """
DELETE FROM {table} WHERE tenant_id = %(tenant)s AND ({key}) IN (
    SELECT {key} FROM {table} WHERE tenant_id = %(tenant)s AND {older} LIMIT %(batch)s
)
"""
_SELECTION: Final = {
    DataClass.EVENTS: ("crm_event", "message_id, occurred_at", "occurred_at < %(cut_off)s"),
    DataClass.EVENT_REJECTS: ("crm_eventreject", "id", "received_at < %(cut_off)s"),
    DataClass.IMPORT_ROWS: (
        "crm_quarantinedrow",
        "id",
        """import_run_id IN (SELECT id FROM crm_importrun
                             WHERE tenant_id = %(tenant)s AND started_at < %(cut_off)s)""",
    ),
    DataClass.ARCHIVES: ("crm_privacyarchive", "id", "created_at < %(cut_off)s"),
    DataClass.MESSAGES: ("tenants_outboxmessage", "id", "state = 'done' AND done_at < %(cut_off)s"),
    DataClass.API_ANSWERS: ("tenants_idempotencyrecord", "id", "created_at < %(cut_off)s"),
}
_PURGE_JOURNALS = """
WITH old AS (
    UPDATE crm_customermerge SET before = '{}', after = '{}', choices = '{}', journal_purged_at = %(now)s
    WHERE tenant_id = %(tenant)s AND journal_purged_at IS NULL AND merged_at < %(cut_off)s RETURNING id
), gone AS (
    DELETE FROM crm_mergedrow WHERE tenant_id = %(tenant)s AND merge_id IN (SELECT id FROM old)
)
SELECT count(*) FROM old
"""


@transaction.atomic
def change(*, data_class: str, days: int | None, by: Actor, at: datetime) -> RetentionRule:
    """Keep a class of data for so many days, or for ever with None. Raises ``InvalidInput``."""
    by.require(Permission.PRIVACY_MANAGE)
    if data_class not in DataClass.values:
        raise InvalidInput(errors=[FieldError("/data_class", "unknown_class", "There is no such class.")])
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(errors=[FieldError("/days", "out_of_range", f"From 1 to {LONGEST_DAYS} days.")])
    before = days_by_class()[data_class]
    rule, _created = RetentionRule.objects.update_or_create(
        data_class=data_class, defaults={"days": days, "updated_at": at, "updated_by": by.label[:254]}
    )
    audit.record(action="retention.changed", target=rule, by=by, at=at, diff={data_class: [before, days]})
    kept: RetentionRule = rule
    return kept


def days_by_class() -> dict[str, int | None]:
    """Return every class with the days it is kept; None for ever."""
    chosen = dict(RetentionRule.objects.values_list("data_class", "days"))
    return {str(each): chosen.get(each, days) for each, days in DEFAULT_DAYS.items()}


def purge(
    *, tenant: Tenant, at: datetime, progress: Callable[[int, int, str], None] | None = None
) -> dict[str, int]:
    """Remove what is older than its class allows, in transactions of their own; return rows by class.

    Opens the scope itself: no transaction is held over millions of rows. Killed in the middle it has done
    part of the work and does the rest the next night. Months of events are shared by the tenants: each loses
    its own rows here, and a month is dropped once all have let it go (`partitions.drop_empty`).
    """
    with tenant_scope(tenant):
        rules = {each: days for each, days in days_by_class().items() if days is not None}
    removed: dict[str, int] = {}
    for number, (data_class, days) in enumerate(rules.items()):
        cut_off = at - timedelta(days=days)
        removed[data_class], batches = _purge_class(tenant, data_class, cut_off, at)
        with tenant_scope(tenant):
            RetentionRun.objects.create(
                data_class=data_class,
                days=days,
                cut_off_at=cut_off,
                removed=removed[data_class],
                batches=batches,
                ran_at=at,
            )
        if progress is not None:
            progress(number + 1, len(rules), data_class)
    return removed


def _purge_class(tenant: Tenant, data_class: str, cut_off: datetime, at: datetime) -> tuple[int, int]:
    """Return how many rows went, and in how many batches."""
    total = batches = 0
    while True:
        with tenant_scope(tenant):
            count = _purge_batch(data_class, cut_off, at)
        total, batches = total + count, batches + bool(count)
        if count < BATCH or data_class == DataClass.MERGE_JOURNALS:
            return total, batches


def _purge_batch(data_class: str, cut_off: datetime, at: datetime) -> int:
    if data_class == DataClass.INACTIVE_CUSTOMERS:
        return _erase_inactive(cut_off, at)
    params: dict[str, Any] = {"tenant": active_tenant_id(), "cut_off": cut_off, "batch": BATCH, "now": at}
    with connection.cursor() as cursor:
        if data_class == DataClass.MERGE_JOURNALS:
            cursor.execute(_PURGE_JOURNALS, params)
            return int(cursor.fetchone()[0])
        table, key, older = _SELECTION[DataClass(data_class)]
        cursor.execute(_DELETE.format(table=table, key=key, older=older), params)
        return int(cursor.rowcount)


def _erase_inactive(cut_off: datetime, at: datetime) -> int:
    """Erase who was neither seen nor made since; one who was never seen counts from when they were made."""
    old = Customer.objects.filter(
        state__in=[CustomerState.ACTIVE, CustomerState.SUSPENDED], created_at__lt=cut_off
    ).exclude(last_seen_at__gte=cut_off)
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:BATCH])
    for customer_id in ids:
        erasures.wipe(customer_id=customer_id, by=SYSTEM, at=at)
    return len(ids)
