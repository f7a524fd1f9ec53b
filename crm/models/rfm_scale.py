from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class RfmScale(TenantModel):
    """Where the five cells of recency, frequency and money begin among a tenant's buyers.

    Four limits each, the fifths of the buyers; the cell of a value is one more than the limits it reaches.
    """

    recency_from = ArrayField(models.DateTimeField(), verbose_name=_("last orders from"))
    frequency_from = ArrayField(models.BigIntegerField(), verbose_name=_("orders from"))
    monetary_from = ArrayField(models.BigIntegerField(), verbose_name=_("revenue from"))
    computed_at = models.DateTimeField(_("computed at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("RFM scale")
        verbose_name_plural = _("RFM scales")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="crm_rfm_scale_once")]

    def __str__(self) -> str:
        return f"{self.computed_at:%Y-%m-%d}"
