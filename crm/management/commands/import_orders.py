from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.domain.mappings import ORDER_MAPPINGS
from crm.services.imports.orders import import_orders
from tenants.domain.actors import SYSTEM
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Import a file of order lines (Parquet or CSV) into a tenant and print the account of its rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--tenant", required=True, help="slug of the tenant")
        parser.add_argument("--mapping", required=True, choices=sorted(ORDER_MAPPINGS))

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant “{options['tenant']}”.")
        try:
            with tenant_scope(tenant):
                run = import_orders(
                    path=options["file"], mapping=options["mapping"], by=SYSTEM, at=timezone.now()
                )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(
            f"{run.rows_read} rows read: {run.rows_accepted} accepted, {run.rows_merged} merged,"
            f" {run.rows_quarantined} quarantined"
        )
        for reason, count in {**run.report["merged"], **run.report["quarantined"]}.items():
            self.stdout.write(f"  {count:>9} {reason}")
        for what in ("customers_created", "items_created", "orders", "lines", "returns", "anonymous_rows"):
            self.stdout.write(f"  {run.report.get(what, 0):>9} {what.replace('_', ' ')}")
