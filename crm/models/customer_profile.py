from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class CustomerProfile(TenantModel):
    """What a customer's own history says, one row each: aggregates that are traits by their field's name.

    They stand in columns, not in `ComputedTrait`, because a million customers times twenty rows would cost
    every refresh twenty times as much. Null is what the history does not tell yet.
    """

    customer = TenantForeignKey(Customer, models.CASCADE, related_name="profiles", verbose_name=_("customer"))
    average_basket_minor = models.BigIntegerField(_("average basket"), null=True, blank=True)
    days_between_orders = models.FloatField(_("days between orders"), null=True, blank=True)
    favourite_category = models.CharField(_("favourite category"), max_length=120, null=True, blank=True)
    category_shares = models.JSONField(_("shares of categories"), default=dict, blank=True)
    favourite_channel = models.CharField(_("favourite channel"), max_length=60, null=True, blank=True)
    events_count = models.PositiveIntegerField(_("events"), default=0)
    clicks_count = models.PositiveIntegerField(_("clicks"), default=0)
    sessions_count = models.PositiveIntegerField(_("sessions"), default=0)
    active_days = models.PositiveIntegerField(_("active days"), default=0)
    time_spent_seconds = models.BigIntegerField(_("time spent"), default=0)
    first_touch = models.CharField(_("first touch"), max_length=200, null=True, blank=True)
    last_touch = models.CharField(_("last touch"), max_length=200, null=True, blank=True)
    rfm_recency = models.PositiveSmallIntegerField(_("recency cell"), null=True, blank=True)
    rfm_frequency = models.PositiveSmallIntegerField(_("frequency cell"), null=True, blank=True)
    rfm_monetary = models.PositiveSmallIntegerField(_("monetary cell"), null=True, blank=True)
    # Up to where the history is in the figures: the last event, and the last event or order.
    last_event_at = models.DateTimeField(_("last event at"), null=True, blank=True)
    seen_until = models.DateTimeField(_("seen until"), null=True, blank=True)
    computed_at = models.DateTimeField(_("computed at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("customer profile")
        verbose_name_plural = _("customer profiles")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer"], name="crm_customer_profile_customer")
        ]

    def __str__(self) -> str:
        return str(self.customer_id)
