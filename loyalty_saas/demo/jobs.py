"""Jobs that only the demonstration has; its processes load them by JOB_MODULES."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.domain import events
from crm.models import Order, OrderLine
from crm.services import ingest, returns
from loyalty_saas.demo import grocer_coupons
from rewards.services import offer_drafts
from rewards.services.coupons import history
from tenants.queue import JobContext, job_handler
from tenants.scope import tenant_scope

_RETURNS_BETWEEN_SIGNS = 20


@job_handler("demo.record_events", label=_("Record sample events"))
def record_events(*, job: JobContext) -> dict[str, Any]:
    """Send a file of events through the ingest; what an earlier attempt stored counts as duplicate."""
    counts: Counter[str] = Counter()
    lines = _lines(job)
    for batch in _batches(lines, events.MOST_EVENTS):
        body = b'{"events": [' + b",".join(batch) + b"]}"
        with tenant_scope(job.tenant):
            receipt = ingest.accept(batch=events.decode(body, at=job.at), by=job.actor, at=job.at)
        counts += receipt.counts
        job.progress(counts.total(), len(lines), "events")
    return dict(counts)


@job_handler("demo.record_returns", label=_("Record sample returns"))
def record_returns(*, job: JobContext) -> dict[str, Any]:
    """Record each return on its own, as a shop's system would; known ones are left as they are."""
    counts: Counter[str] = Counter()
    lines = _lines(job)
    for line in lines:
        try:
            _record_return(json.loads(line), job)
            counts["recorded"] += 1
        except returns.ReturnAlreadyRecorded:
            counts["known"] += 1
        if counts.total() % _RETURNS_BETWEEN_SIGNS == 0:
            job.progress(counts.total(), len(lines), "returns")
    return dict(counts)


@job_handler("demo.redeem_coupons", label=_("Redeem the year's coupons"))
def redeem_coupons(*, job: JobContext) -> dict[str, Any]:
    """Load the grocer's coupon campaigns and take its real redemptions through the coupon engine."""
    files = grocer_coupons.read(Path(job.params["path"]))
    with tenant_scope(job.tenant):
        visits = grocer_coupons.baskets(files, job.tenant.pk)
        campaigns = grocer_coupons.load(files, visits, by=job.actor, at=job.at)
        offer_drafts.govern(by=job.actor, at=job.at)
        carts = list(grocer_coupons.past_carts(files, visits))
    total = sum(len(coupons) for coupons in files.coupons_by_visit.values())
    report = history.redeem(
        tenant=job.tenant,
        carts=carts,
        progress=lambda done, message: job.progress(done, total, message),
    )
    return {
        "campaigns": len(campaigns),
        "offers": len(files.skus),
        "redemptions": total,
        "redeemed": report.codes,
        "carts": report.carts,
        "discount_minor": report.discount_minor,
        **{f"refused_{reason}": count for reason, count in sorted(report.refused.items())},
    }


def _record_return(row: dict[str, Any], job: JobContext) -> None:
    with tenant_scope(job.tenant):
        order = Order.objects.get(external_id=row["order"])
        position = OrderLine.objects.values_list("position", flat=True).get(order=order, sku=row["sku"])
        returns.record(
            external_id=row["external_id"],
            order=order,
            quantity_by_position={position: row["quantity"]},
            returned_at=datetime.fromisoformat(row["returned_at"]),
            by=job.actor,
            at=job.at,
        )


def _lines(job: JobContext) -> list[bytes]:
    return Path(job.params["path"]).read_bytes().splitlines()


def _batches(lines: list[bytes], size: int) -> Iterator[list[bytes]]:
    remaining = iter(lines)
    while batch := list(islice(remaining, size)):
        yield batch
