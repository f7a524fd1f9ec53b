from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Tenants")

    def ready(self) -> None:
        # Needs the models, and registers itself.
        from tenants import checks
        from tenants.admin import audit_words
        from tenants.api import schema
        from tenants.grants import grant_global_tables

        audit_words.register(audit_words.WORDS)
        post_migrate.connect(grant_global_tables, dispatch_uid="tenants.grant_global_tables")
