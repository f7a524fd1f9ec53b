from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.domain.names import full_name
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint

if TYPE_CHECKING:
    from crm.models.order_summary import OrderSummary
    from crm.models.person import Person


class CustomerState(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    MERGED = "merged", _("Merged")
    ANONYMISED = "anonymised", _("Anonymised")


class Customer(PublicIdModel, TenantModel):
    """An end consumer of the tenant; personal data lives in `Person`, so that it can be erased alone."""

    external_id = models.CharField(
        _("external id"),
        max_length=200,
        null=True,
        blank=True,
        db_collation="C",
    )
    state = models.CharField(
        _("state"), max_length=12, choices=CustomerState.choices, default=CustomerState.ACTIVE
    )
    merged_into = TenantForeignKey(
        "crm.Customer",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
    )
    may_profile = models.BooleanField(_("may be profiled"), default=True)
    may_personalise = models.BooleanField(_("may get personal lists"), default=True, db_default=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))
    first_seen_at = models.DateTimeField(_("first seen at"), null=True, blank=True)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True)
    member_since = models.DateTimeField(_("member since"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            public_id_constraint("crm_customer"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="crm_customer_external_id"),
            models.CheckConstraint(
                name="crm_customer_merged_has_target",
                condition=models.Q(state=CustomerState.MERGED, merged_into__isnull=False)
                | (~models.Q(state=CustomerState.MERGED) & models.Q(merged_into__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(
                "tenant",
                models.F("last_seen_at").desc(nulls_last=True),
                models.F("id").desc(),
                name="crm_customer_last_seen",
            ),
            models.Index(
                fields=["tenant", "merged_into"],
                name="crm_customer_merged_into",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id or str(self.public_id)

    @property
    def person(self) -> Person | None:
        """The personal data, or None; free of queries when `persons` was prefetched."""
        return next(iter(self.persons.all()), None)

    @property
    def order_summary(self) -> OrderSummary | None:
        """The totals over orders, or None; free of queries when `order_summaries` was prefetched."""
        return next(iter(self.order_summaries.all()), None)

    @property
    def display_name(self) -> str:
        person = self.person
        name = full_name(person.given_name, person.family_name) if person else ""
        return name or str(self)
