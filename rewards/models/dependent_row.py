from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class DependentRow(TenantModel):
    """A row of the ledger whose required composite key names the tenant already.

    Checking the tenant again, at commit and row by row, took a fifth of a batch of postings.
    """

    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        editable=False,
        verbose_name=_("tenant"),
    )

    class Meta(TenantModel.Meta):
        abstract = True
