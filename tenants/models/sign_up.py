from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel
from tenants.models.tenant import Tenant


class SignUp(PublicIdModel):
    """What a stranger wants to open, until the address is confirmed by the link; kept for a day.

    There is neither a user nor a tenant before that. The password is a hash, and empty once it is the user's.
    """

    email = models.EmailField(_("e-mail"))
    password = models.CharField(_("password"), max_length=128)
    slug = models.CharField(_("slug"), max_length=63)
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(_("time zone"), max_length=64)
    currency = models.CharField(_("currency"), max_length=3)
    locale = models.CharField(_("language"), max_length=16)
    vertical = models.CharField(_("vertical"), max_length=16, choices=Tenant.Vertical)
    created_at = models.DateTimeField(_("created"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        constraints = [models.UniqueConstraint(fields=["public_id"], name="tenants_signup_public_id")]
        indexes = [models.Index(fields=["created_at"], name="tenants_signup_created")]

    def __str__(self) -> str:
        return self.slug
