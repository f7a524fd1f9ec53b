"""Merging duplicates and undoing it: everything of one customer goes to the other, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm import signals
from crm.domain.merges import ABSORBED
from crm.locks import lock_customers, lock_merge
from crm.models import Customer, CustomerMerge, CustomerState, OrderSummary, Person
from crm.services import consents, merge_fields, merge_journal, order_summaries
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import audit, outbox

_EDITABLE = frozenset({CustomerState.ACTIVE, CustomerState.SUSPENDED})
_RECOUNT = """
UPDATE crm_segment s SET member_count = (
    SELECT count(*) FROM crm_segmentmember m WHERE m.tenant_id = s.tenant_id AND m.segment_id = s.id
)
WHERE s.tenant_id = %(tenant)s AND s.id IN (
    SELECT segment_id FROM crm_segmentmember WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)
)
"""
_GATHER = """
WITH RECURSIVE chain AS (
    SELECT id AS absorbed, merged_into_id AS survivor FROM crm_customer
    WHERE tenant_id = %(tenant)s AND merged_into_id IS NOT NULL
  UNION ALL
    SELECT chain.absorbed, c.merged_into_id FROM chain
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = chain.survivor
    WHERE c.merged_into_id IS NOT NULL
), final AS (
    SELECT chain.absorbed, chain.survivor FROM chain
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = chain.survivor AND c.merged_into_id IS NULL
)
UPDATE {table} t SET customer_id = final.survivor FROM final
WHERE t.tenant_id = %(tenant)s AND t.customer_id = final.absorbed
RETURNING t.customer_id
"""


class CustomersNotMergeable(Conflict):
    """One of the two is merged or anonymised already, or both are the same."""

    code = "customers_not_mergeable"
    title = "These customers cannot be merged"


class MergeNotUndoable(Conflict):
    """The merge was undone, its journal is gone, or a later one has to be undone first."""

    code = "merge_not_undoable"
    title = "This merge cannot be undone"


@transaction.atomic
def merge(
    *,
    survivor: Customer,
    absorbed: Customer,
    choices: Mapping[str, str] | None = None,
    reason: str = "",
    by: Actor,
    at: datetime,
) -> CustomerMerge:
    """Merge ``absorbed`` into ``survivor``.

    ``choices`` maps fields ("person.email", "attributes.size", "customer.external_id") to "absorbed"; the
    others keep the survivor's value, or take the absorbed's where the survivor's is blank. Sends
    ``customers_merged`` inside the transaction and publishes ``crm.customers_merged``. Raises
    ``CustomersNotMergeable`` and ``InvalidInput``.
    """
    by.require(Permission.CUSTOMERS_MERGE)
    wrong = {name: side for name, side in (choices or {}).items() if side not in {ABSORBED, "survivor"}}
    if wrong:
        errors = [FieldError(f"/choices/{name}", "invalid", "survivor or absorbed.") for name in wrong]
        raise InvalidInput(errors=errors)
    return absorb(
        survivor_id=survivor.pk, absorbed_id=absorbed.pk, choices=choices or {}, reason=reason, by=by, at=at
    )


@transaction.atomic
def absorb(
    *,
    survivor_id: int,
    absorbed_id: int,
    choices: Mapping[str, str],
    reason: str,
    by: Actor,
    at: datetime,
) -> CustomerMerge:
    """Do what ``merge`` does for a service that has checked the actor's right to its own change."""
    survivor, absorbed = _locked_pair(survivor_id, absorbed_id)
    before = {"survivor": merge_fields.snapshot(survivor), "absorbed": merge_fields.snapshot(absorbed)}
    after = merge_fields.combined(before["survivor"], before["absorbed"], choices)
    merge: CustomerMerge = CustomerMerge.objects.create(
        survivor=survivor,
        absorbed=absorbed,
        reason=reason[:300],
        choices=dict(choices),
        before=before,
        after=after,
        merged_at=at,
        merged_by=by.label[:254],
    )
    merge.moved = merge_journal.move_rows(merge)
    merge.save(update_fields=["moved"])
    _retire(absorbed, survivor, at, gives_external_id=_is_taken_over(before, after))
    survivor.updated_at = at
    merge_fields.write(survivor, after)
    _rebuild(merge)
    sent = {"merge": merge, "survivor_id": survivor.pk, "absorbed_id": absorbed.pk, "by": by, "at": at}
    signals.customers_merged.send(sender=CustomerMerge, **sent)
    _tell("merged", merge, survivor, by, at)
    return merge


@transaction.atomic
def unmerge(*, merge: CustomerMerge, by: Actor, at: datetime) -> CustomerMerge:
    """Give both customers back what they had; what arrived since stays with the survivor.

    Fields that somebody changed since the merge keep the change. Merges of one survivor are undone the last
    first. Sends ``customers_unmerged``, publishes ``crm.customers_unmerged``. Raises ``MergeNotUndoable``.
    """
    by.require(Permission.CUSTOMERS_MERGE)
    lock_customers([merge.survivor_id, merge.absorbed_id])
    merge = lock_merge(merge.pk)
    survivor, absorbed = merge.survivor, merge.absorbed
    _check_undoable(merge, survivor, absorbed)
    merge_journal.move_rows_back(merge)
    current = merge_fields.snapshot(survivor)
    survivor.updated_at = absorbed.updated_at = at
    merge_fields.write(survivor, merge_fields.restored(current, merge.before["survivor"], merge.after))
    absorbed.merged_into = None
    merge_fields.write(absorbed, merge.before["absorbed"])
    _rebuild(merge)
    merge.undone_at, merge.undone_by = at, by.label[:254]
    merge.save(update_fields=["undone_at", "undone_by"])
    sent = {"merge": merge, "survivor_id": survivor.pk, "absorbed_id": absorbed.pk, "by": by, "at": at}
    signals.customers_unmerged.send(sender=CustomerMerge, **sent)
    _tell("unmerged", merge, survivor, by, at)
    return merge


@transaction.atomic
def gather_strays() -> int:
    """Move events and documents that were on their way to a customer while it was merged; return how many.

    Who resolved an identity just before a merge writes to the absorbed customer just after it.
    """
    moved: list[int] = []
    with connection.cursor() as cursor:
        for table in ("crm_event", "crm_order", "crm_return"):
            cursor.execute(_GATHER.format(table=table), {"tenant": active_tenant_id()})
            moved += [customer_id for (customer_id,) in cursor.fetchall()]
    if moved:
        order_summaries.refresh(set(moved))
    return len(moved)


def _locked_pair(survivor_id: int, absorbed_id: int) -> tuple[Customer, Customer]:
    if survivor_id == absorbed_id:
        raise CustomersNotMergeable("A customer cannot be merged with itself.")
    by_id = {each.pk: each for each in lock_customers([survivor_id, absorbed_id])}
    survivor, absorbed = by_id[survivor_id], by_id[absorbed_id]
    for each in (survivor, absorbed):
        if each.state not in _EDITABLE:
            raise CustomersNotMergeable(f"{each} is {each.state} already.", customer=str(each.public_id))
    return survivor, absorbed


def _is_taken_over(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return bool(
        after["customer"]["external_id"]
        and after["customer"]["external_id"] == before["absorbed"]["customer"]["external_id"]
    )


def _retire(absorbed: Customer, survivor: Customer, at: datetime, *, gives_external_id: bool) -> None:
    """The absorbed row stays as a pointer: links to it keep working, and undoing wakes it."""
    absorbed.state, absorbed.merged_into, absorbed.updated_at = CustomerState.MERGED, survivor, at
    if gives_external_id:
        absorbed.external_id = None
    absorbed.save()
    Person.objects.filter(customer=absorbed).delete()


def _rebuild(merge: CustomerMerge) -> None:
    ids = sorted([merge.survivor_id, merge.absorbed_id])
    OrderSummary.objects.filter(customer__in=ids).delete()
    order_summaries.refresh(ids)
    consents.rebuild(customer_ids=ids)
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, {"tenant": active_tenant_id(), "ids": ids})


def _check_undoable(merge: CustomerMerge, survivor: Customer, absorbed: Customer) -> None:
    newer = CustomerMerge.objects.filter(survivor=survivor, pk__gt=merge.pk, undone_at=None)
    if merge.undone_at is not None:
        raise MergeNotUndoable("It was undone already.", reason="undone")
    if merge.journal_purged_at is not None:
        raise MergeNotUndoable("Its journal was purged.", reason="purged")
    if survivor.state not in _EDITABLE or absorbed.state != CustomerState.MERGED:
        raise MergeNotUndoable(f"The survivor is {survivor.state} now.", reason="survivor")
    if newer.exists():
        raise MergeNotUndoable("Undo the later merges of this customer first.", reason="newer")


def _tell(verb: str, merge: CustomerMerge, survivor: Customer, by: Actor, at: datetime) -> None:
    audit.record(
        action=f"customer.{verb}",
        target=survivor,
        by=by,
        at=at,
        diff={"absorbed": [None, str(merge.absorbed.public_id)], "rows": [None, sum(merge.moved.values())]},
    )
    ids = {"merge_id": merge.pk, "survivor_id": merge.survivor_id, "absorbed_id": merge.absorbed_id}
    outbox.publish(topic=f"crm.customers_{verb}", payload=ids, at=at)
