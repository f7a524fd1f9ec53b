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
        from crm.admin import audit_words, value_readers
        from crm.domain.rules import Source
        from crm.queries import behaviour, consent_values, rule_sources
        from crm.queries.profile import register_section
        from tenants.admin.audit_words import register as register_words

        rule_sources.register(Source.CONSENT, consent_values.CONSENTS)
        register_section("behaviour", behaviour.profile_section)
        register_words(audit_words.WORDS)
        value_readers.register(value_readers.of_segments)
        from crm import receivers, tasks
        from crm.services.exports import audiences, segment_members
        from crm.services.imports import (
            consent_records,
            customer_records,
            event_records,
            feedback_records,
            item_records,
            order_records,
        )
