"""Open a tenant with an owner and, if wanted, a preset and sample traffic."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rewards.domain.presets import PRESETS
from rewards.domain.presets.traffic import DAYS
from rewards.services import preset_traffic, presets
from tenants.domain.actors import SYSTEM
from tenants.domain.permissions import Role
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services import memberships, tenants


class Command(BaseCommand):
    help = "Open a tenant: create_tenant SLUG NAME --owner E-MAIL [--preset ecommerce [--sample-traffic]]."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, help="e-mail; the person is created when unknown")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument("--currency", default="USD")
        parser.add_argument("--locale", default="en")
        parser.add_argument("--vertical", default="", choices=["", *Tenant.Vertical.values])
        parser.add_argument("--preset", default="", choices=["", *PRESETS])
        parser.add_argument("--sample-traffic", action="store_true")

    def handle(self, **options: Any) -> None:
        try:
            tenant = self._open(options)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Opened {tenant.slug}.")

    def _open(self, options: dict[str, Any]) -> Tenant:
        at = timezone.now()
        fields = {name: options[name] for name in ("slug", "name", "time_zone", "currency", "locale")}
        vertical = options["vertical"] or options["preset"] or Tenant.Vertical.ECOMMERCE.value
        tenant = tenants.create(**fields, vertical=vertical, by=SYSTEM, at=at)
        with tenant_scope(tenant):
            memberships.invite(email=options["owner"], role=Role.OWNER, by=SYSTEM, at=at)
            if options["preset"]:
                start = at - timedelta(days=DAYS + 1) if options["sample_traffic"] else None
                presets.install(key=options["preset"], by=SYSTEM, at=at, in_force_from=start)
        if options["preset"] and options["sample_traffic"]:
            played = preset_traffic.play(
                tenant=tenant, key=options["preset"], by=SYSTEM, at=at, progress=self._say
            )
            self.stdout.write(f"{played.members} members, {played.events} events, {played.orders} orders.")
        return tenant

    def _say(self, done: int, total: int, message: str) -> None:
        if done % 10 == 0:
            self.stderr.write(f"day {done} of {total}: {message}")
