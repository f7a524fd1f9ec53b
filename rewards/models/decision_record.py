from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.dependent_row import DependentRow
from rewards.models.program_revision import ProgramRevision
from tenants.models.base import TenantForeignKey


class DecisionEvent(models.TextChoices):
    ORDER = "order", _("Order")
    RETURN = "return", _("Return")
    # What rules gave because of a return; the record above says what it took back.
    RETURNED = "returned", _("Return, by rules")
    EVENT = "event", _("Event")
    BIRTHDAY = "birthday", _("Birthday")
    ANNIVERSARY = "anniversary", _("Anniversary")
    ENROLMENT = "enrolment", _("Enrolment")


class DecisionRecord(DependentRow):
    """Why an order or return moved the points it did; written once per event, append-only."""

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="decision_records", verbose_name=_("customer")
    )
    revision = TenantForeignKey(
        ProgramRevision, models.PROTECT, related_name="decision_records", verbose_name=_("program revision")
    )
    event_type = models.CharField(_("event"), max_length=12, choices=DecisionEvent.choices)
    event_id = models.BigIntegerField(_("event number"))
    occurred_at = models.DateTimeField(_("occurred at"))
    decided_at = models.DateTimeField(_("decided at"))
    points = models.BigIntegerField(_("points"))
    record = models.JSONField(_("record"))

    class Meta(DependentRow.Meta):
        verbose_name = _("decision record")
        verbose_name_plural = _("decision records")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "event_type", "event_id"], name="rewards_decision_event"
            )
        ]
        indexes = [
            models.Index(
                "tenant", "customer", models.F("occurred_at").desc(), name="rewards_decision_customer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_event_type_display()} {self.points:+d}"
