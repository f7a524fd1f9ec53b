from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class OutboxMessage(TenantModel):
    """A message to be acted upon after the transaction that wrote it: a row first, a queue message never."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")
        DEAD = "dead", _("Given up")

    topic = models.CharField(_("topic"), max_length=64)
    payload = models.JSONField(_("payload"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    available_at = models.DateTimeField(_("next attempt"))
    created_at = models.DateTimeField(_("created"))
    done_at = models.DateTimeField(_("done"), null=True)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox")
        indexes = [
            # The relay reads across tenants, oldest first; only what waits is in the index.
            models.Index(
                fields=["tenant", "available_at", "id"],
                name="tenants_outbox_pending",
                condition=models.Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} ({self.state})"
