"""A merge and an erasure must know every table that points to a customer."""

from __future__ import annotations

from typing import Final

import pytest
from django.apps import apps

from crm.domain import references as crm_references
from crm.domain.references import MergeRule, Reference
from crm.models import Customer
from rewards.domain import references as rewards_references
from tenants.models.base import TenantForeignKey

# A list was made for one number of a customer; its survivor has an own one from the next training.
_RECOMMENDATIONS: Final = (Reference("recommendations_recommendationlist", MergeRule.STAY),)
REFERENCES: Final = {
    "crm": crm_references.REFERENCES,
    "rewards": rewards_references.REFERENCES,
    "recommendations": _RECOMMENDATIONS,
}


@pytest.mark.parametrize("app", REFERENCES)
def test_every_reference_to_a_customer_has_a_merge_rule(app: str) -> None:
    """A new table that points to a customer goes into its app's ``domain/references.py``."""
    found = {
        (model._meta.db_table, field.column)
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.local_fields
        if isinstance(field, TenantForeignKey) and field.related_model is Customer
    }
    assert found == {(each.table, each.column) for each in REFERENCES[app]}


@pytest.mark.parametrize("app", REFERENCES)
def test_keys_and_unique_columns_exist(app: str) -> None:
    columns = {
        model._meta.db_table: {field.column for field in model._meta.local_fields}
        for model in apps.get_app_config(app).get_models()
    }
    for reference in REFERENCES[app]:
        named = {*reference.unique, reference.column}
        if reference.rule == "move":
            named |= {name for name, _type in reference.key}
        assert named <= columns[reference.table], reference.table
