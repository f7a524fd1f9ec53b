"""Fills a tenant with one of everything a page shows, each bearing the tenant's own mark."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from crm.domain.events import NewEvent
from crm.models import (
    ComputedTrait,
    Customer,
    CustomerMerge,
    EventReject,
    EventSchema,
    Export,
    ImportRun,
    Order,
    PrivacyRequest,
    QuarantinedRow,
    RecoveryCase,
    Segment,
    SegmentKind,
)
from crm.services import (
    customers,
    duplicates,
    event_schemas,
    feedback,
    feedback_topics,
    ingest,
    items,
    merges,
    order_summaries,
    orders,
    privacy_requests,
    segments,
)
from recommendations.models import ModelVersion
from rewards.models import Reward, RewardKind
from rewards.services import points, starter
from rewards.services.earning import award_orders
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import ApiKey, Job, Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import api_keys, audit, memberships
from tests.conftest import NOW
from tests.loyalty_saas.backoffice import filling_coupons


@dataclass(slots=True)
class Filled:
    """Ids that stand in addresses."""

    tenant: Tenant
    mark: str
    customer: Customer = field(init=False)
    order: Order = field(init=False)
    segment: Segment = field(init=False)
    run: ImportRun = field(init=False)
    upload: ImportRun = field(init=False)
    export: Export = field(init=False)
    reward: Reward = field(init=False)
    version: ModelVersion = field(init=False)
    job: Job = field(init=False)
    member: Membership = field(init=False)
    key: ApiKey = field(init=False)
    merge: CustomerMerge = field(init=False)
    privacy_request: PrivacyRequest = field(init=False)
    more: dict[str, Any] = field(default_factory=dict)
    reject: EventReject = field(init=False)
    schema: EventSchema = field(init=False)

    def ids(self) -> dict[str, Any]:
        """The argument of every route that takes one."""
        return {
            "customer": self.customer.public_id,
            "points_adjust": self.customer.public_id,
            **dict.fromkeys(("tier_lock", "customer_challenge"), self.customer.public_id),
            **dict.fromkeys(("challenge", "program_challenge"), "three-orders"),
            "customer_points": self.customer.public_id,
            "order": self.order.public_id,
            "export_download": self.export.public_id,
            **dict.fromkeys(("import", "import_progress", "import_failed_rows"), self.run.public_id),
            **dict.fromkeys(
                (
                    "import_map",
                    "import_preview",
                    "import_check",
                    "import_load",
                    "import_undo",
                    "import_retry",
                    "import_discard",
                ),
                self.upload.public_id,
            ),
            "merge_undo": self.merge.public_id,
            **dict.fromkeys(("privacy_archive", "privacy_cancel"), self.privacy_request.public_id),
            **dict.fromkeys(
                ("customer_merge", "customer_erase", "customer_consent", "customer_export"),
                self.customer.public_id,
            ),
            **dict.fromkeys(
                ("segment", "segment_edit", "segment_overlap", "segment_snapshot"), self.segment.public_id
            ),
            "reward": self.reward.public_id,
            "program_rule": "purchase",
            "model_version": self.version.public_id,
            **dict.fromkeys(("job", "job_live", "job_progress", "job_cancel"), self.job.public_id),
            **dict.fromkeys(("team_role", "team_remove"), self.member.public_id),
            "api_key_revoke": self.key.public_id,
            **self.more,
            "event_reject": self.reject.public_id,
            "event_schema": self.schema.public_id,
        }


def fill(tenant: Tenant, actor: Actor, mark: str) -> Filled:
    """Write one of everything into ``tenant``; all texts begin with ``mark``."""
    filled = Filled(tenant, mark)
    with tenant_scope(tenant):
        starter.install_starter(
            by=actor,
            at=NOW,
            category_percent={f"{mark} dairy": 200},
            rewards=[starter.StarterReward("mug", f"{mark} mug", 100, RewardKind.PRODUCT)],
        )
        filled.reward = Reward.objects.get(key="mug")
        filled.customer = add_customer(actor, mark, 1)
        filled.order = add_order(filled.customer, actor, mark, 1)
        award_orders([filled.order.pk], by=actor, at=NOW)
        points.adjust(customer=filled.customer, points=50, reason=f"{mark} reason", by=actor, at=NOW)
        points.request(customer=filled.customer, points=900, reason=f"{mark} request", by=actor, at=NOW)
        filled.segment = add_segment(actor, mark, 1)
        filled.run = add_run(mark, 1)
        filled.upload = add_upload(mark)
        filled.export = Export.objects.create(
            list_key="customers", format="csv", requested_by=f"{mark} person", requested_at=NOW
        )
        QuarantinedRow.objects.create(
            import_run=filled.run, row_number=7, reason=f"{mark}_zero", raw={"a": mark}
        )
        filled.merge = add_merge(filled.customer, actor, mark)
        filled.privacy_request = add_export(filled.customer, actor)
        filled.version = add_version(mark, 1)
        filled.job = add_job(mark, 1)
        filled.key = add_key(actor, mark, 1)
        filled.reject, filled.schema = add_events(filled.customer, actor, mark, 1)
        user = User.objects.create_user(email=f"{mark.lower()}@example.com", name=f"{mark} person")
        filled.member = memberships.add(user=user, role=Role.ANALYST, by=actor, at=NOW)
        filled.more |= add_feedback(filled.customer, actor, mark)
        filled.more |= filling_coupons.add(filled.customer, filled.reward, actor, mark)
    return filled


def add_customer(actor: Actor, mark: str, number: int) -> Customer:
    change = customers.CustomerChange(
        person={
            "given_name": mark,
            "family_name": f"Family{number}",
            "email": f"{mark.lower()}{number}@shop.example",
        }
    )
    customer = customers.create(external_id=f"{mark}-C{number}", change=change, by=actor, at=NOW)
    ComputedTrait.objects.create(
        customer=customer, name="churn_risk", number=0.75, model_version=f"{mark}-v", computed_at=NOW
    )
    return customer


def add_order(customer: Customer, actor: Actor, mark: str, number: int) -> Order:
    items.upsert(
        external_id=f"{mark}-I{number}",
        fields={"name": f"{mark} milk {number}", "category": f"{mark} dairy", "price_minor": 250},
        by=actor,
        at=NOW,
    )
    order = orders.record(
        external_id=f"{mark}-O{number}",
        customer=customer,
        placed_at=NOW - timedelta(days=number),
        lines=[orders.NewLine(sku=f"{mark}-I{number}", quantity=2, unit_price_minor=250)],
        by=actor,
        at=NOW,
    )
    order_summaries.refresh([customer.pk])
    return order


def add_merge(customer: Customer, actor: Actor, mark: str) -> CustomerMerge:
    """A merge, and a pair that is still to be reviewed."""
    absorbed = customers.create(external_id=f"{mark}-twin", by=actor, at=NOW)
    merge = merges.merge(survivor=customer, absorbed=absorbed, reason=f"{mark} twin", by=actor, at=NOW)
    email = f"{mark.lower()}1+again@shop.example"
    change = customers.CustomerChange(person={"given_name": mark, "family_name": "Again", "email": email})
    customers.create(external_id=f"{mark}-again", change=change, by=actor, at=NOW)
    duplicates.find(at=NOW)
    return merge


def add_export(customer: Customer, actor: Actor) -> PrivacyRequest:
    request = privacy_requests.request_export(customer=customer, by=actor, at=NOW)
    return privacy_requests.carry_out_export(request_id=request.pk, at=NOW)


def add_segment(actor: Actor, mark: str, number: int) -> Segment:
    return segments.create(
        key=f"buyers-{number}",
        name=f"{mark} buyers {number}",
        kind=SegmentKind.RULE,
        rule={"all": [{"orders": "count", "op": "gte", "value": 1}]},
        by=actor,
        at=NOW,
    )


def add_run(mark: str, number: int) -> ImportRun:
    return ImportRun.objects.create(
        kind="orders", mapping="m", file_name=f"{mark}-{number}.csv", state="done", rows_read=10,
        rows_accepted=8, rows_merged=1, rows_quarantined=1, report={"note": mark}, started_at=NOW,
    )  # fmt: skip


def add_upload(mark: str) -> ImportRun:
    return ImportRun.objects.create(
        kind="customers", file_name=f"{mark}.csv", file_path="0/gone.data", state="uploaded", started_at=NOW,
        shape={"format": "csv", "header": ["id", mark], "encoding": "utf-8", "delimiter": ","},
        plan={"columns": [{"source": "id", "target": "identity.external_id"}, {"source": mark}]},
    )  # fmt: skip


def add_version(mark: str, number: int) -> ModelVersion:
    return ModelVersion.objects.create(
        kind="churn", number=number, state="rejected", method=f"{mark}", cut_off_on=NOW.date(), rows=3,
        customers=2, metrics={"auc": 0.61}, baselines={"auc": 0.7}, gate_reason="not_above_baseline",
        gate_report=f"{mark} report", duration_seconds=1.5, trained_by=mark, trained_at=NOW,
    )  # fmt: skip


def add_job(mark: str, number: int) -> Job:
    return Job.objects.create(
        kind="crm.refresh_segments", requested_by=f"{mark} {number}", message=mark, created_at=NOW
    )


def add_key(actor: Actor, mark: str, number: int) -> ApiKey:
    key, _text = api_keys.create(name=f"{mark} key {number}", kind=ApiKey.Kind.SECRET, by=actor, at=NOW)
    return key


def add_events(customer: Customer, actor: Actor, mark: str, number: int) -> tuple[EventReject, EventSchema]:
    """Send one event that is accepted and learnt from, and one that is not."""
    at = timezone.now()
    good = NewEvent(
        f"{mark}-m{number}", f"{mark} viewed", at, external_id=f"{mark}-C{number}",
        properties={"page": mark, "email": f"{mark.lower()}@shop.example", "visits": number},
    )  # fmt: skip
    bad = NewEvent(
        f"{mark}-bad{number}", f"{mark} viewed", at, email=f"{mark} nobody", properties={"page": mark}
    )
    ingest.accept(batch=[good, bad], by=actor, at=at)
    span = {"first_at": at.isoformat(), "last_at": at.isoformat()}
    event_schemas.learn(message_ids=[good.message_id], **span, at=at)
    return EventReject.objects.latest("pk"), EventSchema.objects.latest("pk")


def add_audit(actor: Actor, mark: str, target: Any) -> None:
    audit.record(action="points.adjusted", target=target, by=actor, at=NOW, diff={"text": [None, mark]})


def add_feedback(customer: Customer, actor: Actor, mark: str) -> dict[str, Any]:
    """Record one unhappy customer's words; return the ids of its routes."""
    entry = feedback.NewFeedback(
        kind="nps",
        source_id=f"{mark}-1",
        occurred_at=NOW,
        customer=customer,
        rating=1,
        text=f"{mark} parcel was late",
    )
    [row] = feedback.record(entries=[entry], source="api", by=actor, at=NOW)
    case = RecoveryCase.objects.get(feedback=row)
    topic = feedback_topics.create(name=f"{mark} queue", words=["queue"], by=actor, at=NOW)
    return {
        **dict.fromkeys(("feedback_topic", "feedback_topic_delete"), topic.public_id),
        "feedback_correct": row.public_id,
        **dict.fromkeys(("recovery_case", "recovery_take"), case.public_id),
    }
