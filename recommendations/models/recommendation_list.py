from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from recommendations.models.model_version import ModelVersion
from tenants.models.base import TenantForeignKey, TenantModel


class Slot(models.TextChoices):
    NEW_FOR_YOU = "new_for_you", _("New for you")
    BUY_AGAIN = "buy_again", _("Buy again")


class RecommendationList(TenantModel):
    """A customer's precomputed list for one slot, best first.

    `item_ids`, `scores` and `reasons` run in parallel; a reason is `{"kind": …}` and what its sentence needs.
    """

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="recommendation_lists", verbose_name=_("customer")
    )
    slot = models.CharField(_("slot"), max_length=11, choices=Slot.choices)
    model_version = TenantForeignKey(
        ModelVersion, models.PROTECT, related_name="recommendation_lists", verbose_name=_("model version")
    )
    item_ids = ArrayField(models.BigIntegerField(), verbose_name=_("items"))
    scores = ArrayField(models.FloatField(), verbose_name=_("scores"))
    reasons = models.JSONField(_("reasons"))
    computed_at = models.DateTimeField(_("computed at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("recommendation list")
        verbose_name_plural = _("recommendation lists")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "slot"], name="recommendations_list_once"),
            models.CheckConstraint(
                name="recommendations_list_parallel",
                condition=models.Q(item_ids__len=models.F("scores__len")),
            ),
        ]
        indexes = [models.Index(fields=["tenant", "model_version"], name="recommendations_list_version")]

    def __str__(self) -> str:
        return f"{self.slot}: {len(self.item_ids)}"
