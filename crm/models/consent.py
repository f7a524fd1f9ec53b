from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class Purpose(models.TextChoices):
    MARKETING = "marketing", _("Marketing")
    PROFILING = "profiling", _("Profiling")
    PERSONALISATION = "personalisation", _("Personalisation")
    ANALYTICS = "analytics", _("Analytics")
    SERVICE = "service", _("Service messages")
    RESEARCH = "research", _("Surveys and research")
    THIRD_PARTY = "third_party", _("Sharing with partners")


class Channel(models.TextChoices):
    ANY = "any", _("Any channel")
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("Text message")
    PUSH = "push", _("Push message")
    POST = "post", _("Post")
    PHONE = "phone", _("Phone")
    IN_APP = "in_app", _("In the app")


class Consent(TenantModel):
    """What a customer allows now, for one purpose on one channel: the newest row of its history."""

    customer = TenantForeignKey(Customer, models.CASCADE, related_name="consents", verbose_name=_("customer"))
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.ANY)
    is_granted = models.BooleanField(_("is granted"))
    changed_at = models.DateTimeField(_("changed at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "customer", "purpose", "channel"], name="crm_consent_purpose_channel"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "purpose", "channel", "is_granted", "customer"],
                name="crm_consent_by_purpose",
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose}/{self.channel}: {'granted' if self.is_granted else 'withdrawn'}"
