"""The import of order lines by a preset: a file of a known shape, in one transaction."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction

from crm.domain.import_plans import ImportPlan
from crm.domain.mappings import ORDER_MAPPINGS
from crm.models import ImportRun, QuarantinedRow
from crm.models.import_run import ImportKind
from crm.services.imports import files, runs, settling, staging
from crm.services.imports.errors import UnknownMapping
from crm.services.imports.kinds import Work
from crm.services.imports.order_load import OrderLoad
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant


@transaction.atomic
def import_orders(
    *, path: Path, mapping: str, by: Actor, at: datetime, progress: staging.Progress = staging.no_progress
) -> ImportRun:
    """Load a file of order lines. Raises ``UnknownMapping``, ``UnreadableFile``, ``MissingColumns``.

    Every row is accepted, merged (an exact duplicate, or loaded before) or quarantined with a reason. One
    transaction: a crash leaves nothing, and loading the same file again changes nothing.
    """
    by.require(Permission.CUSTOMERS_IMPORT)
    if mapping not in ORDER_MAPPINGS:
        raise UnknownMapping(f"There is no order mapping “{mapping}”; there are {', '.join(ORDER_MAPPINGS)}.")
    run = runs.begin(kind=ImportKind.ORDERS, mapping=mapping, path=path, by=by, at=at)
    work = Work(
        tenant=active_tenant(),
        run_id=run.pk,
        path=path,
        shape=files.shape_of(path),
        plan=ImportPlan(),
        by=by,
        at=at,
        progress=progress,
    )
    account = OrderLoad(work, ORDER_MAPPINGS[mapping]).execute()
    for block in settling.quarantined(work, settling.refused_late(work)):
        QuarantinedRow.objects.bulk_create(block)
    settling.clear(work)
    run.refresh_from_db()
    return runs.finish(
        run,
        read=account.read,
        merged=account.merged,
        quarantined=account.quarantined,
        report=account.report,
        by=by,
        at=at,
    )
