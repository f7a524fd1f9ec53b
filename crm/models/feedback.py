from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.domain.feedback import NEGATIVE_BELOW, POSITIVE_FROM, Feeling, feeling_of
from crm.models.customer import Customer
from crm.models.item import Item
from crm.models.order import Order
from tenants.models.base import (
    PublicIdModel,
    TenantForeignKey,
    TenantManager,
    TenantModel,
    TenantQuerySet,
    public_id_constraint,
)


class FeedbackKind(models.TextChoices):
    NPS = "nps", _("Would recommend (0–10)")
    CSAT = "csat", _("Satisfaction (1–5)")
    REVIEW = "review", _("Review")
    TICKET = "ticket", _("Ticket")


class FeedbackQuerySet(TenantQuerySet["Feedback"]):
    def feeling(self, feeling: Feeling) -> FeedbackQuerySet:
        """Feedback of one feeling; staff's correction goes before the model."""
        positive = models.Q(corrected=True) | models.Q(corrected__isnull=True, sentiment__gte=POSITIVE_FROM)
        negative = models.Q(corrected=False) | models.Q(corrected__isnull=True, sentiment__lt=NEGATIVE_BELOW)
        mixed = models.Q(corrected__isnull=True, sentiment__gte=NEGATIVE_BELOW, sentiment__lt=POSITIVE_FROM)
        return self.filter(
            {Feeling.POSITIVE: positive, Feeling.NEGATIVE: negative, Feeling.MIXED: mixed}[feeling]
        )


FeedbackManager = TenantManager.from_queryset(FeedbackQuerySet)


class Feedback(PublicIdModel, TenantModel):
    """A rating or words of a customer, with what was read from them; the customer may be unknown.

    `source` and `source_id` name the event, call or row it came from, so that a retry adds nothing.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="feedback", verbose_name=_("customer")
    )
    item = TenantForeignKey(
        Item, models.SET_NULL, null=True, blank=True, related_name="feedback", verbose_name=_("item")
    )
    order = TenantForeignKey(
        Order, models.SET_NULL, null=True, blank=True, related_name="feedback", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=FeedbackKind.choices)
    source = models.CharField(_("source"), max_length=20, db_collation="C")
    source_id = models.CharField(_("source id"), max_length=200, db_collation="C")
    rating = models.SmallIntegerField(_("rating"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True, default="")
    occurred_at = models.DateTimeField(_("given at"))
    received_at = models.DateTimeField(_("received at"))
    topics = ArrayField(models.CharField(max_length=20), verbose_name=_("topics"), default=list, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    sentiment = models.FloatField(_("sentiment"), null=True, blank=True)
    sentence_start = models.PositiveIntegerField(_("deciding sentence from"), default=0)
    sentence_end = models.PositiveIntegerField(_("deciding sentence until"), default=0)
    model_version = models.CharField(_("model version"), max_length=100, blank=True, default="")
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    corrected = models.BooleanField(_("corrected to positive"), null=True, blank=True)
    corrected_by = models.CharField(_("corrected by"), max_length=254, blank=True, default="")
    corrected_at = models.DateTimeField(_("corrected at"), null=True, blank=True)

    objects: ClassVar[FeedbackManager[Self]] = FeedbackManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            public_id_constraint("crm_feedback"),
            models.UniqueConstraint(fields=["tenant", "source", "source_id"], name="crm_feedback_source"),
            models.CheckConstraint(
                name="crm_feedback_says_something",
                condition=models.Q(rating__isnull=False)
                | ~models.Q(text="")
                | models.Q(read_at__isnull=False),
            ),
            models.CheckConstraint(
                name="crm_feedback_sentiment_range",
                condition=models.Q(sentiment__isnull=True)
                | models.Q(sentiment__gte=-1.0, sentiment__lte=1.0),
            ),
        ]
        indexes = [
            models.Index(
                "tenant", models.F("occurred_at").desc(), models.F("id").desc(), name="crm_feedback_by_time"
            ),
            models.Index(
                "tenant", "customer", models.F("occurred_at").desc(), name="crm_feedback_by_customer"
            ),
            models.Index("tenant", "item", models.F("occurred_at").desc(), name="crm_feedback_by_item"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}"

    @property
    def score(self) -> float | None:
        """The sentiment as staff left it: their correction counts as certain."""
        if self.corrected is not None:
            return 1.0 if self.corrected else -1.0
        return self.sentiment

    @property
    def feeling(self) -> Feeling | None:
        return None if self.score is None else feeling_of(self.score)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The text before, in and after the sentence that decided the score."""
        start, end = self.sentence_start, self.sentence_end
        return self.text[:start], self.text[start:end], self.text[end:]
