"""Static lists: customers put on a list by hand, and snapshots of other segments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from crm.locks import lock_segment
from crm.models import Segment, SegmentKind
from crm.services import segment_members
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict
from tenants.scope import active_tenant_id
from tenants.services import audit


class SegmentKeyTaken(Conflict):
    """Another segment has this key."""

    code = "segment_key_taken"
    title = "Another segment has this key"


class MembersAreComputed(Conflict):
    """Only static lists are edited by hand."""

    code = "members_are_computed"
    title = "The members of this segment are computed"


@transaction.atomic
def add_members(*, segment: Segment, customer_ids: Collection[int], by: Actor, at: datetime) -> int:
    """Add customers to a static list; return how many are new in it."""
    segment = _editable(segment, by)
    wanted = ("SELECT id, ''::text AS reason FROM unnest(%s::bigint[]) id", [sorted(set(customer_ids))])
    # Nobody is looked at for leaving: the list keeps who is on it.
    change = segment_members.sync(segment, wanted, at=at, only=[])
    _settle(segment, change, at)
    added = change.entered
    audit.record(action="segment.members_added", target=segment, by=by, at=at, diff={"added": [None, added]})
    return added


@transaction.atomic
def remove_members(*, segment: Segment, customer_ids: Collection[int], by: Actor, at: datetime) -> int:
    """Take customers off a static list; return how many were on it."""
    segment = _editable(segment, by)
    nobody: tuple[str, list[object]] = ("SELECT NULL::bigint AS id, ''::text AS reason WHERE false", [])
    change = segment_members.sync(segment, nobody, at=at, only=sorted(set(customer_ids)))
    _settle(segment, change, at)
    audit.record(
        action="segment.members_removed", target=segment, by=by, at=at, diff={"removed": [None, change.left]}
    )
    return change.left


@transaction.atomic
def snapshot(*, of: Segment, key: str, name: str, by: Actor, at: datetime) -> Segment:
    """Keep the members that a segment has now as a static list. Raises ``SegmentKeyTaken``."""
    by.require(Permission.SEGMENTS_EDIT)
    source = lock_segment(of.pk)
    taken: Segment = Segment(
        key=key, name=name, kind=SegmentKind.STATIC, created_at=at, updated_at=at,
        description=f"{source.name}, {at:%Y-%m-%d}",
    )  # fmt: skip
    try:
        with transaction.atomic():
            taken.save(force_insert=True)
    except IntegrityError as error:
        raise SegmentKeyTaken(key=key) from error
    wanted = (
        "SELECT customer_id AS id, reason FROM crm_segmentmember WHERE tenant_id = %s AND segment_id = %s",
        [active_tenant_id(), source.pk],
    )
    change = segment_members.sync(taken, wanted, at=at)
    _settle(taken, change, at)
    audit.record(action="segment.snapshot_taken", target=taken, by=by, at=at, diff={"of": [None, source.key]})
    return taken


def stage(members: Mapping[int, str]) -> None:
    """Put customers with reasons into the temporary table `staged_member`, by COPY."""
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMPORARY TABLE IF NOT EXISTS staged_member (id bigint NOT NULL, reason text NOT NULL)
               ON COMMIT DROP; TRUNCATE staged_member"""
        )
        with cursor.cursor.copy("COPY staged_member (id, reason) FROM STDIN") as copy:
            for customer_id, reason in members.items():
                copy.write_row((customer_id, reason[:300]))


def _editable(segment: Segment, by: Actor) -> Segment:
    by.require(Permission.SEGMENTS_EDIT)
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.STATIC:
        raise MembersAreComputed
    return segment


def _settle(segment: Segment, change: segment_members.Change, at: datetime) -> None:
    segment_members.settle(segment, change, at=at)
    segment_members.note_dependents(segment, change, at=at)
    segment.updated_at = at
    segment.save(update_fields=["member_count", "refreshed_at", "updated_at"])
