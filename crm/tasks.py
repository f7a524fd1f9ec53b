"""Jobs of the customer domain: thin, each opening the scope and calling one service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import ImportKind, ImportRun
from crm.queries import event_tail
from crm.services import (
    duplicates,
    event_effects,
    event_replays,
    feedback_topics,
    identity_spellings,
    merges,
    order_summaries,
    partitions,
    privacy_requests,
    retention,
    segment_refresh,
)
from crm.services.exports import exports
from crm.services.imports import direct, orders, running, runs, wizard
from tenants.models import Tenant
from tenants.queue import JobContext, job_handler
from tenants.scope import tenant_scope

_TEXTS_AT_ONCE = 2_000


@job_handler("crm.import_orders", label=_("Import orders"))
def import_orders(*, job: JobContext) -> dict[str, Any]:
    path, mapping = Path(job.params["path"]), job.params["mapping"]
    with runs.failure_recorded(job, ImportKind.ORDERS, mapping, path), tenant_scope(job.tenant):
        return _summary(
            orders.import_orders(path=path, mapping=mapping, by=job.actor, at=job.at, progress=job.progress)
        )


@job_handler("crm.load_file", label=_("Import a file"))
def load_file(*, job: JobContext) -> dict[str, Any]:
    """Import a file that lies on the server, its columns mapped as the wizard proposes."""
    return _summary(
        direct.load_file(
            tenant=job.tenant,
            kind=job.params["kind"],
            path=Path(job.params["path"]),
            by=job.actor,
            at=job.at,
            progress=job.progress,
        )
    )


@job_handler("crm.check_import", label=_("Check a file"))
def check_import(*, job: JobContext) -> dict[str, Any]:
    return running.check(**_import_of(job))


@job_handler("crm.load_import", label=_("Load a file"))
def load_import(*, job: JobContext) -> dict[str, Any]:
    return running.load(**_import_of(job))


@job_handler("crm.undo_import", label=_("Undo an import"))
def undo_import(*, job: JobContext) -> dict[str, Any]:
    return running.undo(**_import_of(job))


@job_handler("crm.export", label=_("Export a list"))
def write_export(*, job: JobContext) -> dict[str, Any]:
    return exports.write(tenant=job.tenant, public_id=job.params["export"], at=job.at, progress=job.progress)


@job_handler("crm.purge_files", label=_("Remove files that have expired"), is_nightly=True)
def purge_files(*, job: JobContext) -> dict[str, Any]:
    with tenant_scope(job.tenant):
        return {"exports": exports.purge(at=job.at), "imports": wizard.purge(at=job.at)}


@job_handler("crm.refresh_summaries", label=_("Refresh order totals"))
def refresh_summaries(*, job: JobContext) -> dict[str, Any]:
    with tenant_scope(job.tenant):
        order_summaries.refresh()
    return {}


@job_handler("crm.refresh_segments", label=_("Refresh all segments"), is_nightly=True)
def refresh_segments(*, job: JobContext) -> dict[str, Any]:
    """Refresh every rule segment in full, or those that the parameter ``keys`` names."""
    return segment_refresh.refresh_all(
        tenant=job.tenant, at=job.at, keys=job.params.get("keys"), progress=job.progress
    )


@shared_task(name="crm.refresh_touched_segments")
def refresh_touched_segments(*, tenant_id: int) -> None:
    segment_refresh.refresh_touched(tenant=Tenant.objects.get(pk=tenant_id), at=timezone.now())


@shared_task(name="crm.start_segment_runs")
def start_segment_runs() -> None:
    segment_refresh.start_due(at=timezone.now())


@job_handler("crm.replay_rejects", label=_("Send rejected events again"))
def replay_rejects(*, job: JobContext) -> dict[str, Any]:
    """Send matching rejects again, a page a transaction."""
    return _replayed(job, event_tail.TailFilter(**job.params, status="invalid"))


@job_handler("crm.replay_effects", label=_("Apply effects that had to wait"), is_nightly=True)
def replay_effects(*, job: JobContext) -> dict[str, Any]:
    """Apply again what could not be applied when it came: a return before its order, say."""
    return _replayed(job, event_tail.TailFilter(source=event_effects.EFFECT_SOURCE, status="invalid"))


def _replayed(job: JobContext, wanted: event_tail.TailFilter) -> dict[str, Any]:
    with tenant_scope(job.tenant):
        total = event_tail.rejects(wanted, at=job.at).count()
    done = accepted = last = 0
    while True:
        with tenant_scope(job.tenant):
            rejects = event_tail.rejects(wanted, at=job.at)
            last, some, seen = event_replays.replay_page(
                rejects=rejects, after_id=last, by=job.actor, at=job.at
            )
        if not seen:
            return {"sent_again": done, "accepted": accepted, "rejected_again": done - accepted}
        done, accepted = done + seen, accepted + some
        job.progress(done, total, "")


@shared_task(name="crm.ensure_event_partitions")
def ensure_event_partitions() -> None:
    today = timezone.now().date()
    partitions.ensure(first=today, last=today + timedelta(days=partitions.MONTHS_AHEAD_DAYS))
    partitions.move_strays()
    partitions.drop_empty(before=today - timedelta(days=partitions.OLD_DAYS))


def _import_of(job: JobContext) -> dict[str, Any]:
    return {
        "tenant": job.tenant,
        "public_id": job.params["import_run"],
        "by": job.actor,
        "at": job.at,
        "progress": job.progress,
    }


def _summary(run: ImportRun) -> dict[str, Any]:
    return {
        "import_run": str(run.public_id),
        "rows_read": run.rows_read,
        "rows_accepted": run.rows_accepted,
        "rows_merged": run.rows_merged,
        "rows_quarantined": run.rows_quarantined,
        "report": run.report,
    }


@job_handler("crm.sort_feedback", label=_("Sort feedback by topic"))
def sort_feedback(*, job: JobContext) -> dict[str, Any]:
    """Find the topics of all texts anew, a block a transaction."""
    changed, after = 0, 0
    while True:
        with tenant_scope(job.tenant):
            some, last = feedback_topics.sort_some(after_id=after, limit=_TEXTS_AT_ONCE)
        changed += some
        if last is None:
            return {"changed": changed}
        after = last
        job.progress(changed, 0, "texts changed")


@job_handler("crm.find_duplicates", label=_("Find duplicate customers"), is_nightly=True)
def find_duplicates(*, job: JobContext) -> dict[str, Any]:
    """Compare everybody with everybody, after moving what arrived at merged customers meanwhile.

    Files spell identities without the tenant's policy; they are spelled by it here, before anybody compares.
    """
    with tenant_scope(job.tenant):
        gathered = merges.gather_strays()
    with tenant_scope(job.tenant):
        respelled = identity_spellings.respell(at=job.at)
    with tenant_scope(job.tenant):
        found = duplicates.find(at=job.at)
    return {
        "candidates": found.candidates,
        "large_blocks": found.large_blocks,
        "gathered": gathered,
        "respelled": respelled,
    }


@job_handler("crm.export_customer", label=_("Export what is known of a customer"))
def export_customer(*, job: JobContext) -> dict[str, Any]:
    with tenant_scope(job.tenant):
        request = privacy_requests.carry_out_export(request_id=job.params["request_id"], at=job.at)
    return {"request": str(request.public_id), **request.report}


@job_handler("crm.purge_data", label=_("Remove data past its retention"), is_nightly=True)
def purge_data(*, job: JobContext) -> dict[str, Any]:
    """Erase whose days of grace are over, then remove what is older than its class allows."""
    with tenant_scope(job.tenant):
        erased = privacy_requests.carry_out_due(at=job.at)
    return {"erased": erased, **retention.purge(tenant=job.tenant, at=job.at, progress=job.progress)}


@job_handler("crm.respell_identities", label=_("Write identities in one way"))
def respell_identities(*, job: JobContext) -> dict[str, Any]:
    with tenant_scope(job.tenant):
        return {"respelled": identity_spellings.respell(at=job.at)}
