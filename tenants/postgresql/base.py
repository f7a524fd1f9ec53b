from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base, features


class DatabaseFeatures(features.DatabaseFeatures):
    def allows_group_by_selected_pks_on_model(self, model: Any) -> bool:
        """Group a tenant's rows by all their columns.

        Django would group by ``id`` alone, which determines the row only for PostgreSQL's own primary key;
        that is (tenant_id, id).
        """
        has_tenant = any(field.column == "tenant_id" for field in model._meta.concrete_fields)
        return not has_tenant and super().allows_group_by_selected_pks_on_model(model)


class DatabaseWrapper(base.DatabaseWrapper):
    """Named by ``ENGINE`` in the settings."""

    features_class = DatabaseFeatures
