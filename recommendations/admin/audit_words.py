"""What happens to models, as the audit log says it."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.admin.audit_words import Words

WORDS: Final[dict[Words, dict[str, Words]]] = {
    _("Models"): {
        "model.activated": _("Put a model in use"),
        "model.rejected": _("Left a new model out of use"),
    },
}
