from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class CustomerMerge(PublicIdModel, TenantModel):
    """One customer absorbed by another: who, when, and what both were before.

    `before` and `after` hold the rows of both customers and persons as they were and as the merge left them;
    `MergedRow` says which other rows moved. Together they are the journal that undoing reads.
    """

    survivor = TenantForeignKey(
        Customer, models.PROTECT, related_name="merges_survived", verbose_name=_("survivor")
    )
    absorbed = TenantForeignKey(
        Customer, models.PROTECT, related_name="merges_absorbed", verbose_name=_("absorbed")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    choices = models.JSONField(_("choices"), default=dict, blank=True)
    before = models.JSONField(_("before"), default=dict, blank=True)
    after = models.JSONField(_("after"), default=dict, blank=True)
    moved = models.JSONField(_("moved rows"), default=dict, blank=True)
    merged_at = models.DateTimeField(_("merged at"))
    merged_by = models.CharField(_("merged by"), max_length=254)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = models.CharField(_("undone by"), max_length=254, blank=True, default="")
    journal_purged_at = models.DateTimeField(_("journal purged at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("customer merge")
        verbose_name_plural = _("customer merges")
        constraints = [
            public_id_constraint("crm_customer_merge"),
            models.UniqueConstraint(
                fields=["tenant", "absorbed"],
                name="crm_customer_merge_absorbed_once",
                condition=models.Q(undone_at__isnull=True),
            ),
            models.CheckConstraint(
                name="crm_customer_merge_two_customers", condition=~models.Q(survivor=models.F("absorbed"))
            ),
        ]
        indexes = [
            models.Index("tenant", "survivor", models.F("id").desc(), name="crm_customer_merge_survivor"),
            models.Index("tenant", models.F("merged_at").desc(), name="crm_customer_merge_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.absorbed_id} → {self.survivor_id}"
