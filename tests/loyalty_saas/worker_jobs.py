"""Job kinds for the tests of real workers; a worker loads them with --include."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models import TransactionKind, Wallet
from rewards.services import ledger
from rewards.services.ledger import Source
from tenants.models import AuditEntry
from tenants.queue import JobContext, job_handler
from tenants.scope import tenant_scope


@job_handler("worker_test.count_audit", label=_("Count"), queue="default")
def count_audit(*, job: JobContext) -> dict[str, Any]:
    for step in range(1, job.params["steps"] + 1):
        job.progress(step, job.params["steps"], f"step {step}")
    with tenant_scope(job.tenant):
        return {"audit_entries": AuditEntry.objects.count(), "pid": os.getpid()}


@job_handler("worker_test.refuse", label=_("Refuse"), queue="interactive")
def refuse(*, job: JobContext) -> dict[str, Any]:
    raise ValueError("no such file")


@job_handler("worker_test.sleep_once", label=_("Sleep"), queue="ml")
def sleep_once(*, job: JobContext) -> dict[str, Any]:
    """Sleeps for ever on the first attempt, so that a test can kill its worker."""
    note = Path(job.params["note"])
    if not note.exists():
        note.touch()
        time.sleep(600)
    return {"attempt": "second"}


@job_handler("worker_test.pay", label=_("Pay"), queue="ml")
def pay(*, job: JobContext) -> dict[str, Any]:
    """One point to each member; the first attempt waits in the middle until a test lets it go on."""
    note, go = Path(job.params["note"]), Path(job.params["go"])
    is_first = not note.exists()
    with tenant_scope(job.tenant):
        members = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
        wallet = Wallet.objects.get()
    for number, member in enumerate(members):
        if is_first and number == len(members) // 2:
            note.touch()
            while not go.exists():
                time.sleep(0.02)
        with tenant_scope(job.tenant):
            ledger.post(
                customer_id=member, wallet_id=wallet.pk, points=1, kind=TransactionKind.ADJUST,
                source=Source("worker_test", str(member)), occurred_at=job.at, by=job.actor, at=job.at,
            )  # fmt: skip
        job.progress(number + 1, len(members), f"by {os.getpid()}")
    return {"attempt": "first" if is_first else "second"}


@job_handler("worker_test.wait", label=_("Wait"), queue="ml")
def wait(*, job: JobContext) -> dict[str, Any]:
    """Says in a note that it runs, and ends when a test asks for it."""
    Path(job.params["note"]).touch()
    while not Path(job.params["go"]).exists():
        time.sleep(0.02)
    return {"pid": os.getpid()}
