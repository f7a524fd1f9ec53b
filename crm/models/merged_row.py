from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer_merge import CustomerMerge
from tenants.models.base import TenantForeignKey, TenantModel


class MergedRow(TenantModel):
    """One row that a merge moved to the survivor, or took away because the survivor had its like.

    `row_key` names the row inside `table` as JSON; `taken` is the row as it was, when it was taken away.
    """

    merge = TenantForeignKey(CustomerMerge, models.CASCADE, related_name="rows", verbose_name=_("merge"))
    table = models.CharField(_("table"), max_length=63, db_collation="C")
    row_key = models.JSONField(_("row key"))
    taken = models.JSONField(_("row taken away"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("merged row")
        verbose_name_plural = _("merged rows")
        indexes = [models.Index(fields=["tenant", "merge", "table"], name="crm_merged_row_by_merge")]

    def __str__(self) -> str:
        return f"{self.table} {self.row_key}"
