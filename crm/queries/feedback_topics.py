"""The tenant's own topics of feedback, and what could become one."""

from __future__ import annotations

from re import Pattern
from typing import Final

from crm.domain.topic_words import Proposal, proposals
from crm.domain.topics import pattern_of
from crm.models import Feedback, FeedbackTopic

# The newest say what customers speak of now; more would not change the strongest words.
_READ: Final = 4_000


def patterns() -> dict[str, Pattern[str]]:
    """Return the patterns of the tenant's own topics by key."""
    rows = FeedbackTopic.objects.order_by("pk").values_list("key", "words")
    return {key: pattern_of(words) for key, words in rows}


def names() -> dict[str, str]:
    """Return the names of the tenant's own topics by key, in order of the name."""
    return dict(FeedbackTopic.objects.order_by("name", "pk").values_list("key", "name"))


def proposed(*, most: int = 8) -> list[Proposal]:
    """Return what the newest texts speak of and no topic covers yet."""
    newest = Feedback.objects.exclude(text="").order_by("-occurred_at", "-id")[:_READ]
    uncovered: list[str] = []
    covered: list[str] = []
    for text, topics in newest.values_list("text", "topics"):
        (covered if topics else uncovered).append(text)
    return proposals(uncovered, covered, most=most)
