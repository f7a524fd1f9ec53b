from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class ModelKind(models.TextChoices):
    SEGMENTS = "segments", _("Customer groups")
    PURCHASE = "purchase", _("Purchases to come")
    CHURN = "churn", _("Churn risk")
    RECOMMENDER = "recommender", _("Recommendations")
    SENTIMENT = "sentiment", _("Sentiment")


class VersionState(models.TextChoices):
    CANDIDATE = "candidate", _("Candidate")
    ACTIVE = "active", _("Active")
    REJECTED = "rejected", _("Rejected")
    RETIRED = "retired", _("Retired")


class ModelVersion(PublicIdModel, TenantModel):
    """One training run: what went in, what came out, how good it was and whether it may be used."""

    kind = models.CharField(_("kind"), max_length=12, choices=ModelKind.choices)
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(
        _("state"), max_length=10, choices=VersionState.choices, default=VersionState.CANDIDATE
    )
    method = models.CharField(_("method"), max_length=40)
    cut_off_on = models.DateField(_("data until"))
    rows = models.PositiveBigIntegerField(_("rows"))
    customers = models.PositiveIntegerField(_("customers"))
    items = models.PositiveIntegerField(_("items"), default=0)
    parameters = models.JSONField(_("parameters"), default=dict)
    metrics = models.JSONField(_("metrics"), default=dict)
    baselines = models.JSONField(_("baselines"), default=dict)
    gate_reason = models.CharField(_("reason"), max_length=30)
    gate_report = models.TextField(_("activation report"))
    libraries = models.JSONField(_("library versions"), default=dict)
    artefact_path = models.CharField(_("artefact"), max_length=300, blank=True, default="")
    artefact_sha256 = models.CharField(_("artefact's SHA-256"), max_length=64, blank=True, default="")
    artefact_bytes = models.PositiveBigIntegerField(_("artefact size in bytes"), default=0)
    duration_seconds = models.FloatField(_("duration in seconds"))
    trained_by = models.CharField(_("trained by"), max_length=254)
    trained_at = models.DateTimeField(_("trained at"))
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [
            public_id_constraint("recommendations_version"),
            models.UniqueConstraint(
                fields=["tenant", "kind", "number"], name="recommendations_version_number"
            ),
            models.UniqueConstraint(
                fields=["tenant", "kind"],
                condition=models.Q(state=VersionState.ACTIVE),
                name="recommendations_version_one_active",
            ),
            models.CheckConstraint(
                name="recommendations_version_active_has_moment",
                condition=~models.Q(state=VersionState.ACTIVE) | models.Q(activated_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """What computed traits name as their origin."""
        return f"{self.kind}-{self.number}"
