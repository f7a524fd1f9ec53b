"""The customer domain; what consumes and runs its work is connected once the models are loaded."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "crm"
    verbose_name = _("Customers")

    def ready(self) -> None:
        """Connect the consumers and the job handlers."""
        from crm.admin import audit_words, value_readers  # noqa: PLC0415 - models are not loaded before
        from crm.domain.rules import Source  # noqa: PLC0415 - with the registries below
        from crm.queries import behaviour, consent_values, rule_sources  # noqa: PLC0415 - they need the models
        from crm.queries.profile import register_section  # noqa: PLC0415
        from tenants.admin.audit_words import register as register_words  # noqa: PLC0415 - with the registries

        rule_sources.register(Source.CONSENT, consent_values.CONSENTS)
        register_section("behaviour", behaviour.profile_section)
        register_words(audit_words.WORDS)
        value_readers.register(value_readers.of_segments)
        from crm import receivers, tasks  # noqa: F401, PLC0415 - they register themselves, once the models are loaded
        from crm.services.exports import audiences, segment_members  # noqa: F401, PLC0415 - lists to export
        from crm.services.imports import (  # noqa: F401, PLC0415 - kinds of import
            consent_records,
            customer_records,
            event_records,
            feedback_records,
            item_records,
            order_records,
        )
