"""Every personal field is classified: what it is, why it is kept, how long, what an erasure does to it."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models

from crm.domain.personal_data import FIELDS, PERSONAL_BY_CONTENT, Treatment
from crm.models import Customer
from tenants.models.base import TenantForeignKey

_OTHERS = ("rewards.domain.personal_data", "recommendations.queries.personal_data")
_TEXTS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.DateField,
    models.GenericIPAddressField,
)


def declared() -> dict[str, dict[str, Treatment]]:
    found = {table: dict(fields) for table, fields in FIELDS.items()}
    for name in _OTHERS:
        for table, fields in import_module(name).FIELDS.items():
            found.setdefault(table, {}).update(fields)
    return found


def personal_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if model is Customer
        or model._meta.db_table in PERSONAL_BY_CONTENT
        or any(
            isinstance(field, TenantForeignKey) and field.related_model is Customer
            for field in model._meta.local_fields
        )
    ]


def needs_class(field: models.Field[object, object]) -> bool:
    is_text = isinstance(field, _TEXTS) and not isinstance(field, models.DateTimeField)
    if isinstance(field, models.GeneratedField):
        is_text = isinstance(field.output_field, models.CharField)
    return is_text and not field.choices


def test_every_text_or_date_of_a_personal_table_is_classified() -> None:
    """A new field goes into the ``personal_data`` module of its app, with what an erasure does to it."""
    fields = declared()
    missing = [
        f"{model._meta.db_table}.{field.column}"
        for model in personal_models()
        for field in model._meta.local_fields
        if needs_class(field) and field.column not in fields.get(model._meta.db_table, {})
    ]
    assert missing == []


def test_nothing_is_classified_that_is_not_there() -> None:
    columns = {
        model._meta.db_table: {field.column for field in model._meta.local_fields}
        for model in apps.get_models()
    }
    for table, fields in declared().items():
        assert set(fields) <= columns[table], table


def test_an_unclassified_field_is_found() -> None:
    nickname = models.CharField(max_length=10)
    nickname.column = "nickname"
    assert needs_class(nickname)
    assert not needs_class(models.IntegerField())
    assert not needs_class(models.CharField(choices=[("a", "b")]))


def test_models_learn_from_no_personal_field() -> None:
    """Neither the person's row nor free attributes ever become features."""
    forbidden = re.compile(
        r"crm_person|crm_identity|crm_feedback\b.*text|\bPerson\b|\.attributes\b|attributes->"
    )
    found = [
        str(path)
        for path in (Path(settings.BASE_DIR) / "recommendations").rglob("*.py")
        if "migrations" not in path.parts
        and path.name != "personal_data.py"
        and forbidden.search(path.read_text())
    ]
    assert found == []
