from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from crm.services import erasure_replays
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import for_each_tenant, tenant_scope


class Command(BaseCommand):
    """Writes the list of erasures of all tenants, or carries it out again after a restore."""

    help = "Carry out the erasures of FILE again; with --write, write them to FILE instead."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--write", action="store_true", help="write the list instead of reading it")

    def handle(self, *args: Any, file: Path, write: bool, **options: Any) -> None:
        if write:
            self._write(file)
        else:
            self._replay(file)

    def _write(self, file: Path) -> None:
        lines = [
            json.dumps({"tenant": tenant.slug, **line})
            for tenant in for_each_tenant()
            for line in erasure_replays.listed(at=timezone.now())
        ]
        file.write_text("\n".join(lines) + "\n")
        file.chmod(0o600)
        self.stdout.write(f"{len(lines)} lines")

    def _replay(self, file: Path) -> None:
        lines_by_slug: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for text in file.read_text().splitlines():
            line = json.loads(text)
            lines_by_slug[line.pop("tenant")].append(line)
        for tenant in Tenant.objects.filter(slug__in=lines_by_slug).order_by("pk"):
            with tenant_scope(tenant):
                done = erasure_replays.replay(lines=lines_by_slug[tenant.slug], by=SYSTEM, at=timezone.now())
            self.stdout.write(f"{tenant.slug}: {done.customers} customers, {done.tombstones} tombstones")
