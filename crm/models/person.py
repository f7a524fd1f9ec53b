from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.domain.names import full_name
from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


def _lowered(field: str) -> models.GeneratedField:
    """A stored lower-case copy whose byte order lets a prefix be a range of a B-tree."""
    return models.GeneratedField(
        expression=Lower(field),
        output_field=models.CharField(max_length=254, db_collation="C"),
        db_persist=True,
    )


class Person(TenantModel):
    """The personal data of one customer; erasing the person deletes this row and nothing else."""

    PERSONAL_FIELDS: ClassVar[tuple[str, ...]] = (
        "email",
        "phone",
        "given_name",
        "family_name",
        "birth_on",
        "postcode",
        "city",
        "country",
        "locale",
    )

    customer = TenantForeignKey(Customer, models.CASCADE, related_name="persons", verbose_name=_("customer"))
    email = models.EmailField(_("e-mail"), max_length=254, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=32, blank=True, default="")
    given_name = models.CharField(_("given name"), max_length=120, blank=True, default="")
    family_name = models.CharField(_("family name"), max_length=120, blank=True, default="")
    birth_on = models.DateField(_("date of birth"), null=True, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True, default="")
    city = models.CharField(_("city"), max_length=120, blank=True, default="")
    country = models.CharField(_("country"), max_length=80, blank=True, default="")
    locale = models.CharField(_("locale"), max_length=16, blank=True, default="")
    email_lower = _lowered("email")
    given_name_lower = _lowered("given_name")
    family_name_lower = _lowered("family_name")

    class Meta(TenantModel.Meta):
        verbose_name = _("person")
        verbose_name_plural = _("persons")
        constraints = [models.UniqueConstraint(fields=["tenant", "customer"], name="crm_person_customer")]
        indexes = [
            models.Index(fields=["tenant", "email_lower"], name="crm_person_email"),
            models.Index(
                fields=["tenant", "family_name_lower", "given_name_lower"], name="crm_person_family_name"
            ),
            models.Index(fields=["tenant", "given_name_lower"], name="crm_person_given_name"),
        ]

    def __str__(self) -> str:
        return full_name(self.given_name, self.family_name) or self.email or str(self.pk)
