from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.domain.permissions import Role
from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class Membership(PublicIdModel, TenantModel):
    """A user's role in one tenant; an account manager is a user with several memberships."""

    ROLE_CHOICES = [
        (Role.OWNER.value, _("Owner")),
        (Role.ADMIN.value, _("Administrator")),
        (Role.MARKETER.value, _("Marketer")),
        (Role.SUPPORT.value, _("Support")),
        (Role.ANALYST.value, _("Analyst")),
    ]

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=16, choices=ROLE_CHOICES)
    created_at = models.DateTimeField(_("since"))

    class Meta(TenantModel.Meta):
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            public_id_constraint("tenants_membership"),
            models.UniqueConstraint(fields=["tenant", "user"], name="tenants_membership_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"
