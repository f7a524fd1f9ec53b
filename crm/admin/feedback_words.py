"""Feelings and topics in words, and the colours of feelings."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.domain.feedback import Feeling
from crm.domain.topics import Topic
from crm.queries import feedback_topics

FEELINGS: Final[dict[Feeling, str | Promise]] = {
    Feeling.POSITIVE: _("Positive"),
    Feeling.MIXED: _("Mixed"),
    Feeling.NEGATIVE: _("Negative"),
}
FEELING_CLASSES: Final = {Feeling.POSITIVE: "b-good", Feeling.MIXED: "b-warn", Feeling.NEGATIVE: "b-bad"}


def topic_labels() -> dict[str, str]:
    """Return all topics by key: the common ones, then the tenant's own."""
    return {**{str(key): str(label) for key, label in TOPICS.items()}, **feedback_topics.names()}


TOPICS: Final[dict[str, str | Promise]] = {
    Topic.DELIVERY: _("Delivery"),
    Topic.PRICE: _("Price"),
    Topic.QUALITY: _("Quality"),
    Topic.SERVICE: _("Service"),
    Topic.PACKAGING: _("Packaging"),
    Topic.APP: _("App and website"),
    Topic.PAYMENT: _("Payment"),
    Topic.RETURNS: _("Returns and refunds"),
    Topic.CHOICE: _("Choice"),
    Topic.LOYALTY: _("Points and offers"),
}
