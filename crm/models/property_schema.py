from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.event_schema import EventSchema
from tenants.models.base import TenantForeignKey, TenantModel


class PropertyType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    YES_NO = "yes_no", _("Yes or no")
    MOMENT = "moment", _("Date or time")
    LIST = "list", _("List")
    OBJECT = "object", _("Object")


class Sensitivity(models.TextChoices):
    NONE = "", _("Not sensitive")
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    BIRTH_DATE = "birth_date", _("Date of birth")
    CARD = "card", _("Card or account number")
    HEALTH = "health", _("Health")
    PERSONAL = "personal", _("Other personal data")


class PropertySchema(TenantModel):
    """One property of the events of one name. Without a declared type it has only been seen."""

    schema = TenantForeignKey(
        EventSchema, models.CASCADE, related_name="properties", verbose_name=_("event schema")
    )
    key = models.CharField(_("property"), max_length=120, db_collation="C")
    value_type = models.CharField(
        _("declared type"), max_length=8, choices=PropertyType, blank=True, default=""
    )
    types = models.JSONField(_("types seen"), default=dict)
    present_count = models.BigIntegerField(_("present"), default=0)
    examples = models.JSONField(_("examples"), default=list)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    sensitivity = models.CharField(
        _("sensitive data"), max_length=10, choices=Sensitivity, blank=True, default=Sensitivity.NONE
    )
    # What staff have decided is not guessed again.
    is_sensitivity_set = models.BooleanField(_("decided by staff"), default=False)

    class Meta(TenantModel.Meta):
        verbose_name = _("event property")
        verbose_name_plural = _("event properties")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "schema", "key"], name="crm_property_schema_key")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "key"],
                name="crm_property_schema_sensitive",
                condition=~models.Q(sensitivity=""),
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def missing_share(self) -> float:
        """The share of the schema's events without this property, from 0 to 1."""
        count: int = self.schema.count
        return max(0.0, 1 - self.present_count / count) if count else 0.0

    @property
    def types_shown(self) -> list[tuple[Any, int]]:
        """(label, times seen), the most frequent first."""
        labels = dict(PropertyType.choices)
        ordered = sorted(self.types.items(), key=lambda pair: -pair[1])
        return [(labels.get(name, name), count) for name, count in ordered]
