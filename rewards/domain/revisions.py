"""The life of a program revision: who may move it where."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec


class Step(StrEnum):
    """What is done to a revision."""

    EDIT = "edit"
    REHEARSE = "rehearse"
    SUBMIT = "submit"
    REQUEST_CHANGES = "request_changes"
    APPROVE = "approve"
    PUBLISH = "publish"


_EDITABLE: Final = frozenset({"draft", "rehearsed", "changes_requested"})
ALLOWED_FROM: Final[Mapping[Step, frozenset[str]]] = {
    Step.EDIT: _EDITABLE,
    Step.REHEARSE: _EDITABLE,
    Step.SUBMIT: frozenset({"rehearsed"}),
    Step.REQUEST_CHANGES: frozenset({"in_review", "approved"}),
    Step.APPROVE: frozenset({"in_review"}),
    Step.PUBLISH: frozenset({"approved"}),
}
LEADS_TO: Final[Mapping[Step, str]] = {
    Step.EDIT: "draft",
    Step.REHEARSE: "rehearsed",
    Step.SUBMIT: "in_review",
    Step.REQUEST_CHANGES: "changes_requested",
    Step.APPROVE: "approved",
    Step.PUBLISH: "published",
}


class Rehearsed(StrEnum):
    """Whether what is to be approved was rehearsed: this document, an older one, or nothing."""

    CURRENT = "current"
    OLDER = "older"
    NEVER = "never"


def may(step: Step, state: str, *, needs_rehearsal: bool = True) -> bool:
    """Whether a revision in ``state`` can take the step; a review can be asked for without a rehearsal."""
    if step is Step.SUBMIT and not needs_rehearsal:
        return state in _EDITABLE
    return state in ALLOWED_FROM[step]


def digest_of(document: Any) -> str:
    """Name a document by its content."""
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
