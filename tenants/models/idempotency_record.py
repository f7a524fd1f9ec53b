from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class IdempotencyRecord(TenantModel):
    """The stored answer to one Idempotency-Key, so that a retry gets the same bytes and does nothing."""

    key = models.CharField(_("key"), max_length=255)
    endpoint = models.CharField(_("endpoint"), max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    body = models.TextField(_("body"), blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta(TenantModel.Meta):
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key", "endpoint"], name="tenants_idempotency_key"),
        ]

    def __str__(self) -> str:
        return self.key
