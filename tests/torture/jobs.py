"""A job that a kill finds at work: a worker loads it with --include."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models import TransactionKind, Wallet
from rewards.services import ledger
from rewards.services.ledger import Source
from tenants.queue import JobContext, job_handler
from tenants.scope import tenant_scope

KIND = "torture.pay_everyone"


@job_handler(KIND, label=_("Torture"))
def pay_everyone(*, job: JobContext) -> dict[str, Any]:
    """One point to each member, a transaction each, as the long jobs of the product work."""
    with tenant_scope(job.tenant):
        members = list(Customer.objects.order_by("external_id").values_list("pk", "external_id"))
        wallet = Wallet.objects.get()
    for done, (customer_id, name) in enumerate(members, start=1):
        with tenant_scope(job.tenant):
            ledger.post(
                customer_id=customer_id, wallet_id=wallet.pk, points=1, kind=TransactionKind.ADJUST,
                source=Source("torture", f"{job.params['number']}:{name}"), occurred_at=job.at,
                by=job.actor, at=job.at,
            )  # fmt: skip
        job.progress(done, len(members), "")
    return {"paid": len(members)}
