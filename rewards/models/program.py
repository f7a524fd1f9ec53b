from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class RehearsalPolicy(models.TextChoices):
    REQUIRED = "required", _("No approval without a rehearsal of the same document")
    ACKNOWLEDGE = "acknowledge", _("Whoever approves may say: without a rehearsal")


class Program(TenantModel):
    """A tenant's loyalty scheme; what it says is in its revisions."""

    name = models.CharField(_("name"), max_length=200)
    allows_self_approval = models.BooleanField(_("self-approval is allowed"), default=False, db_default=False)
    rehearsal_policy = models.CharField(
        _("approval without a rehearsal"),
        max_length=20,
        choices=RehearsalPolicy.choices,
        default=RehearsalPolicy.REQUIRED,
        db_default=RehearsalPolicy.REQUIRED.value,
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("program")
        verbose_name_plural = _("programs")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="rewards_program_one_per_tenant")]

    def __str__(self) -> str:
        return self.name
