from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class SegmentKind(models.TextChoices):
    STATIC = "static", _("Static list")
    RULE = "rule", _("Rule")
    MODEL = "model", _("Model")


class Segment(PublicIdModel, TenantModel):
    """A group of customers: a list kept by hand, the answer to a rule, or the output of a model."""

    key = models.SlugField(_("key"), max_length=80, db_index=False)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=6, choices=SegmentKind.choices)
    rule = models.JSONField(_("rule"), null=True, blank=True)
    description = models.TextField(_("description"), blank=True, default="")
    member_count = models.PositiveIntegerField(_("members"), default=0)
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, blank=True)
    refresh_ms = models.PositiveIntegerField(_("refresh took, in milliseconds"), null=True, blank=True)
    fully_refreshed_at = models.DateTimeField(_("fully refreshed at"), null=True, blank=True)
    depends_on_time = models.BooleanField(_("depends on time"), default=False)
    last_error = models.TextField(_("last error"), blank=True, default="")
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)
    retry_at = models.DateTimeField(_("retry at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            public_id_constraint("crm_segment"),
            models.UniqueConstraint(fields=["tenant", "key"], name="crm_segment_key"),
            models.CheckConstraint(
                name="crm_segment_rule_only_for_rules",
                condition=models.Q(kind=SegmentKind.RULE, rule__isnull=False)
                | (~models.Q(kind=SegmentKind.RULE) & models.Q(rule__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.name
