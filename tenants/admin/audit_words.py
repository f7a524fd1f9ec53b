"""The audit log in words: what was done, to which object, what changed; apps above add their actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tenants.admin.jobs import label_of
from tenants.models import AuditEntry, Job

Words = str | Promise
_BEFORE_AND_AFTER: Final = 2
WORDS: Final[dict[Words, dict[str, Words]]] = {
    _("Tenant and team"): {
        "tenant.created": _("Created the tenant"),
        "tenant.signed_up": _("Signed up"),
        "tenant.changed": _("Changed the tenant"),
        "membership.added": _("Added to the team"),
        "membership.changed": _("Changed a role"),
        "membership.removed": _("Removed from the team"),
        "api_key.created": _("Created an API key"),
        "api_key.revoked": _("Revoked an API key"),
    },
    _("Jobs"): {"job.started": _("Started a job"), "job.cancelled": _("Cancelled a job")},
}
_words_by_action: dict[str, Words] = {}
_actions_by_group: dict[Words, list[str]] = {}
_words_by_field: dict[str, Words] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an entry; ``before`` is ``None`` where there was nothing, or nothing was written down."""

    field: str
    before: Any
    after: Any


def register(words: Mapping[Words, Mapping[str, Words]]) -> None:
    """Say what actions are called, by the groups in which the filter offers them."""
    for group, words_by_action in words.items():
        _words_by_action.update(words_by_action)
        _actions_by_group[group] = list(words_by_action)


def register_fields(words: Mapping[str, Words]) -> None:
    """Say what is called what an entry writes down beside the columns of its object."""
    _words_by_field.update(words)


def has_words(action: str) -> bool:
    return action in _words_by_action


def action_words(action: str) -> str:
    """Return an action in words; one that is not registered speaks for itself."""
    return str(_words_by_action.get(action, action))


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every action by group, as a select offers them."""
    return [
        (str(group), sorted(((action, action_words(action)) for action in actions), key=lambda pair: pair[1]))
        for group, actions in _actions_by_group.items()
    ]


def object_words(entry: AuditEntry) -> tuple[str, str]:
    """Return the kind of object and its name at the time; a job's name is its kind in today's words."""
    model = _model(entry.target_type)
    kind = capfirst(str(model._meta.verbose_name)) if model else entry.target_type
    if model is Job and (change := entry.diff.get("kind")):
        return kind, label_of(str(change[-1]))
    return kind, entry.target_label


def changes(entry: AuditEntry) -> list[Change]:
    """Return the changed fields; a difference of another shape is shown as what it holds."""
    model = _model(entry.target_type)
    if not isinstance(entry.diff, dict):
        return [Change("", None, entry.diff)] if entry.diff else []
    # The kind of a job is its name already.
    named = {
        name: value
        for name, value in entry.diff.items()
        if (model, name) != (Job, "kind") and not _is_nothing(value)
    }
    return [_change(model, name, value) for name, value in named.items()]


def _change(model: type[Model] | None, name: str, value: Any) -> Change:
    is_pair = isinstance(value, list) and len(value) == _BEFORE_AND_AFTER
    before, after = value if is_pair else (None, value)
    field = _field(model, name)
    label = str(field.verbose_name if field else _words_by_field.get(name, name.replace("_", " ")))
    if field is None and is_pair and (parts := _parts(before, after)) is not None:
        return Change(label, *parts)
    return Change(label, _value(field, before), _value(field, after))


def _parts(before: Any, after: Any) -> tuple[str | None, str] | None:
    """Return sections of a document by the names of their entries; ``None`` for other values."""
    sides = [side for side in (before, after) if side is not None]
    if not sides or not all(isinstance(side, list) and all(map(_is_entry, side)) for side in sides):
        return None
    names = [
        ", ".join(str(each.get("name") or each["key"]) for each in side or ()) for side in (before, after)
    ]
    # The same entries say otherwise than before: their names once are enough.
    return (names[0] if names[0] not in {"", names[1]} else None), names[1]


def _is_nothing(value: Any) -> bool:
    """Whether an empty thing came from nothing, as the sections of a document that nobody has filled."""
    return (
        isinstance(value, list)
        and len(value) == _BEFORE_AND_AFTER
        and not any(side is not None and side not in ([], {}, "") for side in value)
    )


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and "key" in value


def _value(field: Field[Any, Any] | None, value: Any) -> Any:
    if field is None or not field.choices or not isinstance(value, str):
        return value
    named: dict[Any, Any] = dict(field.flatchoices)
    return str(named.get(value, value))


def _model(label: str) -> type[Model] | None:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


def _field(model: type[Model] | None, name: str) -> Field[Any, Any] | None:
    try:
        found = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, Field) else None
