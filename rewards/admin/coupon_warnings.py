"""Clashes between offers in the words of staff, beside the fields of the coupon form."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin.coupon_forms import DefinitionForm
from rewards.domain.coupon_conflicts import FIELD_BY_CLASH, Clash, Finding

_NAMED: Final = 3
_FIELD_BY_COLUMN: Final = {"percent_hundredths": "percent"}
_TEXTS: Final = {
    Clash.NEVER_VALID: gettext_lazy("This time and that of the campaign do not overlap, so it never counts."),
    Clash.GROUP_WITHOUT_USE: gettext_lazy("It goes with no other coupon anyway, so the group has no effect."),
    Clash.POLICIES_DIFFER: gettext_lazy(
        "%(others)s says otherwise for the same conflict; a cart with both is refused."
    ),
    Clash.ORDER_UNCLEAR: gettext_lazy(
        "Same order as %(others)s: the price depends on which code is typed first."
    ),
    Clash.ALL_OFF: gettext_lazy("Together with %(others)s everything is free."),
    Clash.OVERLAP: gettext_lazy("Adds up with %(others)s in one cart. A common group lets only one count."),
}


def show(form: DefinitionForm, findings: Sequence[Finding]) -> str:
    """Put the findings beside their fields; return a mark of them, empty when there are none."""
    for clash, column in FIELD_BY_CLASH.items():
        if names := [found.other for found in findings if found.clash is clash]:
            text = str(_TEXTS[clash])
            form.warn(_FIELD_BY_COLUMN.get(column, column), text % {"others": _listed(names)})
    if not findings:
        return ""
    return sha256(repr(sorted((found.clash, found.other_key) for found in findings)).encode()).hexdigest()[
        :16
    ]


def _listed(names: list[str]) -> str:
    shown = _(", ").join(_("“%(name)s”") % {"name": name} for name in names[:_NAMED])
    left = len(names) - _NAMED
    if left <= 0:
        return shown
    return _("%(names)s and %(count)s more") % {"names": shown, "count": left}
