"""The loyalty domain; what consumes and runs its work is connected once the models are loaded."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

_DECIDED = """EXISTS (SELECT FROM rewards_decisionrecord d
WHERE d.tenant_id = {t}.tenant_id AND d.event_type = 'order' AND d.event_id = {t}.id)"""


class RewardsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self) -> None:
        from crm.admin.value_readers import register as register_readers
        from crm.domain.rules import Source
        from crm.queries import rule_sources
        from crm.queries.profile import register_section
        from crm.services.imports.dependents import register_guard
        from rewards import receivers
        from rewards.admin import audit_words, value_readers
        from rewards.admin.notice import frozen_accounts
        from rewards.queries import balances, coupons, rule_values, tiers
        from tenants.admin import notices
        from tenants.admin.audit_words import register as register_words
        from tenants.admin.audit_words import register_fields

        # Orders that were decided on keep their points; undoing an import leaves them.
        register_guard("order", _DECIDED)
        register_words(audit_words.WORDS)
        register_fields(audit_words.FIELDS)
        notices.register(frozen_accounts)
        register_readers(value_readers.of_program)
        register_readers(value_readers.of_coupons)
        from rewards.services import balance_imports, points_exports

        register_section("balance", balances.profile_section)
        register_section("coupons", coupons.profile_section)
        register_section("tier", tiers.profile_section)
        rule_sources.register(Source.LOYALTY, rule_values.LOYALTY)
