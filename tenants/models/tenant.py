from __future__ import annotations

import zoneinfo
from functools import cache
from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


@cache
def zone_names() -> frozenset[str]:
    """Return the zones of the database of zones; files of other kinds beside it are none."""
    return frozenset(zoneinfo.available_timezones()) - {"Factory", "localtime"}


def validate_time_zone(name: str) -> None:
    if name not in zone_names():
        raise ValidationError(_("“%(name)s” is not an IANA time zone."), params={"name": name})


class TenantQuerySet(models.QuerySet["Tenant"]):
    def active(self) -> Self:
        return self.filter(status=Tenant.Status.ACTIVE)


class Tenant(models.Model):
    """A client company; everything else is keyed by it."""

    class Vertical(models.TextChoices):
        AI = "ai", _("AI")
        ECOMMERCE = "ecommerce", _("E-commerce")
        SOCIAL = "social", _("Social")
        EDUCATION = "education", _("Education")
        FINANCE = "finance", _("Finance")
        HEALTHCARE = "healthcare", _("Healthcare")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    slug = models.CharField(
        _("slug"), max_length=63, unique=True, validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")]
    )
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    currency = models.CharField(
        _("currency"), max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}\Z")]
    )
    locale = models.CharField(_("language"), max_length=16, default="en")
    vertical = models.CharField(_("vertical"), max_length=16, choices=Vertical, default=Vertical.ECOMMERCE)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects: ClassVar[models.Manager[Tenant]] = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)
