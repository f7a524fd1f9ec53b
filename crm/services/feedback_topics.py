"""Topics of a tenant's own: made, changed and removed by staff; stored texts are sorted into them again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.text import slugify

from crm.domain.topics import Topic, topics_in
from crm.locks import lock_feedback_texts, lock_feedback_topic, lock_feedback_topics
from crm.models import Feedback, FeedbackTopic
from crm.queries import feedback_topics
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.models.base import new_public_id
from tenants.services import audit, jobs

MOST_TOPICS: Final = 40
MOST_WORDS: Final = 40
SORT_JOB: Final = "crm.sort_feedback"
_LONGEST_NAME: Final = 60
# One letter is everywhere.
_USABLE: Final = re.compile(r"\w.{1,59}", re.DOTALL)
_LONGEST_KEY: Final = 20


@transaction.atomic
def create(*, name: str, words: Iterable[str], by: Actor, at: datetime) -> FeedbackTopic:
    """Make a topic and sort the stored texts by it. Raises ``InvalidInput``."""
    by.require(Permission.FEEDBACK_EDIT)
    known = lock_feedback_topics()
    name, chosen = _checked(name, words, [each.name for each in known])
    if len(known) >= MOST_TOPICS:
        detail = f"At most {MOST_TOPICS} topics."
        raise InvalidInput(detail, errors=[FieldError("/name", "too_many", detail)])
    topic: FeedbackTopic = FeedbackTopic.objects.create(
        key=_free_key(name, {each.key for each in known}),
        name=name,
        words=chosen,
        created_at=at,
        updated_at=at,
    )
    diff = {"name": [None, name], "words": [None, chosen]}
    audit.record(action="feedback_topic.created", target=topic, by=by, at=at, diff=diff)
    jobs.start(kind=SORT_JOB, params={}, by=by, at=at)
    return topic


@transaction.atomic
def change(
    *, topic: FeedbackTopic, name: str, words: Iterable[str], by: Actor, at: datetime
) -> FeedbackTopic:
    """Give a topic another name or other words; its key stays. Raises ``InvalidInput``."""
    by.require(Permission.FEEDBACK_EDIT)
    others = [each.name for each in lock_feedback_topics() if each.pk != topic.pk]
    row = lock_feedback_topic(topic.pk)
    name, chosen = _checked(name, words, others)
    diff = {"name": [row.name, name], "words": [row.words, chosen]}
    row.name, row.words, row.updated_at = name, chosen, at
    row.save(update_fields=["name", "words", "updated_at"])
    audit.record(action="feedback_topic.changed", target=row, by=by, at=at, diff=diff)
    jobs.start(kind=SORT_JOB, params={}, by=by, at=at)
    return row


@transaction.atomic
def delete(*, topic: FeedbackTopic, by: Actor, at: datetime) -> None:
    """Remove a topic; the stored texts lose it."""
    by.require(Permission.FEEDBACK_EDIT)
    row = lock_feedback_topic(topic.pk)
    diff = {"name": [row.name, None], "words": [row.words, None]}
    audit.record(action="feedback_topic.deleted", target=row, by=by, at=at, diff=diff)
    row.delete()
    jobs.start(kind=SORT_JOB, params={}, by=by, at=at)


@transaction.atomic
def sort_some(*, after_id: int, limit: int) -> tuple[int, int | None]:
    """Find the topics of the next texts anew; return how many changed and the last id, None at the end."""
    rows = lock_feedback_texts(after_id, limit)
    own = feedback_topics.patterns()
    changed = []
    for row in rows:
        topics = topics_in(row.text, own)
        if topics != row.topics:
            row.topics = topics
            changed.append(row)
    Feedback.objects.bulk_update(changed, ["topics"], batch_size=500)
    return len(changed), rows[-1].pk if rows else None


def _checked(name: str, words: Iterable[str], taken: Iterable[str]) -> tuple[str, list[str]]:
    name = " ".join(name.split())
    chosen = list(dict.fromkeys(" ".join(word.split()).lower() for word in words if word.strip()))
    errors = []
    if not name or len(name) > _LONGEST_NAME:
        errors.append(FieldError("/name", "invalid", f"1 to {_LONGEST_NAME} characters."))
    if name.casefold() in {each.casefold() for each in taken}:
        errors.append(FieldError("/name", "taken", "Another topic has this name."))
    if not 1 <= len(chosen) <= MOST_WORDS:
        errors.append(FieldError("/words", "invalid", f"1 to {MOST_WORDS} words."))
    if not all(_USABLE.fullmatch(word) for word in chosen):
        errors.append(FieldError("/words", "invalid", f"A word has 2 to {_LONGEST_NAME} characters."))
    if errors:
        raise InvalidInput(errors=errors)
    return name, chosen


def _free_key(name: str, taken: set[str]) -> str:
    """Return a key that says the name where it can, and is nobody else's."""
    wanted = slugify(name)[:_LONGEST_KEY].strip("-")
    if wanted and wanted not in taken | set(Topic):
        return wanted
    return f"own-{new_public_id().hex[-12:]}"
