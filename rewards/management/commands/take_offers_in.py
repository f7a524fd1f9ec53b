from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from rewards.services import offer_drafts
from tenants.domain.actors import SYSTEM
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Bring rewards, coupons, campaigns, referrals and limits that are outside of the tenants' programs "
        "under them: published as they are, or written into the draft that waits. May be repeated."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for tenant in Tenant.objects.order_by("pk"):
            try:
                with tenant_scope(tenant):
                    row = offer_drafts.govern(by=SYSTEM, at=timezone.now())
            except DomainError as error:
                self.stderr.write(f"{tenant.slug}: {error.detail}")
                continue
            if row is not None:
                self.stdout.write(f"{tenant.slug}: revision {row.number} ({row.state})")
