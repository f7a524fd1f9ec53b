"""Create the database roles, the database and its extensions."""

from __future__ import annotations

from typing import Any

import environ
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants.roles import bootstrap


class Command(BaseCommand):
    help = "Create the four database roles and the database (needs DATABASE_ADMIN_URL, a superuser's URL)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        admin_url = environ.Env().str("DATABASE_ADMIN_URL", default="")
        if not admin_url:
            raise CommandError("Set DATABASE_ADMIN_URL to the URL of a superuser of the server.")
        target = settings.DATABASES["default"]
        bootstrap(admin_url, str(target["NAME"]), str(target.get("PASSWORD") or "") or None)
        self.stdout.write(f"Roles and database {target['NAME']} are ready.")
