"""What of the loyalty program reads properties of events and attributes of customers."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.admin.value_readers import ValueReader
from crm.domain.hidden_values import free_values
from crm.domain.rules import parse
from rewards.domain.free_values import readers
from rewards.models import CouponDefinition
from rewards.queries import programs
from tenants.access import Access
from tenants.domain.permissions import Permission


def of_program(access: Access) -> Iterable[ValueReader]:
    """Yield the rules and challenges of the program in force."""
    published = programs.published()
    url = reverse("program") if access.can(Permission.PROGRAM_VIEW) else ""
    for reader in readers(published.revision) if published else ():
        words = _("rule “%(name)s”") if reader.is_rule else _("challenge “%(name)s”")
        yield ValueReader(words % {"name": reader.name}, reader.values, url)


def of_coupons(access: Access) -> Iterable[ValueReader]:
    """Yield the coupons that are on offer with a rule about the customer."""
    may_edit = access.can(Permission.COUPONS_EDIT)
    for definition in CouponDefinition.objects.filter(is_active=True, rule__isnull=False).order_by("name"):
        url = reverse("coupon", args=[definition.public_id]) if may_edit else ""
        title = _("coupon “%(name)s”") % {"name": definition.name}
        yield ValueReader(title, free_values(parse(definition.rule)), url)
