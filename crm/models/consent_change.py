from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.consent import Channel, Purpose
from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class ConsentChange(TenantModel):
    """One decision of a customer, with its proof. Only its customer and its personal proof can change.

    A merge moves it and an erasure empties the address; the database grants the application no other change.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="consent_changes", verbose_name=_("customer")
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.ANY)
    is_granted = models.BooleanField(_("is granted"))
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.CharField(_("recorded by"), max_length=254)
    source = models.CharField(_("source"), max_length=60, blank=True, default="")
    wording = models.CharField(_("wording version"), max_length=60, blank=True, default="")
    address = models.CharField(_("address"), max_length=45, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("consent change")
        verbose_name_plural = _("consent changes")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "customer", "purpose", "channel", "occurred_at", "is_granted"],
                name="crm_consent_change_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose}/{self.channel}: {'granted' if self.is_granted else 'withdrawn'}"
