"""What depends on an object that an import made: every table that protects it, whatever app it is of."""

from __future__ import annotations

from typing import Any

from django.db import models

from crm.services.imports import staging


def remove_unused(model: type[models.Model], subject: str, params: dict[str, Any]) -> tuple[int, int]:
    """Delete the ``undone`` new objects that nothing depends on; return how many went and how many stayed.

    A relation that cascades is part of the object (the person, the identities); one that protects it, in this
    app or a higher one, is a dependent, and its object stays.
    """
    table = model._meta.db_table
    guards = " ".join(
        f"AND NOT EXISTS (SELECT FROM {theirs} d WHERE d.tenant_id = %(tenant)s AND d.{column} = t.id)"
        for theirs, column in protecting(model)
    )
    staging.run(
        f"""DROP TABLE IF EXISTS removable;
            CREATE TEMPORARY TABLE removable ON COMMIT DROP AS SELECT t.id FROM {table} t
            JOIN undone u ON u.subject = %(subject)s AND u.is_new AND u.subject_id = t.id
            WHERE t.tenant_id = %(tenant)s {guards}""",  # noqa: S608 - names of our own models
        {**params, "subject": subject},
    )
    gone = staging.run(
        f"DELETE FROM {table} t USING removable r WHERE t.tenant_id = %(tenant)s AND t.id = r.id",  # noqa: S608 - a name of our own model
        params,
    )
    [(made,)] = staging.rows(
        "SELECT count(*) FROM undone WHERE subject = %(subject)s AND is_new", {"subject": subject}
    )
    return gone, made - gone


# What a higher app knows to depend on an object without a foreign key: SQL by subject, {t} for its table.
_guards_by_subject: dict[str, list[str]] = {}


def register_guard(subject: str, condition: str) -> None:
    """Keep objects of ``subject`` for which ``condition`` is true, e.g. orders that points were given for."""
    known = _guards_by_subject.setdefault(subject, [])
    if condition not in known:
        known.append(condition)


def guards_of(subject: str, table: str) -> str:
    """Return the conditions of the subject as SQL to append to a WHERE."""
    return " ".join(f"AND NOT ({each.format(t=table)})" for each in _guards_by_subject.get(subject, []))


def protecting(model: type[models.Model]) -> list[tuple[str, str]]:
    """Return (table, column) of every relation that keeps an object of ``model`` from being deleted."""
    return [
        (relation.related_model._meta.db_table, str(relation.field.column))
        for relation in model._meta.related_objects
        if relation.on_delete not in {models.CASCADE, models.SET_NULL}
    ]
