from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class ApiKey(PublicIdModel, TenantModel):
    """A key of a client app. Only its prefix and SHA-256 are kept; the key itself is shown once."""

    class Kind(models.TextChoices):
        SECRET = "sk", _("Secret")
        PUBLISHABLE = "pk", _("Publishable")

    kind = models.CharField(_("kind"), max_length=2, choices=Kind)
    name = models.CharField(_("name"), max_length=120)
    prefix = models.CharField(_("prefix"), max_length=32, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), verbose_name=_("scopes"))
    # Pages whose browsers may use a publishable key; empty is any page.
    origins = ArrayField(
        models.CharField(max_length=300), verbose_name=_("allowed origins"), default=list, db_default=[]
    )
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            public_id_constraint("tenants_apikey"),
            models.UniqueConstraint(fields=["tenant", "prefix"], name="tenants_apikey_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
