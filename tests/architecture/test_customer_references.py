"""A merge and an erasure must know every table that points to a customer."""

from __future__ import annotations

from django.apps import apps

from crm.domain.references import REFERENCES
from crm.models import Customer
from tenants.models.base import TenantForeignKey


def test_every_reference_to_a_customer_has_a_merge_rule() -> None:
    """A new table of this app that points to a customer goes into ``crm/domain/references.py``."""
    found = {
        (model._meta.db_table, field.column)
        for model in apps.get_app_config("crm").get_models()
        for field in model._meta.local_fields
        if isinstance(field, TenantForeignKey) and field.related_model is Customer
    }
    assert found == {(each.table, each.column) for each in REFERENCES}


def test_keys_and_unique_columns_exist() -> None:
    columns = {
        model._meta.db_table: {field.column for field in model._meta.local_fields}
        for model in apps.get_app_config("crm").get_models()
    }
    for reference in REFERENCES:
        named = {*reference.unique, reference.column}
        if reference.rule == "move":
            named |= {name for name, _type in reference.key}
        assert named <= columns[reference.table], reference.table
