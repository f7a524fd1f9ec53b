"""The red line on every page while an account is frozen."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rewards.queries import frozen
from tenants.access import Access
from tenants.admin.notices import Notice
from tenants.domain.permissions import Permission


def frozen_accounts(access: Access) -> Notice | None:
    """Name the frozen accounts; whoever may read the program gets the way to them."""
    count = frozen.count()
    if not count:
        return None
    text = ngettext(
        "%(count)s points account failed verification and is frozen: nothing is posted to it.",
        "%(count)s points accounts failed verification and are frozen: nothing is posted to them.",
        count,
    ) % {"count": count}
    if not access.can(Permission.PROGRAM_VIEW):
        return Notice(text)
    return Notice(text, reverse("liability") + "#frozen", _("See the accounts"))
