from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RewardsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self) -> None:
        from crm.domain.rules import Source  # noqa: PLC0415 - with the registries below
        from crm.queries import rule_sources  # noqa: PLC0415 - models are not loaded before
        from crm.queries.profile import register_section  # noqa: PLC0415 - models are not loaded before
        from rewards import receivers  # noqa: F401, PLC0415 - registers its consumers
        from rewards.queries import balances, coupons, rule_values, tiers  # noqa: PLC0415

        register_section("balance", balances.profile_section)
        register_section("coupons", coupons.profile_section)
        register_section("tier", tiers.profile_section)
        rule_sources.register(Source.LOYALTY, rule_values.LOYALTY)
