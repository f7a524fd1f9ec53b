from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class FeedbackTopic(PublicIdModel, TenantModel):
    """A topic of the tenant's own, beside those that every shop's customers speak of; found by its words."""

    key = models.CharField(_("key"), max_length=20, db_collation="C")
    name = models.CharField(_("name"), max_length=60)
    words = ArrayField(models.CharField(max_length=60), verbose_name=_("words"))
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("topic of feedback")
        verbose_name_plural = _("topics of feedback")
        constraints = [
            public_id_constraint("crm_feedback_topic"),
            models.UniqueConstraint(fields=["tenant", "key"], name="crm_feedback_topic_key"),
        ]

    def __str__(self) -> str:
        return self.name
