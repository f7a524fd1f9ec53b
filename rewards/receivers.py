"""What this app does when orders, returns and events are recorded, and when customers are merged."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from crm import signals
from crm.models import CustomerMerge
from crm.services import customer_touches
from crm.signals import PreviewRow
from rewards.queries import balances, exports, merge_previews
from rewards.services import (
    challenges,
    earning,
    erasures,
    lots,
    merged_rows,
    mergers,
    referral_qualifications,
    tiers,
)
from rewards.services.coupons import merging
from tenants.domain.actors import SYSTEM, Actor
from tenants.queue import consumes


@receiver(signals.customer_exported)
def export_loyalty(*, customer_id: int, **_sent: Any) -> dict[str, Any]:
    return exports.of_customer(customer_id)


@receiver(signals.customer_erased)
def empty_reasons(*, customer_id: int, **_sent: Any) -> None:
    erasures.empty_reasons(customer_id=customer_id)


@consumes("crm.orders_recorded")
def award_orders(*, payload: Any, at: datetime) -> None:
    earning.award_orders(payload["order_ids"], by=SYSTEM, at=at)


@consumes("crm.returns_recorded")
def take_back_returns(*, payload: Any, at: datetime) -> None:
    earning.take_back_returns(payload["return_ids"], by=SYSTEM, at=at)


@consumes("crm.events_recorded")
def award_events(*, payload: Any, at: datetime) -> None:
    earning.award_events(**payload["batch"], by=SYSTEM, at=at)


@consumes("crm.orders_recorded")
def count_orders(*, payload: Any, at: datetime) -> None:
    challenges.record_orders(payload["order_ids"], by=SYSTEM, at=at)


@consumes("crm.returns_recorded")
def count_returns(*, payload: Any, at: datetime) -> None:
    challenges.record_returns(payload["return_ids"], by=SYSTEM, at=at)


@consumes("crm.events_recorded")
def count_events(*, payload: Any, at: datetime) -> None:
    challenges.record_events(**payload["batch"], by=SYSTEM, at=at)


@consumes("crm.events_recorded")
def refresh_tiers(*, payload: Any, at: datetime) -> None:
    tiers.refresh_after_events(**payload["batch"], at=at)


@consumes("crm.events_recorded")
def release_points(*, payload: Any, at: datetime) -> None:
    lots.release_after_events(**payload["batch"], at=at)


@consumes(lots.WAITING_TOPIC)
def release_what_happened(*, payload: Any, at: datetime) -> None:
    lots.release_what_happened(order_ids=payload["order_ids"], at=at)


# Counting locks participations before accounts; so does a merge.
@receiver(signals.customers_merged)
def merge_rows(*, merge: CustomerMerge, by: Actor, at: datetime, **_rest: Any) -> None:
    merged_rows.merge(merge=merge, by=by, at=at)


@receiver(signals.customers_unmerged)
def separate_rows(*, merge: CustomerMerge, by: Actor, at: datetime, **_rest: Any) -> None:
    merged_rows.unmerge(merge=merge, by=by, at=at)


@consumes("crm.customers_merged")
def recount_challenges(*, payload: Any, at: datetime) -> None:
    challenges.recount(customer_ids=[payload["survivor_id"]], by=SYSTEM, at=at)


@consumes("crm.customers_unmerged")
def recount_challenges_apart(*, payload: Any, at: datetime) -> None:
    ids = [payload["survivor_id"], payload["absorbed_id"]]
    challenges.recount(customer_ids=ids, by=SYSTEM, at=at)


@receiver(signals.merge_previewed)
def preview_rows(*, survivor_id: int, absorbed_id: int, **_rest: Any) -> list[PreviewRow]:
    return merge_previews.rows(survivor_id, absorbed_id)


@receiver(signals.customers_merged)
def merge_points(*, survivor_id: int, absorbed_id: int, by: Actor, at: datetime, **_rest: Any) -> None:
    mergers.merge(survivor_id=survivor_id, absorbed_id=absorbed_id, by=by, at=at)


@receiver(signals.customers_unmerged)
def separate_points(*, survivor_id: int, absorbed_id: int, by: Actor, at: datetime, **_rest: Any) -> None:
    mergers.unmerge(survivor_id=survivor_id, absorbed_id=absorbed_id, by=by, at=at)


@receiver(signals.merge_previewed)
def preview_points(*, survivor_id: int, absorbed_id: int, at: datetime, **_rest: Any) -> list[PreviewRow]:
    return balances.merge_preview(survivor_id, absorbed_id, at=at)


@consumes("crm.orders_recorded")
def qualify_referrals(*, payload: Any, at: datetime) -> None:
    referral_qualifications.by_orders(payload["order_ids"], by=SYSTEM, at=at)


@consumes("crm.events_recorded")
def qualify_referrals_by_events(*, payload: Any, at: datetime) -> None:
    referral_qualifications.by_events(**payload["batch"], by=SYSTEM, at=at)


@consumes("crm.returns_recorded")
def take_back_referrals(*, payload: Any, at: datetime) -> None:
    referral_qualifications.take_back_returns(payload["return_ids"], by=SYSTEM, at=at)


@receiver(signals.customers_merged)
def merge_coupons(*, survivor_id: int, absorbed_id: int, **_rest: Any) -> None:
    merging.merge(survivor_id=survivor_id, absorbed_id=absorbed_id)


@receiver(signals.customers_unmerged)
def separate_coupons(*, survivor_id: int, absorbed_id: int, **_rest: Any) -> None:
    merging.unmerge(survivor_id=survivor_id, absorbed_id=absorbed_id)


@consumes(tiers.TOPIC_CHANGED)
def note_tiers(*, payload: Any, at: datetime) -> None:
    told = [change["customer_id"] for change in payload["changes"]]
    customer_touches.add_told(told, count=payload["count"])
