from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rewards.services import verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Prove the invariants of a tenant's points ledger; freeze the accounts that break one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant “{options['tenant']}”.")
        with tenant_scope(tenant):
            report = verification.verify_ledger(by=SYSTEM, at=timezone.now())
        self.stdout.write(
            f"{report.accounts} accounts, {report.transactions} transactions, {report.entries} entries"
        )
        for finding in report.findings:
            self.stderr.write(
                f"{finding.check}: account {finding.account_id}, expected {finding.expected}, "
                f"found {finding.actual}"
            )
        if not report.is_sound:
            raise CommandError(f"{len(report.findings)} findings; the accounts concerned are frozen.")
        self.stdout.write(self.style.SUCCESS("The ledger is sound."))
