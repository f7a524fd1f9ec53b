"""The models of taste and behaviour; their jobs are connected once the tables are known."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecommendationsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "recommendations"
    verbose_name = _("Models")

    def ready(self) -> None:
        """Connect the job handler and add the scores to the customers' profiles."""
        from crm.queries import profile
        from recommendations import receivers, tasks
        from recommendations.admin import audit_words
        from recommendations.queries.scores import scores_of
        from tenants.admin.audit_words import register as register_words

        register_words(audit_words.WORDS)
        profile.register_section("scores", scores_of)
