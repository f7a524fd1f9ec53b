from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class CustomerTouch(TenantModel):
    """A note that something happened to a customer, or to all of them, that segments have not seen yet.

    Rows are only added and, once seen, deleted by id: one row a customer would have to be updated, and a
    note that commits while a run reads would be lost with the one it replaced.
    """

    customer = TenantForeignKey(
        Customer, models.CASCADE, null=True, blank=True, related_name="touches", verbose_name=_("customer")
    )
    # False when only values outside the history changed: then the profile need not be read anew.
    is_history = models.BooleanField(_("is of the history"), default=True)
    # Where known, the moment of the oldest event that came: what is older has not changed.
    since = models.DateTimeField(_("changed since"), null=True, blank=True)
    touched_at = models.DateTimeField(_("touched at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("customer touch")
        verbose_name_plural = _("customer touches")

    def __str__(self) -> str:
        return str(self.customer_id or "*")
