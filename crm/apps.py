from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "crm"
    verbose_name = _("Customers")

    def ready(self) -> None:
        """Connect the consumers and the job handlers."""
        from crm import receivers, tasks  # noqa: F401, PLC0415 - they register themselves, once the models are loaded
