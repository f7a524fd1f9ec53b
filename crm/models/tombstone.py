from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class Tombstone(TenantModel):
    """An identity that was erased, as a salted hash: nothing about its person may come in again."""

    kind = models.CharField(_("kind"), max_length=16)
    digest = models.CharField(_("digest"), max_length=64, db_collation="C")
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("tombstone")
        verbose_name_plural = _("tombstones")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "digest"], name="crm_tombstone_digest")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.digest[:12]}"
