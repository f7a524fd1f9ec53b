from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class AttributeType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    BOOLEAN = "boolean", _("Yes or no")
    DATE = "date", _("Date")


class AttributeSubject(models.TextChoices):
    CUSTOMER = "customer", _("Customer")
    ITEM = "item", _("Item")


class AttributeDefinition(TenantModel):
    """The declared type of one free attribute of the tenant's customers or items."""

    subject = models.CharField(
        _("subject"), max_length=10, choices=AttributeSubject.choices, default=AttributeSubject.CUSTOMER
    )
    key = models.SlugField(_("key"), max_length=60, allow_unicode=True, db_index=False)
    label = models.CharField(_("label"), max_length=120)
    value_type = models.CharField(
        _("type"), max_length=8, choices=AttributeType.choices, default=AttributeType.TEXT
    )
    is_personal = models.BooleanField(_("is personal data"), default=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("attribute definition")
        verbose_name_plural = _("attribute definitions")
        constraints = [models.UniqueConstraint(fields=["tenant", "subject", "key"], name="crm_attribute_key")]

    def __str__(self) -> str:
        return self.label
