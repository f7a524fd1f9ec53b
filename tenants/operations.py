"""The migration operation that gives a tenant's table its second wall.

One operation a table emits the composite primary key, forced row-level security with the one policy, the
application's grants and the composite foreign keys, so that nobody writes them by hand and forgets one.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tenants.models.base import TenantForeignKey

TENANT_SETTING = "NULLIF(current_setting('app.tenant_id', true), '')::bigint"
POLICY = f"tenant_id = {TENANT_SETTING}"
DELETE_RULE_BY_NAME = {"CASCADE": "CASCADE", "SET_NULL": "SET NULL", "PROTECT": "NO ACTION"}


class IsolateTenantTable(Operation):
    """Isolate the table of ``model_name``; referenced tables must be isolated before it.

    ``append_only`` leaves the application only SELECT and INSERT and adds refusing triggers.
    ``primary_key`` names the columns for tables that were created by SQL with that key already.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self, model_name: str, *, append_only: bool = False, primary_key: tuple[str, ...] | None = None
    ) -> None:
        self.model_name = model_name
        self.append_only = append_only
        self.primary_key = primary_key

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        kwargs: dict[str, Any] = {}
        if self.append_only:
            kwargs["append_only"] = True
        if self.primary_key:
            kwargs["primary_key"] = self.primary_key
        return type(self).__name__, [self.model_name], kwargs

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Django's picture of the model does not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        for statement in self.statements(model):
            schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        for statement in (
            f'DROP POLICY IF EXISTS tenant_isolation ON "{table}"',
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
            # With its triggers; the table's own end would leave the function behind.
            f'DROP FUNCTION IF EXISTS "{table}_refuse_change"() CASCADE',
        ):
            schema_editor.execute(statement)

    def describe(self) -> str:
        return f"Isolate {self.model_name} by tenant"

    def statements(self, model: type[models.Model]) -> list[str]:
        """Return the SQL in order, for ``model`` as the migration sees it."""
        table = model._meta.db_table
        return [
            *self._keys(model, table),
            *_policies(table),
            *self._grants(table),
            *(self._refusing_triggers(table) if self.append_only else []),
        ]

    def _keys(self, model: type[models.Model], table: str) -> list[str]:
        keys = []
        if self.primary_key is None:
            keys = [
                f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey" CASCADE',
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY (tenant_id, id)',
            ]
        for field in model._meta.local_fields:
            if isinstance(field, TenantForeignKey):
                keys.append(_composite_foreign_key(table, field))
        return keys

    def _grants(self, table: str) -> list[str]:
        rights = "SELECT, INSERT" if self.append_only else "SELECT, INSERT, UPDATE, DELETE"
        grants = [
            f'REVOKE ALL ON "{table}" FROM PUBLIC, app_rw',
            f'GRANT {rights} ON "{table}" TO app_rw',
            f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO app_platform',
        ]
        if self.primary_key is None:
            grants.append(f'GRANT USAGE, SELECT ON SEQUENCE "{table}_id_seq" TO app_rw, app_platform')
        return grants

    def _refusing_triggers(self, table: str) -> list[str]:
        return [
            f"""CREATE OR REPLACE FUNCTION "{table}_refuse_change"() RETURNS trigger
            LANGUAGE plpgsql SET search_path = pg_catalog AS $$
            BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation'; END $$""",
            f"""CREATE TRIGGER "{table}_refuse_change" BEFORE UPDATE OR DELETE ON "{table}"
            FOR EACH ROW EXECUTE FUNCTION "{table}_refuse_change"()""",
            f"""CREATE TRIGGER "{table}_refuse_truncate" BEFORE TRUNCATE ON "{table}"
            FOR EACH STATEMENT EXECUTE FUNCTION "{table}_refuse_change"()""",
        ]


def _policies(table: str) -> list[str]:
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant_isolation ON "{table}" USING ({POLICY}) WITH CHECK ({POLICY})',
    ]


def _composite_foreign_key(table: str, field: TenantForeignKey) -> str:
    target = field.remote_field.model._meta.db_table
    rule = DELETE_RULE_BY_NAME.get(getattr(field.remote_field.on_delete, "__name__", ""), "NO ACTION")
    if rule == "SET NULL":
        rule = f'SET NULL ("{field.column}")'
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_fk" '
        f'FOREIGN KEY (tenant_id, "{field.column}") REFERENCES "{target}" (tenant_id, id) ON DELETE {rule} '
        "DEFERRABLE INITIALLY IMMEDIATE"
    )
