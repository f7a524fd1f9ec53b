from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class PrivacyRequestKind(models.TextChoices):
    EXPORT = "export", _("Export")
    ERASURE = "erasure", _("Erasure")


class PrivacyRequestState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class PrivacyRequest(PublicIdModel, TenantModel):
    """A customer's wish to get their data or to be forgotten, and what was done about it."""

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="privacy_requests", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=PrivacyRequestKind.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=PrivacyRequestState.choices, default=PrivacyRequestState.WAITING
    )
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.CharField(_("requested by"), max_length=254)
    due_at = models.DateTimeField(_("due at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    report = models.JSONField(_("report"), default=dict, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("privacy request")
        verbose_name_plural = _("privacy requests")
        constraints = [
            public_id_constraint("crm_privacy_request"),
            models.UniqueConstraint(
                fields=["tenant", "customer", "kind"],
                name="crm_privacy_request_one_waiting",
                condition=models.Q(state="waiting"),
            ),
        ]
        indexes = [
            models.Index("tenant", models.F("requested_at").desc(), name="crm_privacy_request_by_time"),
            models.Index(fields=["tenant", "customer"], name="crm_privacy_request_by_cust"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.public_id}"
