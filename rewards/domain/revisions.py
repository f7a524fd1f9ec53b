"""The life of a program revision: who may move it where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


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


def may(step: Step, state: str) -> bool:
    """Whether a revision in ``state`` can take the step."""
    return state in ALLOWED_FROM[step]
